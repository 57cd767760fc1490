"""Sentences that need more than a code: answers of the rules of calling."""

from __future__ import annotations

from flask_babel import gettext as _

from campaigns.eligibility import Verdict
from web import i18n, sentences, sentences_table


def handed_to(place: str) -> str:
    """Where a callee was handed over to: ``queue:operators`` as a person reads it."""
    kind, _colon, name = place.partition(":")
    if kind == "queue":
        return _("queue %(name)s", name=name)
    return i18n.phone(name) if kind == "number" else place


def why(verdict: Verdict, zone: str) -> str:
    """The answer to "why is this person not being called now?"."""
    rule = str(verdict.rule)
    if rule == "window_closed" and verdict.until is None:
        return _("Outside the calling windows, and none will open again.")
    until = f"{i18n.when(verdict.until, zone)} ({zone})" if verdict.until else ""
    return sentences.label(sentences_table.RULES, rule).format(until=until)
