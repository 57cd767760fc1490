"""Codes into sentences of the reader's language.

Every code that a person can meet has its sentence here, with the names of its words in braces. A code that is missing
here falls back on the error's own English sentence, so a new code is readable at once; the test
``test_every_code_has_a_sentence`` keeps the table complete.
"""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from config.errors import ObzvonError
from config.i18n import N_
from web.sentences_table import SENTENCES, STATUSES


class _Words(dict[str, Any]):
    """An unknown word becomes nothing instead of a crash of the page that explains an error."""

    def __missing__(self, key: str) -> str:
        return "…"


def of(error: ObzvonError) -> str:
    """The sentence of this error in the reader's language."""
    problems = error.words.get("problems")
    if problems:
        return " ".join(of(problem) if isinstance(problem, ObzvonError) else str(problem) for problem in problems)
    if error.code in SENTENCES:
        return of_code(error.code, **error.words)
    return _fill(_(error.sentence), error.words)


def of_code(code: str, /, **words: Any) -> str:
    """The sentence of a code that was stored; the code itself when it is not known here."""
    text = SENTENCES.get(code)
    return _fill(_(text), words) if text else code


def of_status(status: int) -> str:
    """What an HTTP status means for a person."""
    return _(STATUSES.get(status, N_("This did not work. Go back and try again.")))


def label(texts: dict[Any, str], key: Any) -> str:
    """A word of a table such as the states; the key itself when it is not in it."""
    return _(texts[key]) if key in texts else str(key)


def _fill(text: str, words: dict[str, Any]) -> str:
    if not words or "{" not in text:
        return text
    try:
        return text.format_map(_Words(words))
    except (ValueError, IndexError, AttributeError):
        return text
