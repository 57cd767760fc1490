"""A contact list as customers send it -> rows with their place in the file.

Text of any usual encoding and delimiter, xlsx, xls and ods. What was found is the :class:`Layout`; a person may choose
otherwise with :class:`LayoutChoice`. Nothing of a file is kept in memory but the row at hand (workbooks are held by the
process that reads them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from types import TracebackType

from campaigns.contacts_file.columns import SAMPLE, find_layout, zones
from campaigns.contacts_file.errors import SENTENCES, file_error
from campaigns.contacts_file.kinds import find_kind
from campaigns.contacts_file.layout import Layout, LayoutChoice, Row
from campaigns.contacts_file.text import FIELD_LIMIT, TextTable
from campaigns.contacts_file.workbook import WorkbookTable

__all__ = [
    "MAX_COLUMNS",
    "SAMPLE",
    "SENTENCES",
    "ContactsFile",
    "Layout",
    "LayoutChoice",
    "Row",
    "check_row",
    "file_error",
    "zones",
]

MAX_COLUMNS = 300


def check_row(fields: Mapping[str, str]) -> None:
    """A row that comes from elsewhere than a file has the limits of a file's.

    :raises CampaignError: row_too_wide, cell_too_long.
    """
    if len(fields) > MAX_COLUMNS:
        raise file_error("row_too_wide", field="fields", status=422, count=len(fields), limit=MAX_COLUMNS)
    for column, cell in fields.items():
        if len(column) > FIELD_LIMIT or len(cell) > FIELD_LIMIT:
            raise file_error("cell_too_long", field="fields", status=422, column=column[:80], limit=FIELD_LIMIT)


def _nothing() -> None:
    """Default of ``alive``."""


class ContactsFile:
    """A list opened for reading once. A context manager.

    ``region`` is where numbers without country code belong; ``alive`` is called now and then while a step takes long.

    :raises CampaignError: the file cannot be read; codes in :data:`SENTENCES`.
    """

    layout: Layout

    def __init__(
        self, path: Path, region: str, choice: LayoutChoice | None = None, alive: Callable[[], None] = _nothing
    ) -> None:
        if not path.is_file():
            raise file_error("file_missing")
        choice = choice or LayoutChoice()
        kind = find_kind(path, alive)
        self._table: TextTable | WorkbookTable
        if kind == "text":
            self._table = TextTable(path, region, choice, alive)
        else:
            self._table = WorkbookTable(path, kind, choice, alive)
        try:
            rows = self._table.rows()
            sample = list(islice(rows, SAMPLE))
            self.layout = find_layout(self._table, sample, region, choice)
        except BaseException:
            self.close()
            raise
        self._rows = chain(sample, rows)

    def rows(self) -> Iterator[Row]:
        """Every row below the header that holds anything; once only."""
        header = self.layout.header_line
        for row in self._rows:
            if row.line <= header:
                continue
            if len(row.cells) > MAX_COLUMNS:
                raise file_error("too_many_columns", line=row.line, count=len(row.cells), limit=MAX_COLUMNS)
            yield row

    def progress(self) -> float:
        """How much has been read, 0 to 1."""
        return self._table.progress()

    def close(self) -> None:
        self._table.close()

    def __enter__(self) -> ContactsFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
