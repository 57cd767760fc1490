"""Delimited text: csv, txt, tsv."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from campaigns.contacts_file.encodings import find_encoding
from campaigns.contacts_file.errors import file_error
from campaigns.contacts_file.layout import LayoutChoice, Row
from campaigns.phone_numbers import Number, normalize

#: Most characters of one cell.
FIELD_LIMIT = 65_536
DELIMITERS = (";", ",", "\t", "|")
#: Stands for "one column": a letter that text never holds (control characters are removed before).
NO_DELIMITER = "\x1f"
#: Those that may be chosen, as codecs names them. Others of Python's are none of a list: idna, utf-7, unicode_escape.
ENCODINGS = {
    *("ascii", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "koi8-r", "koi8-u", "mac-cyrillic"),
    *("cp437", "cp850", "cp852", "cp855", "cp866", "kz1048", "ptcp154", "gb18030", "shift_jis", "euc_kr"),
    *(f"cp125{number}" for number in range(9)),
    *(f"iso8859-{number}" for number in range(1, 17) if number != 12),
}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


class TextTable:
    """A text file opened for reading once, from top to bottom."""

    format = "csv"
    sheet = ""
    sheets: tuple[str, ...] = ()

    def __init__(self, path: Path, region: str, choice: LayoutChoice, alive: Callable[[], None]) -> None:
        if choice.encoding is None:
            self.encoding, self.replaced = find_encoding(path, alive)
        else:
            self.encoding, self.replaced = _known_encoding(choice.encoding), 0
        self._region = region
        self._long_line = False
        self._size = max(path.stat().st_size, 1)
        self._bytes = path.open("rb")
        self._handle = io.TextIOWrapper(self._bytes, encoding=self.encoding, errors="replace", newline="")
        try:
            self._skipped = self._choose_delimiter(region, choice)
        except BaseException:
            self._handle.close()
            raise

    def _choose_delimiter(self, region: str, choice: LayoutChoice) -> int:
        """Set the delimiter; return the number of lines before the table."""
        lines = [_CONTROL.sub("", line) for line in islice(self._handle, 500)]
        self._handle.seek(0)
        told = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
        if choice.delimiter is not None:
            if len(choice.delimiter) > 1 or choice.delimiter in ('"', "\n", "\r", NO_DELIMITER):
                raise file_error("delimiter_unusable", field="delimiter")
            self.delimiter = choice.delimiter
        elif told:
            self.delimiter = told.group(1)
        else:
            self.delimiter = find_delimiter(lines, region)
        if told:
            self._handle.readline()
        return 1 if told else 0

    def progress(self) -> float:
        """How much has been read, 0 to 1."""
        return min(1.0, self._bytes.tell() / self._size)

    def close(self) -> None:
        self._handle.close()

    def _lines(self) -> Iterator[str]:
        for line in self._handle:
            if len(line) > FIELD_LIMIT:
                self._long_line = True
            yield _CONTROL.sub("", line) if _CONTROL.search(line) else line

    def rows(self) -> Iterator[Row]:
        """Every record that holds anything.

        :raises CampaignError: field_too_long, quote_not_closed, file_damaged.
        """
        reader = csv.reader(self._lines(), delimiter=self.delimiter or NO_DELIMITER)
        line = 1
        try:
            for cells in reader:
                last = reader.line_num
                if last != line or self._long_line:
                    self._check_long(cells, line + self._skipped, last + self._skipped)
                cells = [cell.strip() for cell in cells]
                if any(cells):
                    yield Row(line + self._skipped, cells)
                line = last + 1
        except csv.Error as exc:
            if "limit" in str(exc):
                raise file_error("field_too_long", line=line + self._skipped, limit=FIELD_LIMIT) from exc
            raise file_error("file_damaged") from exc

    def _check_long(self, cells: list[str], line: int, last: int) -> None:
        """Records of several lines, or with a long one: is it a cell, or a quotation mark never closed?"""
        self._long_line = False
        for cell in cells:
            if len(cell) > FIELD_LIMIT:
                raise file_error("field_too_long", line=line, limit=FIELD_LIMIT)
            if "\n" in cell and self._swallowed_rows(cell):
                raise file_error("quote_not_closed", line=line, last_line=last)

    def _swallowed_rows(self, cell: str) -> bool:
        """True when lines inside a cell look like rows of their own: a cell of theirs is a plain number."""
        lines = cell.splitlines()[1:]
        if not self.delimiter:  # a cell may hold two numbers, one below the other; three are rows
            return sum(_is_number(line, self._region) for line in lines) > 1
        rows = [line.split(self.delimiter) for line in lines if self.delimiter in line]
        return any(_is_number(part.strip('"'), self._region) for row in rows for part in row)


def _known_encoding(name: str) -> str:
    try:
        known = codecs.lookup(name).name in ENCODINGS
    except (LookupError, ValueError):
        known = False
    if not known:
        raise file_error("encoding_unknown", field="encoding", encoding=name[:40])
    return name


def find_delimiter(lines: list[str], region: str) -> str:
    """The delimiter of a table that begins with these lines; '' for a single column.

    Each candidate is judged by how many rows have the same number of columns and by how many have a cell that is a
    phone number as a whole: in ``8916…;Ivanov, Ivan`` the comma is as regular as the semicolon, but splits no number.
    """
    best, best_score = "", _score(lines, NO_DELIMITER, region) + 0.01
    for delimiter in DELIMITERS:
        score = _score(lines, delimiter, region)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _score(lines: list[str], delimiter: str, region: str) -> float:
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if any(row)][:300]
    except csv.Error:
        return 0.0
    if not rows:
        return 0.0
    width, same = Counter(len(row) for row in rows).most_common(1)[0]
    if width == 1 and delimiter != NO_DELIMITER:
        return 0.0
    regular = same / len(rows)
    numbers = sum(any(_is_number(cell, region) for cell in row) for row in rows) / len(rows)
    spaced = sum(cell.startswith(" ") for row in rows for cell in row[1:]) / max(1, len(rows) * (width - 1))
    columns = 0.0 if delimiter == NO_DELIMITER else 0.4
    return regular + 2 * numbers + columns - 0.2 * spaced


_WHOLE_NUMBER = re.compile(r"[+(\d][\d\s().+\-]{5,}")


def _is_number(cell: str, region: str) -> bool:
    """A phone number and nothing else; text with a number in it does not count."""
    cell = cell.strip()
    return bool(_WHOLE_NUMBER.fullmatch(cell)) and isinstance(normalize(cell, region), Number)
