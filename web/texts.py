"""Sentences that need more than a code: answers of the rules of calling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from campaigns.eligibility import Verdict
from web import i18n, sentences, sentences_table
from web.message import words


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


def message_about(message: Mapping[str, Any]) -> str:
    """A message in a line: its languages, its other steps, its keys."""
    names = [sentences.label(words.LANGUAGES, code) for code in message["variants"]]
    said = [_("Languages: %(names)s.", names=", ".join(names))]
    if message["steps"]:
        said.append(_("Further steps: %(names)s.", names=", ".join(message["steps"])))
    if message["choice"]:
        said.append(_("Keys: %(names)s.", names=", ".join(sorted(message["choice"]["keys"]))))
    return " ".join(said)


def fallback_reason(reason: str) -> str:
    """``engine: code`` of an engine that did not speak."""
    engine, _colon, code = reason.partition(": ")
    return sentences.of_code(code, engine=engine)
