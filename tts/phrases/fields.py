"""A cell of a contact's row -> what is said of it: reading and wording in one step, for messages with fields. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tts import phrases
from tts.phrases import Case, Gender, Grouping, values


class Kind(StrEnum):
    MONEY = "money"
    WHOLE = "whole"
    ORDINAL = "ordinal"
    DATE = "date"
    TIME = "time"
    PERCENT = "percent"
    DIGITS = "digits"
    PHONE = "phone"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Field:
    """How a column is said. Each kind looks at its own options alone; ``case`` None is the kind's usual one."""

    column: str
    kind: Kind
    case: Case | None = None
    currency: str = ""
    zero_cents: bool = False
    gender: Gender = Gender.MASCULINE
    noun_forms: tuple[str, ...] = ()
    with_year: bool = False
    grouping: Grouping = Grouping.ONE_BY_ONE


def say(field: Field, cell: str, language: str, region: str) -> str:
    """The cell in words. ``region``: where numbers and dates of the base are written.

    :raises PhraseError: the cell cannot be read or said; ``field`` of the error is the column.
    """
    return _KINDS[field.kind](field, cell, language, region)


def _money(field: Field, cell: str, language: str, region: str) -> str:
    amount = values.amount(cell, region, field.currency, field=field.column)
    case = field.case or Case.NOMINATIVE
    return phrases.money(amount, field.currency, language, case, zero_cents=field.zero_cents, field=field.column)


def _whole(field: Field, cell: str, language: str, region: str) -> str:
    n = values.whole_number(cell, region, field=field.column)
    case = field.case or Case.NOMINATIVE
    return phrases.whole(n, language, field.gender, field.noun_forms, case, field=field.column)


def _ordinal(field: Field, cell: str, language: str, region: str) -> str:
    n = values.whole_number(cell, region, field=field.column)
    return phrases.ordinal(n, language, field.gender, field.case or Case.NOMINATIVE, field=field.column)


def _date(field: Field, cell: str, language: str, region: str) -> str:
    return phrases.date(values.date(cell, region, field=field.column), language, field.case, field.with_year)


def _time(field: Field, cell: str, language: str, region: str) -> str:
    return phrases.time(values.time(cell, field=field.column), language, field.case or Case.NOMINATIVE)


def _percent(field: Field, cell: str, language: str, region: str) -> str:
    value = values.percentage(cell, region, field=field.column)
    return phrases.percent(value, language, field.case or Case.NOMINATIVE, field=field.column)


def _digits(field: Field, cell: str, language: str, region: str) -> str:
    text = values.digit_text(cell, field=field.column)
    return phrases.digits(text, language, field.grouping, field=field.column)


def _phone(field: Field, cell: str, language: str, region: str) -> str:
    return phrases.phone(cell.strip(), language, field=field.column)


def _text(field: Field, cell: str, language: str, region: str) -> str:
    return phrases.text(cell, field=field.column)


_KINDS: dict[Kind, Callable[[Field, str, str, str], str]] = {
    Kind.MONEY: _money,
    Kind.WHOLE: _whole,
    Kind.ORDINAL: _ordinal,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.PERCENT: _percent,
    Kind.DIGITS: _digits,
    Kind.PHONE: _phone,
    Kind.TEXT: _text,
}
