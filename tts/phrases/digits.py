"""How people group the digits of telephone and account numbers. Pure.

Telephones: the country's own grouping (phonenumbers), groups over three digits cut as below. Accounts: separators in
the text are borders of groups; in languages that say groups as numbers an unbroken run is cut into 3 and 2 like a
telephone (3-2-2, 3-3-2-2), in those that spell it into fours.
"""

from __future__ import annotations

import re
from enum import StrEnum

import phonenumbers

from tts.phrases.refusals import refusal

MAX_CHARACTERS = 60
_SEPARATORS = re.compile(r"[\s\-‐-―−/.,]+")
_RUNS = re.compile(r"[0-9]+|[^0-9]")
_PHONE = re.compile(r"\+?[0-9]{7,15}")


class Grouping(StrEnum):
    ONE_BY_ONE = "one by one"
    PAIRS = "pairs"
    TRIPLES = "triples"
    PHONE = "phone"
    ACCOUNT = "account"


def runs(text: str, letters: str, field: str) -> list[str]:
    """Runs of digits and single letters, at the borders that the text itself has.

    :raises PhraseError: digits_wrong.
    """
    found: list[str] = []
    if len(text) <= MAX_CHARACTERS:
        for part in _SEPARATORS.split(text.strip()):
            found += _RUNS.findall(part.upper())
    if (
        not found
        or any(not run.isascii() and run not in letters for run in found)
        or any(not run[0].isdigit() and run not in letters for run in found)
    ):
        raise refusal("digits_wrong", field)
    return found


def cut(run: str, size: int) -> list[str]:
    """12345 by 2 -> 12, 34, 5."""
    return [run[start : start + size] for start in range(0, len(run), size)]


def cut_like_phone(run: str) -> list[str]:
    """3-3-2-2 and shorter: 4 -> 2-2, 5 -> 3-2, 6 -> 3-3, 7 -> 3-2-2, 8 -> 3-3-2, 10 -> 3-3-2-2, 12 -> 3-3-3-3."""
    groups = []
    while run:
        size = 3 if len(run) not in (1, 2, 4) else 2
        groups.append(run[:size])
        run = run[size:]
    return groups


def phone_groups(e164: str, field: str) -> list[str]:
    """Country code, then the groups in which the number is written in its country.

    :raises PhraseError: phone_wrong.
    """
    if not _PHONE.fullmatch(e164):
        raise refusal("phone_wrong", field)
    try:
        number = phonenumbers.parse("+" + e164.removeprefix("+"))
    except phonenumbers.NumberParseException:
        raise refusal("phone_wrong", field) from None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return re.findall(r"[0-9]+", written)
