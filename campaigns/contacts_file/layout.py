"""What was found in a file, and what a person may choose instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple


class Row(NamedTuple):
    """One record. ``line`` is the file's line on which it begins, or the sheet's row, from 1."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class LayoutChoice:
    """What a person chose; None leaves it to us. Columns are counted from 0; -1 means that there is none."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_line: int | None = None  # 0: the file has no header
    phone_column: int | None = None
    zone_column: int | None = None
    language_column: int | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> LayoutChoice:
        names = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in (data or {}).items() if key in names})

    def to_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Layout:
    """How a file is read."""

    format: str  # csv, xlsx, xls, ods
    encoding: str  # '' for workbooks
    delimiter: str  # '' for workbooks and for a single column
    sheet: str  # '' for text
    sheets: tuple[str, ...]
    header_line: int  # 0: none
    columns: tuple[str, ...]  # names, unique; those without a name are "column 2"
    phone_column: int
    zone_column: int | None
    language_column: int | None
    #: What a person should know: code -> how often. Codes: encoding_errors, zone_unknown, rows_wider.
    notes: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "sheets": list(self.sheets), "columns": list(self.columns)}

    def fields(self, cells: Sequence[str]) -> dict[str, str]:
        """The row by column name; cells beyond the header get names too, missing ones are ''."""
        missing = len(self.columns) - len(cells)
        if missing == 0:
            return dict(zip(self.columns, cells, strict=True))
        if missing > 0:
            return dict(zip(self.columns, [*cells, *[""] * missing], strict=True))
        named = dict(zip(self.columns, cells, strict=False))
        for index in range(len(self.columns), len(cells)):
            if cells[index]:
                named[f"column {index + 1}"] = cells[index]
        return named

    def cell(self, cells: Sequence[str], column: int | None) -> str:
        return cells[column] if column is not None and 0 <= column < len(cells) else ""


def column_names(header: Iterable[str], width: int) -> tuple[str, ...]:
    """Unique names for ``width`` columns or more; repeated ones get a number, empty ones "column N"."""
    given = [" ".join(name.split())[:100] for name in header]
    given += [""] * (width - len(given))
    names: list[str] = []
    for index, name in enumerate(given, start=1):
        unique, count = name or f"column {index}", 2
        while unique in names:
            unique, count = f"{name or 'column'} {count}", count + 1
        names.append(unique)
    return tuple(names)
