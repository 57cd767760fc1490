"""Numbers, amounts, dates and times as words, in the form in which they stand in a sentence. Pure.

Languages: ru, en, cs, uk, kk, de; the choices that were open are in docs/decisions/0009-number-phrases.md. Values as
they stand in customers' files are read by :mod:`tts.phrases.values`; nothing here takes text apart but digits.

Everything raises :class:`tts.errors.PhraseError` with a code of :data:`SENTENCES`; ``field`` is its column.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from tts.phrases.czech import Czech
from tts.phrases.digits import Grouping, cut, cut_like_phone, phone_groups, runs
from tts.phrases.english import English
from tts.phrases.german import German
from tts.phrases.grammar import LIMIT, ORDINAL_LIMIT, Case, Currency, Gender, Language, split
from tts.phrases.kazakh import Kazakh
from tts.phrases.refusals import SENTENCES, refusal
from tts.phrases.russian import Russian
from tts.phrases.ukrainian import Ukrainian

__all__ = [
    "LANGUAGES",
    "LIMIT",
    "ORDINAL_LIMIT",
    "SENTENCES",
    "Case",
    "Currency",
    "Gender",
    "Grouping",
    "cardinal",
    "date",
    "digits",
    "language",
    "money",
    "ordinal",
    "percent",
    "phone",
    "text",
    "time",
    "whole",
]

LANGUAGES: dict[str, Language] = {
    spoken.code: spoken for spoken in (Russian(), English(), Czech(), Ukrainian(), Kazakh(), German())
}
MAX_TEXT = 500
PERCENT_DECIMALS = 3


def language(code: str) -> Language:
    """The language of this code; ru-RU and ru_RU are ru.

    :raises PhraseError: language_not_spoken.
    """
    found = LANGUAGES.get(code.replace("_", "-").split("-")[0].lower())
    if found is None:
        raise refusal("language_not_spoken", "language", language=code[:20], choices=", ".join(LANGUAGES))
    return found


def money(
    amount: Decimal | int,
    currency: str,
    language_code: str,
    case: Case = Case.NOMINATIVE,
    *,
    zero_cents: bool = False,
    field: str = "",
) -> str:
    """1251.20 RUB -> тысяча двести пятьдесят один рубль двадцать копеек. An int is whole roubles, never kopecks.

    Nothing is rounded: more than two decimals are refused. No cents are left out unless ``zero_cents``; amounts under
    one are said in cents alone; minus stands in front; -0 is zero.

    :raises PhraseError: amount_too_fine, number_too_large, currency_not_spoken, language_not_spoken, case_not_spoken.
    """
    spoken = _with_case(language_code, case)
    if currency not in Currency.__members__:
        raise refusal("currency_not_spoken", "currency", currency=currency[:20], choices=", ".join(Currency))
    negative, whole_part, cents = _parts(amount, 2, "amount_too_fine", field)
    words = spoken.money(whole_part, int(cents), Currency(currency), case, zero_cents)
    return _signed(words, negative, spoken)


def whole(
    n: int,
    language_code: str,
    gender: Gender,
    noun_forms: Sequence[str],
    case: Case = Case.NOMINATIVE,
    *,
    field: str = "",
) -> str:
    """A whole number with a word of the user's: 21, ("день", "дня", "дней") -> двадцать один день.

    ``noun_forms`` has one form for each plural category, in the case asked for, like the language's
    ``noun_example``.

    :raises PhraseError: noun_forms_wrong, number_too_large, language_not_spoken, case_not_spoken.
    """
    spoken = _with_case(language_code, case)
    words = tuple(text(form) for form in noun_forms)
    if len(words) != len(spoken.noun_example) or not all(words):
        raise refusal("noun_forms_wrong", "noun", count=len(spoken.noun_example))
    _check_size(abs(n), field)
    return _signed(spoken.with_forms(abs(n), gender, words, case), n < 0, spoken)


def cardinal(
    n: int,
    language_code: str,
    gender: Gender = Gender.MASCULINE,
    case: Case = Case.NOMINATIVE,
    *,
    field: str = "",
) -> str:
    """A whole number with nothing counted behind it: 21 -> двадцать один.

    :raises PhraseError: number_too_large, language_not_spoken, case_not_spoken.
    """
    spoken = _with_case(language_code, case)
    _check_size(abs(n), field)
    return _signed(spoken.cardinal(abs(n), gender, case), n < 0, spoken)


def ordinal(
    n: int,
    language_code: str,
    gender: Gender = Gender.MASCULINE,
    case: Case = Case.NOMINATIVE,
    *,
    field: str = "",
) -> str:
    """3 -> третий, third, dritte (as behind the definite article).

    :raises PhraseError: ordinal_wrong, language_not_spoken, case_not_spoken.
    """
    spoken = _with_case(language_code, case)
    if not 0 <= n <= ORDINAL_LIMIT:
        raise refusal("ordinal_wrong", field, limit=ORDINAL_LIMIT)
    return spoken.ordinal(n, gender, case)


def date(day: dt.date, language_code: str, case: Case | None = None, with_year: bool = False) -> str:
    """двенадцатого декабря, the twelfth of December, dvanáctého prosince, zwölften Dezember.

    Without ``case`` in the one in which a date stands when something happens on it; German without its article.

    :raises PhraseError: date_wrong (a year before 1000), language_not_spoken, case_not_spoken.
    """
    spoken = language(language_code)
    case = spoken.date_case if case is None else case
    _check_case(spoken, case)
    if with_year and day.year < 1000:
        raise refusal("date_wrong")
    return spoken.date(day, case, with_year)


def time(moment: dt.time, language_code: str, case: Case = Case.NOMINATIVE) -> str:
    """четырнадцать часов тридцать минут, two thirty PM. Seconds are not said.

    :raises PhraseError: language_not_spoken, case_not_spoken.
    """
    return _with_case(language_code, case).time(moment, case)


def percent(value: Decimal | int, language_code: str, case: Case = Case.NOMINATIVE, *, field: str = "") -> str:
    """12.5 -> двенадцать целых пять десятых процента; at most three decimals, trailing zeros are not said.

    :raises PhraseError: percent_too_fine, number_too_large, language_not_spoken, case_not_spoken.
    """
    spoken = _with_case(language_code, case)
    negative, whole_part, decimals = _parts(value, PERCENT_DECIMALS, "percent_too_fine", field)
    return _signed(spoken.percent(whole_part, decimals.rstrip("0"), case), negative, spoken)


def digits(value: str, language_code: str, grouping: Grouping = Grouping.ONE_BY_ONE, *, field: str = "") -> str:
    """Digits, with commas between groups, which voices make a short break at. Zeros in front are said one by one.

    Blanks and - / . in the text are borders of groups; single letters of the language's script are said as letters.

    :raises PhraseError: digits_wrong, phone_wrong, language_not_spoken.
    """
    spoken = language(language_code)
    if grouping is Grouping.PHONE:
        return phone(value, language_code, field=field)
    groups: list[str] = []
    for run in runs(value, spoken.letters, field):
        groups += _cut(run, grouping, spoken)
    as_numbers = grouping in (Grouping.PAIRS, Grouping.TRIPLES) or (
        grouping is Grouping.ACCOUNT and spoken.groups_as_numbers
    )
    return ", ".join(_group(group, spoken, as_numbers) for group in groups)


def phone(e164: str, language_code: str, *, field: str = "") -> str:
    """+79161234567 -> плюс семь, девятьсот шестнадцать, сто двадцать три, сорок пять, шестьдесят семь.

    :raises PhraseError: phone_wrong, language_not_spoken.
    """
    spoken = language(language_code)
    country, *rest = phone_groups(e164, field)
    pieces = [f"{spoken.plus} {_group(country, spoken, spoken.groups_as_numbers)}"]
    for group in rest:
        for piece in cut_like_phone(group) if spoken.groups_as_numbers or len(group) > 4 else [group]:
            pieces.append(_group(piece, spoken, spoken.groups_as_numbers))
    return ", ".join(pieces)


def text(value: str, *, field: str = "") -> str:
    """Plain text: blanks made single, control and invisible characters dropped. It stays data: engines escape it.

    :raises PhraseError: text_too_long.
    """
    if len(value) > MAX_TEXT:
        raise refusal("text_too_long", field, limit=MAX_TEXT)
    visible = "".join(letter for letter in value if letter.isspace() or unicodedata.category(letter)[0] != "C")
    return " ".join(visible.split())


def _with_case(language_code: str, case: Case) -> Language:
    spoken = language(language_code)
    _check_case(spoken, case)
    return spoken


def _check_case(spoken: Language, case: Case) -> None:
    if case not in spoken.cases:
        raise refusal("case_not_spoken", "case", language=spoken.code)


def _check_size(n: int, field: str) -> None:
    if n >= LIMIT:
        raise refusal("number_too_large", field, limit=f"{LIMIT:,}".replace(",", " "))


def _parts(value: Decimal | int, places: int, too_fine: str, field: str) -> tuple[bool, int, str]:
    amount = Decimal(value)
    if not amount.is_finite() or amount.adjusted() > 20:
        _check_size(LIMIT, field)
    parts = split(amount, places)
    if parts is None:
        raise refusal(too_fine, field)
    _check_size(parts[1], field)
    return parts


def _signed(words: str, negative: bool, spoken: Language) -> str:
    return f"{spoken.minus} {words}" if negative else words


def _cut(run: str, grouping: Grouping, spoken: Language) -> list[str]:
    if grouping is Grouping.ONE_BY_ONE:
        return [run]
    if grouping is Grouping.ACCOUNT:
        return cut_like_phone(run) if spoken.groups_as_numbers else cut(run, 4)
    return cut(run, 2 if grouping is Grouping.PAIRS else 3)


def _group(group: str, spoken: Language, as_number: bool) -> str:
    if not group[0].isdigit():
        return group
    if not as_number:
        return " ".join(spoken.counting(int(digit)) for digit in group)
    rest = group.lstrip("0")
    words = [spoken.counting(0)] * (len(group) - len(rest))
    if rest:
        words.append(spoken.counting(int(rest)))
    return " ".join(words)
