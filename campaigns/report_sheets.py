"""An Excel workbook of tables of any length, written row by row in constant memory. The only importer of XlsxWriter.

Whatever a cell holds, a spreadsheet shows it as text and never runs it: strings are written as strings, formatted as
text and with the quote prefix, so that also pressing F2 and Enter on ``=HYPERLINK(…)`` leaves it text.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter

#: Rows of a sheet under its header row (Excel has 1,048,576 in all).
SHEET_ROWS = 1_048_575
#: Letters that a cell can hold, and columns that a sheet can have.
CELL_LETTERS = 32_767
SHEET_COLUMNS = 16_384
#: Column widths, in letters.
NARROWEST, WIDEST = 8, 45

#: What XML cannot carry even escaped. XlsxWriter escapes the other control characters itself.
_NOT_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")
_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\']")
#: Day 0 of Excel's calendar, as used for all dates after February 1900.
_EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - Excel's times have no zone

GREEN, RED, YELLOW = "#C6EFCE", "#FFC7CE", "#FFEB9C"


class Kind(Enum):
    """What a column holds."""

    TEXT = 1
    NUMBER = 2
    SECONDS = 3
    TIME = 4
    CHOICE = 5  # a key of the column's choices


@dataclass(frozen=True)
class Column:
    """A heading and what stands under it; ``choices``: key -> (text, fill colour or '')."""

    heading: str
    kind: Kind = Kind.TEXT
    choices: Mapping[str, tuple[str, str]] | None = None


class Book:
    """A workbook being written; times are shown in one zone."""

    def __init__(self, workbook: Any, zone: ZoneInfo) -> None:
        self.workbook = workbook
        self.zone = zone
        self.text = workbook.add_format({"num_format": "@", "quote_prefix": True})
        self.plain = workbook.add_format({})
        self.bold = workbook.add_format({"bold": True})
        self.title = workbook.add_format({"bold": True, "font_size": 14, "num_format": "@", "quote_prefix": True})
        self.heading = workbook.add_format(
            {"bold": True, "bg_color": "#DDE6F0", "bottom": 1, "num_format": "@", "quote_prefix": True}
        )
        self.number = workbook.add_format({"num_format": "0"})
        self.seconds = workbook.add_format({"num_format": "0.0"})
        self.share = workbook.add_format({"num_format": "0.0%"})
        self.time = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"})
        self._fills: dict[str, Any] = {"": self.plain}
        self._names: set[str] = set()

    def fill(self, colour: str) -> Any:
        """The format of a cell with this background."""
        if colour not in self._fills:
            self._fills[colour] = self.workbook.add_format({"bg_color": colour})
        return self._fills[colour]

    def sheet(self, name: str) -> Any:
        """A new sheet under this name, made valid and different from the others."""
        name = _NOT_IN_SHEET_NAMES.sub(" ", _one_line(name)).strip()[:31] or "-"
        number = 1
        unique = name
        while unique.lower() in self._names:
            number += 1
            unique = f"{name[:27]} {number}"
        self._names.add(unique.lower())
        return self.workbook.add_worksheet(unique)

    def serial(self, moment: dt.datetime) -> float:
        """An aware time as Excel's number of days, in the book's zone."""
        local = moment.astimezone(self.zone).replace(tzinfo=None)
        return (local - _EPOCH).total_seconds() / 86_400


class Table:
    """Rows under a frozen heading with a filter; goes on in a further sheet when one is full."""

    def __init__(self, book: Book, name: str, columns: Sequence[Column]) -> None:
        self.book = book
        self.name = name
        self.columns = columns[:SHEET_COLUMNS]
        self.rows = 0
        self._widths = [len(column.heading) + 3 for column in self.columns]
        self._row = 0
        self._sheet = self._new_sheet()

    def _new_sheet(self) -> Any:
        sheet = self.book.sheet(self.name)
        sheet.freeze_panes(1, 0)
        for index, column in enumerate(self.columns):
            sheet.write_string(0, index, clean(column.heading), self.book.heading)
        self._row = 0
        return sheet

    def append(self, values: Sequence[Any]) -> None:
        """Write one row; ``None`` and '' leave a cell empty."""
        if self._row == SHEET_ROWS:
            self.finish()
            self._sheet = self._new_sheet()
        self._row += 1
        self.rows += 1
        for index, (column, value) in enumerate(zip(self.columns, values, strict=False)):
            if value is not None and value != "":
                self._write(index, column, value)

    def _write(self, index: int, column: Column, value: Any) -> None:
        sheet, row, book = self._sheet, self._row, self.book
        if column.kind is Kind.TEXT:
            text = clean(value)
            sheet.write_string(row, index, text, book.text)
            if row <= 200 and len(text) > self._widths[index]:
                self._widths[index] = len(text) + 1
        elif column.kind is Kind.TIME:
            sheet.write_number(row, index, book.serial(value), book.time)
        elif column.kind is Kind.CHOICE:
            text, colour = (column.choices or {}).get(value, (str(value), ""))
            sheet.write_string(row, index, clean(text), book.fill(colour))
            self._widths[index] = max(self._widths[index], len(text) + 1)
        else:
            sheet.write_number(row, index, value, book.number if column.kind is Kind.NUMBER else book.seconds)

    def finish(self) -> None:
        """Give the current sheet its widths and its filter."""
        for index, width in enumerate(self._widths):
            least = 20 if self.columns[index].kind is Kind.TIME else NARROWEST
            self._sheet.set_column(index, index, min(WIDEST, max(least, width)))
        if self.columns:
            self._sheet.autofilter(0, 0, self._row, len(self.columns) - 1)


def clean(value: Any) -> str:
    """A value as a text that every reader of xlsx accepts."""
    text = str(value)
    if len(text) > CELL_LETTERS:
        text = text[: CELL_LETTERS - 1] + "…"
    if not text.isascii():
        text = _NOT_XML.sub("\ufffd", text)
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter 3.3.1, constant_memory: such a string goes into the sheet's XML as it is (_write_cell).
        text += " "
    return text


def _one_line(text: str) -> str:
    """Without control characters, which XlsxWriter does not escape outside of cells."""
    return "".join(letter for letter in clean(text) if letter.isprintable())


@contextmanager
def open_book(target: Path, zone: ZoneInfo, title: str) -> Iterator[Book]:
    """A book that becomes ``target`` in one step when the block ends well, and leaves nothing when it does not.

    Its temporary files (as large as the sheets' XML) lie beside ``target``, not in /tmp.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".writing-") as folder:
        part = Path(folder) / "book.xlsx"
        workbook = xlsxwriter.Workbook(
            str(part),
            {
                "constant_memory": True,
                "tmpdir": folder,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "nan_inf_to_errors": True,
            },
        )
        workbook.set_properties({"title": _one_line(title)[:200]})
        try:
            yield Book(workbook, zone)
        except BaseException:
            for sheet in workbook.worksheets():
                sheet._opt_close()  # close() would first write the whole file
            raise
        workbook.close()
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
