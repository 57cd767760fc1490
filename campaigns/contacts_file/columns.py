"""Which row is the header and which columns hold the number, the time zone and the language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Protocol
from zoneinfo import available_timezones

from campaigns.contacts_file.errors import file_error
from campaigns.contacts_file.layout import Layout, LayoutChoice, Row, column_names
from campaigns.errors import CampaignError
from campaigns.phone_numbers import Number, normalize

#: Rows looked at.
SAMPLE = 500
#: A header stands within so many rows that hold anything.
HEADER_WITHIN = 30

_PHONE_NAME = re.compile(
    r"тел(?!о)|моб|сотов|phone|mobil|cell|msisdn|gsm|whatsapp|handy|абонентск\w* номер|номер абон|контактный номер",
    re.IGNORECASE,
)
_NUMBER_NAME = re.compile(r"номер|number|contact|č[ií]slo|kontakt|\bnum\b|\bno\b", re.IGNORECASE)
_OTHER_NAME = re.compile(
    r"сч[её]т|договор|\bинн\b|снилс|паспорт|карт[аы]|account|contract|invoice|\bid\b|дата|date|сумм|amount|долг|debt|"
    r"индекс|index|\bzip\b|факс|fax|п/п|postal|psč|faktur|smlouv|účt",
    re.IGNORECASE,
)
_ZONE_NAME = re.compile(r"time.?zone|часов|пояс|\btz\b|pásmo", re.IGNORECASE)
_LANGUAGE_NAME = re.compile(r"язык|lang|jazyk|locale", re.IGNORECASE)
_LANGUAGES = {
    "ru",
    "en",
    "cs",
    "sk",
    "de",
    "fr",
    "es",
    "it",
    "pl",
    "uk",
    "be",
    "kk",
    "pt",
    "nl",
    "tr",
    "uz",
    "hy",
    "ka",
}
_NO_LABEL = re.compile(r"\s*(нет|без|no|none|n/a|not|unknown|неизвестн\w*)\b", re.IGNORECASE)


@cache
def zones() -> dict[str, str]:
    """Every zone of the tz database by its lower-case name; abbreviations such as EST are not taken."""
    return {name.lower(): name for name in available_timezones() if "/" in name or name == "UTC"}


def find_layout(table: Table, sample: Sequence[Row], region: str, choice: LayoutChoice) -> Layout:
    """The layout of a table that begins with ``sample``.

    :raises CampaignError: file_has_no_rows, phone_column_not_found, column_unknown.
    """
    if not any(letter.isalnum() for row in sample for cell in row.cells for letter in cell):
        raise file_error("file_has_no_rows")
    numbers = _share_of_numbers(sample, region)
    phone = choice.phone_column
    if phone is not None and phone < 0:
        raise _column_unknown("phone_column", phone, column_names([], _usual_width(sample)))
    header = _chosen_header(sample, choice)
    if header is None and choice.header_line is None:
        header = _find_header(sample, phone if phone is not None else _best(numbers, None), region)
    above = header.line if header else choice.header_line or 0
    data = [row for row in sample if row.line > above]
    if not data:
        raise file_error("file_has_no_rows", field="header_line" if choice.header_line else "file")
    names = column_names(header.cells if header else [], _usual_width(data))
    if phone is None:
        phone = _best(numbers, header)
        if phone is None:
            raise file_error("phone_column_not_found", field="phone_column")
    layout = Layout(
        format=table.format,
        encoding=table.encoding,
        delimiter=table.delimiter,
        sheet=table.sheet,
        sheets=table.sheets,
        header_line=above,
        columns=names,
        phone_column=phone,
        zone_column=_column(choice.zone_column, _find_zone(data, header)),
        language_column=_column(choice.language_column, _find_language(data, header)),
        notes={"encoding_errors": table.replaced} if table.replaced else {},
    )
    widest = max(len(names), max(len(row.cells) for row in sample))
    for field in ("phone_column", "zone_column", "language_column"):
        column = getattr(layout, field)
        if column is not None and column >= widest:
            raise _column_unknown(field, column, names)
    return layout


def _column_unknown(field: str, column: int, names: Sequence[str]) -> CampaignError:
    return file_error("column_unknown", field=field, column=column + 1, columns=", ".join(names)[:300])


class Table(Protocol):
    """What the readers of text and of workbooks have in common."""

    format: str
    encoding: str
    delimiter: str
    sheet: str
    sheets: tuple[str, ...]
    replaced: int


def _column(chosen: int | None, found: int | None) -> int | None:
    if chosen is None:
        return found
    return None if chosen < 0 else chosen


def _chosen_header(sample: Sequence[Row], choice: LayoutChoice) -> Row | None:
    return next((row for row in sample if row.line == choice.header_line), None)


def _usual_width(rows: Sequence[Row]) -> int:
    return Counter(len(row.cells) for row in rows).most_common(1)[0][0]


def _share(rows: Sequence[Row], fits: Callable[[str], bool]) -> dict[int, float]:
    """For each column, the part of its filled cells that ``fits``; hardly filled columns count less."""
    filled: Counter[int] = Counter()
    good: Counter[int] = Counter()
    for row in rows:
        for column, cell in enumerate(row.cells):
            if cell:
                filled[column] += 1
                good[column] += fits(cell)
    return {column: good[column] / max(filled[column], len(rows) / 10) for column in filled}


def _share_of_numbers(rows: Sequence[Row], region: str) -> dict[int, float]:
    return _share(rows, lambda cell: is_number(cell, region))


def is_number(cell: str, region: str) -> bool:
    return sum(letter.isdigit() for letter in cell) >= 7 and isinstance(normalize(cell, region), Number)


def _name_score(name: str) -> float:
    """What a column's name says about holding phone numbers."""
    if _PHONE_NAME.search(name):
        return 0.2 if _OTHER_NAME.search(name) else 0.6
    if _OTHER_NAME.search(name):
        return -0.5
    return 0.2 if _NUMBER_NAME.search(name) else 0.0


def _best(numbers: dict[int, float], header: Row | None) -> int | None:
    """The column most likely to hold the numbers; by its name alone when no cell of the sample is a number."""
    scores: dict[int, float] = {}
    for column, share in numbers.items():
        name = _name_score(header.cells[column]) if header and column < len(header.cells) else 0.0
        if share > 0 or name >= 0.6:
            scores[column] = share + name
    if not scores:
        return None
    return max(sorted(scores), key=lambda column: scores[column])


def _find_header(sample: Sequence[Row], phone: int | None, region: str) -> Row | None:
    """The row of names: above the first number, in words, with a word where the numbers stand below."""
    candidates: list[tuple[float, Row]] = []
    width = _usual_width(sample)
    for row in sample[:HEADER_WITHIN]:
        if any(is_number(cell, region) for cell in row.cells):
            break
        score = _header_score(row, phone, width)
        if score > 0:
            candidates.append((score, row))
    return max(candidates, key=lambda each: each[0])[1] if candidates else None


def _header_score(row: Row, phone: int | None, width: int) -> float:
    filled = [cell for cell in row.cells if cell]
    values = sum(not any(letter.isalpha() for letter in cell) for cell in filled)
    if phone is None:
        hint = max(_name_score(cell) for cell in filled)
        if hint < 0.6:
            return 0.0
    else:
        name = row.cells[phone] if phone < len(row.cells) else ""
        if not any(letter.isalpha() for letter in name) or _NO_LABEL.match(name) or len(name) > 60:
            return 0.0
        hint = _name_score(name)
    if values and hint <= 0:
        return 0.0
    return 2 * hint + len(filled) / max(width, len(row.cells)) - 2 * values / len(filled) + 0.01


def _named(header: Row | None, pattern: re.Pattern[str], shares: dict[int, float]) -> int | None:
    """The first column whose name says it and that has at least some fitting cell."""
    for column, name in enumerate(header.cells if header else ()):
        if pattern.search(name) and shares.get(column, 0) > 0:
            return column
    return None


def _find_zone(rows: Sequence[Row], header: Row | None) -> int | None:
    shares = _share(rows, lambda cell: cell.lower() in zones())
    named = _named(header, _ZONE_NAME, shares)
    if named is not None:
        return named
    return next((column for column in sorted(shares) if shares[column] >= 0.5), None)


def _find_language(rows: Sequence[Row], header: Row | None) -> int | None:
    shares = _share(rows, lambda cell: cell.lower().replace("_", "-").split("-")[0] in _LANGUAGES and len(cell) <= 5)
    named = _named(header, _LANGUAGE_NAME, shares)
    if named is not None or header is not None:
        return named
    return next((column for column in sorted(shares) if shares[column] >= 0.9), None)
