"""Reads a workbook in a process of its own, because a hostile one can take all memory or end the process.

Run as a script: ``workbook_process.py FILE SHEET MEMORY_BYTES``; an empty SHEET means the first one with numbers in
it. Writes JSON lines: first ``{"sheets": […], "sheet": …, "height": …}`` or ``{"error": code, …}``, then lists of
``[row, [cells as text]]``, and at the end ``{"end": true}``, without which the reading has failed.
Needs nothing of the product, so that it starts quickly.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

import python_calamine

PACK = 200
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def as_text(value: Any) -> str:
    """A cell as a person sees it: whole numbers without ".0", 15 digits like the spreadsheet itself."""
    if isinstance(value, str):
        return _CONTROL.sub("", value).strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        return f"{value:.15g}"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return "" if value is None else str(value)


def rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold anything, with their row in the sheet from 1."""
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        texts = [as_text(cell) for cell in cells]
        if any(texts):
            while not texts[-1]:
                texts.pop()
            yield number, texts


def _has_numbers(sheet: Any) -> bool:
    return any(
        sum(letter.isdigit() for letter in cell) >= 7 for _number, cells in islice(rows(sheet), 200) for cell in cells
    )


def choose_sheet(book: Any, name: str) -> Any:
    """The sheet with this name, or the first visible one that holds long numbers, or the first that holds anything."""
    if name:
        return book.get_sheet_by_name(name)
    hidden = [meta.name for meta in book.sheets_metadata if "Visible" not in str(meta.visible)]
    candidates = sorted(book.sheet_names, key=lambda each: each in hidden)
    fallback = None
    for each in candidates:
        try:
            sheet = book.get_sheet_by_name(each)
        except (python_calamine.WorksheetNotFound, python_calamine.CalamineError):  # a chart
            continue
        if sheet.height and _has_numbers(sheet):
            return sheet
        if fallback is None and sheet.height:
            fallback = sheet
    return fallback


def write(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def read(path: str, name: str) -> None:
    with open(path, "rb") as handle:
        book = python_calamine.CalamineWorkbook.from_filelike(handle)
    if name and name not in book.sheet_names:
        write({"error": "sheet_unknown", "words": {"sheet": name, "sheets": ", ".join(book.sheet_names)[:300]}})
        return
    sheet = choose_sheet(book, name)
    height = sheet.total_height if sheet is not None else 0
    write({"sheets": book.sheet_names, "sheet": sheet.name if sheet is not None else "", "height": height})
    if sheet is not None:
        pack = []
        for row in rows(sheet):
            pack.append(row)
            if len(pack) == PACK:
                write(pack)
                pack = []
        write(pack)
    write({"end": True})


def main() -> None:
    path, name, memory = sys.argv[1:4]
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        read(path, name)
    except MemoryError:
        write({"error": "sheet_too_large"})
    except python_calamine.PasswordError:
        write({"error": "file_password_protected"})
    except BrokenPipeError:
        sys.stderr.close()
    except BaseException as exc:  # the library panics with a BaseException
        write({"error": "file_password_protected" if "assword" in str(exc) else "file_damaged"})
    sys.stdout.flush()


if __name__ == "__main__":
    main()
