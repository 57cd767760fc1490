"""What stands in a cell of a customer's file -> Decimal, date, time. Never a guess: what has two readings is refused.

Rules for numbers
1. Blanks, also narrow ones, and apostrophes part thousands; they must stand before groups of three digits.
2. Point and comma both there: the last one is the decimal separator; the other parts groups of three.
3. One of them several times: it parts groups of three.
4. One of them once, with other than three digits behind it, with none or more than three before it, or behind a 0: the
   decimal separator.
5. One of them once, with three digits behind it (1.251): the region's own separator decides; where the region uses it
   for neither, the number is refused.
6. Minus is - − – in front or behind, or round brackets around (bookkeeping).
7. The rest of a spreadsheet's binary fractions (1251.1999999999998) is cut away when it is below one millionth;
   nothing else is rounded.

Rules for dates
1. A year in front (2026-12-31, 2026/12/31): year, month, day. A time behind a date is dropped; one with a time zone
   is not understood.
2. Otherwise the region says whether the day or the month comes first, whatever separator stands there. A date that does
   not exist in the region's order is refused, not turned round: its whole column is of another order. Regions without
   such an order: refused, unless day and month are the same or the day is over 12.
3. Two digits of a year are read where spreadsheets and Unix agree: 00 to 29 as 20.., 69 to 99 as 19..; refused between.
4. The month as a word of any spoken language: the order does not matter.
5. A bare number is refused: 46368 is a date only to the spreadsheet that wrote it.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import ROUND_HALF_EVEN, Decimal

from tts.phrases import czech, english, german, kazakh, regions, russian, ukrainian
from tts.phrases.grammar import LIMIT, Case, row
from tts.phrases.refusals import refusal

MAX_LENGTH = 60
#: Rest of binary fractions in a spreadsheet's number.
NOISE = Decimal("0.000001")
YEARS = range(1900, 2200)

#: What parts thousands: a line break in a cell parts two values.
_BLANK = "[ \u00a0\u2009\u202f'’]"
_BLANKS = re.compile(_BLANK)
_GROUPED = re.compile(f"[0-9]{{1,3}}(?:{_BLANK}[0-9]{{3}})+(?![0-9])")
_NUMBER = re.compile(r"[0-9]*(?:[.,][0-9]+)*[.,]?")
_EXPONENT = re.compile(r"[-+]?[0-9]+(?:[.,][0-9]+)?[eEеЕ][-+]?[0-9]+")
_SPREADSHEET_ERROR = re.compile(r"#[A-ZА-ЯÄÖÜ0-9/]+[!?]?|#+", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_WITH_WORD = re.compile(r"(?:([0-9]{1,2})\.?[ -]([^\W\d]+)|([^\W\d]+) ([0-9]{1,2}),?)[ -]([0-9]{4}|[0-9]{2})")
_CLOCK = re.compile(r"[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?$")
_YEAR_WORD = re.compile(r"\s+(?:г\.?|года?|р\.?|року|г\.\s*)$", re.IGNORECASE)
_TIME = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[t ])?([0-9]{1,2})[:.]([0-9]{2})(?:[:.][0-9]{2}(?:\.0+)?)?(?: ?([ap])\.?m\.?)?"
)
_BARE_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")

CURRENCY_SIGNS = {
    "RUB": "₽ руб руб. р. р рублей rub",
    "USD": "$ us$ usd",
    "EUR": "€ евро eur",
    "KZT": "₸ тг тг. тенге теңге kzt",
    "UAH": "₴ грн грн. uah",
    "CZK": "kč kc czk",
    "GBP": "£ gbp",
}
_CURRENCY_OF = {sign: currency for currency, signs in CURRENCY_SIGNS.items() for sign in signs.split()}


def _month_words() -> dict[str, int]:
    """Month's names in the forms in which they stand in dates, small letters, and the usual short ones."""
    found: dict[str, int] = {}
    tables = (
        row("январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь"),
        row("січень лютий березень квітень травень червень липень серпень вересень жовтень листопад грудень"),
        row("янв фев мар апр май июн июл авг сен окт ноя дек"),
        [month[:3] for month in english.MONTHS],
        [months[Case.NOMINATIVE] for months in czech.MONTHS],
        [months[Case.GENITIVE] for months in czech.MONTHS],
        russian.MONTHS,
        ukrainian.MONTHS,
        kazakh.MONTHS,
        english.MONTHS,
        german.MONTHS,
    )
    for names in tables:
        for number, name in enumerate(names, start=1):
            word = name.lower()
            assert found.setdefault(word, number) == number, word
    return found


MONTH_WORDS = _month_words()


def number(text: str, region: str, *, currency: str = "", field: str = "") -> Decimal:
    """A number, below LIMIT. ``region``: ISO 3166; ``currency``: a sign or word of this one may stand beside it.

    :raises PhraseError: value_missing, value_damaged, value_has_formula, value_has_spreadsheet_error, number_wrong,
        number_ambiguous, number_too_large, currency_differs.
    """
    cell = _cell(text, field)
    if _EXPONENT.fullmatch(cell):
        raise refusal("value_damaged", field)
    outer, cell = _sign(cell)
    inner, cell = _sign(_without_currency(cell, currency, field))
    if outer and inner:
        raise refusal("number_wrong", field)
    value = Decimal(_plain(_without_blanks(cell, field), region, field))
    if value >= LIMIT:
        raise refusal("number_too_large", field, limit=f"{LIMIT:,}".replace(",", " "))
    return -value if (outer or inner) and value else value


def amount(text: str, region: str, currency: str, *, field: str = "") -> Decimal:
    """An amount of money with at most two decimals.

    :raises PhraseError: as :func:`number`, and amount_too_fine.
    """
    return _rounded(number(text, region, currency=currency, field=field), 2, "amount_too_fine", field)


def percentage(text: str, region: str, *, field: str = "") -> Decimal:
    """A percentage, with or without its sign; 0.12 is 0.12 percent, whatever a spreadsheet shows for it.

    :raises PhraseError: as :func:`number`, and percent_too_fine.
    """
    cell = _cell(text, field)
    return _rounded(number(cell.removesuffix("%"), region, field=field), 3, "percent_too_fine", field)


def whole_number(text: str, region: str, *, field: str = "") -> int:
    """A whole number; decimals may stand there when they are zeros.

    :raises PhraseError: as :func:`number`, and number_not_whole.
    """
    return int(_rounded(number(text, region, field=field), 0, "number_not_whole", field))


def date(text: str, region: str, *, field: str = "") -> dt.date:
    """A date of the years 1900 to 2199.

    :raises PhraseError: value_missing, value_has_formula, value_has_spreadsheet_error, date_wrong, date_ambiguous,
        date_year_short, date_is_number.
    """
    cell = _cell(text, field)
    cell = _CLOCK.sub("", cell)
    cell = _YEAR_WORD.sub("", cell)
    cell = re.sub(r"\.\s+(?=[0-9])", ".", cell)  # 31. 12. 2026
    if _BARE_NUMBER.fullmatch(cell):
        raise refusal("date_is_number", field)
    if found := _YEAR_FIRST.fullmatch(cell):
        return _day(int(found[1]), int(found[3]), int(found[4]), field)
    if found := _YEAR_LAST.fullmatch(cell):
        first, second = int(found[1]), int(found[3])
        day, month = _order(first, second, region, field)
        return _day(_year(found[4], field), month, day, field)
    if found := _WITH_WORD.fullmatch(cell):
        month = MONTH_WORDS.get((found[2] or found[3]).lower(), 0)
        return _day(_year(found[5], field), month, int(found[1] or found[4]), field)
    raise refusal("date_wrong", field)


def time(text: str, *, field: str = "") -> dt.time:
    """A time of the day, seconds dropped; the time of a date with one.

    :raises PhraseError: value_missing, value_has_formula, value_has_spreadsheet_error, time_wrong, time_is_number.
    """
    cell = _cell(text, field)
    found = _TIME.fullmatch(cell.lower())
    if not found:
        raise refusal("time_is_number" if _BARE_NUMBER.fullmatch(cell) else "time_wrong", field)
    hour, minute, half = int(found[1]), int(found[2]), found[3]
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif half:
        raise refusal("time_wrong", field)
    if hour > 23 or minute > 59:
        raise refusal("time_wrong", field)
    return dt.time(hour, minute)


def digit_text(text: str, *, field: str = "") -> str:
    """An account or other number that is spelled; the .0 that some programs write behind a number is dropped.

    :raises PhraseError: value_missing, value_damaged, value_has_formula, value_has_spreadsheet_error.
    """
    cell = _cell(text, field)
    if _EXPONENT.fullmatch(cell):
        raise refusal("value_damaged", field)
    return re.sub(r"^([0-9]+)\.0$", r"\1", cell)


def _cell(text: str, field: str) -> str:
    """The cell's text without blanks, quotes around it, and the apostrophe that marks a text cell."""
    cell = text.strip().strip('"“”«»').strip()
    cell = cell.removeprefix("'").strip()
    if not cell or cell in ("-", "−", "–", "—"):
        raise refusal("value_missing", field)
    if cell.startswith("="):
        raise refusal("value_has_formula", field)
    if _SPREADSHEET_ERROR.fullmatch(cell):
        raise refusal("value_has_spreadsheet_error", field)
    if len(cell) > MAX_LENGTH:
        raise refusal("text_too_long", field, limit=MAX_LENGTH)
    return cell


def _without_currency(cell: str, currency: str, field: str) -> str:
    """The cell without the sign or word of money beside the number."""
    found = re.fullmatch(r"(?s)(?P<before>[^0-9(+\-−–.,]*)(?P<rest>.*?)(?P<after>[^0-9)\-−–,]*)", cell)
    assert found is not None
    rest, after = found["rest"], found["after"]
    if after.strip() == ".":
        rest, after = rest + ".", ""
    if found["before"][-1:].isalpha():
        rest = rest.removeprefix(".")  # руб. 100
    for sign in (found["before"], after):
        word = sign.strip().lower()
        if not word:
            continue
        named = _CURRENCY_OF.get(word) or _CURRENCY_OF.get(word.rstrip("."))
        if named is None:
            raise refusal("number_wrong", field)
        if named != currency:
            raise refusal("currency_differs", field)
    return rest.strip()


def _sign(cell: str) -> tuple[bool, str]:
    marks = "-−–"
    if cell.startswith("(") and cell.endswith(")"):
        return True, cell[1:-1].strip()
    if cell[:1] and cell[0] in marks:
        return True, cell[1:].strip()
    if cell[:1] and cell[-1] in marks:
        return True, cell[:-1].strip()
    return False, cell.removeprefix("+").strip()


def _without_blanks(cell: str, field: str) -> str:
    if not _BLANKS.search(cell):
        return cell
    found = _GROUPED.match(cell)
    if found is None:
        raise refusal("number_wrong", field)
    joined = _BLANKS.sub("", found[0]) + cell[found.end() :]
    if _BLANKS.search(joined) or ("," in joined and "." in joined):
        raise refusal("number_wrong", field)
    separator = re.search(r"[.,]", joined)
    # Blanks part the thousands already, so the one separator behind them is the decimal one.
    return joined.replace(separator[0], "d") if separator else joined


def _plain(cell: str, region: str, field: str) -> str:
    """The digits with a decimal point or none."""
    if "d" in cell:
        cell = cell.replace("d", ".", 1)
        if not re.fullmatch(r"[0-9]+\.[0-9]*", cell):
            raise refusal("number_wrong", field)
        return cell
    if not _NUMBER.fullmatch(cell) or not re.search("[0-9]", cell):
        raise refusal("number_wrong", field)
    separators = re.findall(r"[.,]", cell)
    if not separators:
        return cell
    last = separators[-1]
    if len(set(separators)) == 2:
        return _two_kinds(cell, last, field)
    if len(separators) > 1:
        return _grouped(cell, last, field)
    whole, _, decimals = cell.partition(last)
    if len(decimals) != 3 or not 1 <= len(whole) <= 3 or whole.startswith("0"):
        return f"{whole or 0}.{decimals}"
    if last == regions.decimal_separator(region):
        return f"{whole}.{decimals}"
    if last == regions.thousands_separator(region):
        return whole + decimals
    raise refusal("number_ambiguous", field)


def _two_kinds(cell: str, last: str, field: str) -> str:
    other = "," if last == "." else "."
    whole, _, decimals = cell.rpartition(last)
    if last in whole:
        raise refusal("number_wrong", field)
    return f"{_grouped(whole, other, field)}.{decimals}"


def _grouped(cell: str, separator: str, field: str) -> str:
    first, *groups = cell.split(separator)
    if not 1 <= len(first) <= 3 or any(len(group) != 3 for group in groups):
        raise refusal("number_wrong", field)
    return first + "".join(groups)


def _rounded(value: Decimal, places: int, too_fine: str, field: str) -> Decimal:
    step = Decimal(1).scaleb(-places)
    rounded = value.quantize(step, rounding=ROUND_HALF_EVEN)
    if abs(rounded - value) > NOISE:
        raise refusal(too_fine, field)
    return rounded or abs(rounded)


def _order(first: int, second: int, region: str, field: str) -> tuple[int, int]:
    """Day and month."""
    if region in regions.MONTH_FIRST:
        return second, first
    if region in regions.DAY_FIRST or first == second or first > 12:
        return first, second
    raise refusal("date_ambiguous", field)


def _year(text: str, field: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    if 29 < year < 69:
        raise refusal("date_year_short", field)
    return year + (2000 if year <= 29 else 1900)


def _day(year: int, month: int, day: int, field: str) -> dt.date:
    try:
        found = dt.date(year, month, day)
    except ValueError:
        raise refusal("date_wrong", field) from None
    if found.year not in YEARS:
        raise refusal("date_wrong", field)
    return found
