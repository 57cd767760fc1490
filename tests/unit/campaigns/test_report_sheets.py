"""Texts that a spreadsheet could choke on or run."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from campaigns.report_sheets import Column, Kind, Table, clean, open_book


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+7900",
        "@SUM(A1)",
        "-2+3",
        "\t=1",
        "{=1}",
        "http://example.invalid",
        "mailto:a@example.invalid",
        "0012",
        "1E5",
        "_x0041_",
        " spaces ",
        "<b>&amp;",
        "</t></is></c><c r='A9'><f>1+1</f></c>",
        "\x00\x07",
        "line\nline",
        "😀",
    ],
)
def test_text_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    with open_book(tmp_path / "x.xlsx", ZoneInfo("UTC"), text) as book:
        table = Table(book, text, [Column(text), Column("n", Kind.NUMBER)])
        table.append([text, 1])
        table.finish()
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    for cell in (book.worksheets[0]["A1"], book.worksheets[0]["A2"]):
        assert cell.data_type == "s"
        assert cell.value.replace("_x0000_", "\x00").replace("_x0007_", "\x07").replace("_x005F_", "_") == text
        assert cell.hyperlink is None
    book.close()


def test_raw_rich_text_is_no_way_in(tmp_path: Path) -> None:
    """XlsxWriter writes a string of this shape into the XML unescaped; one space at its end prevents that."""
    evil = "<r></r></is></c><c r='C2'><f>HYPERLINK(\"http://example.invalid\")</f></c><c><is><r></r>"
    with open_book(tmp_path / "x.xlsx", ZoneInfo("UTC"), "t") as book:
        table = Table(book, "t", [Column("a")])
        table.append([evil])
        table.finish()
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert [[cell.value for cell in row] for row in book.active.iter_rows()] == [["a"], [evil + " "]]
    book.close()


def test_what_xml_cannot_carry_is_replaced() -> None:
    assert clean("a\ud800b\ufffe\uffffc") == "a\ufffdb\ufffd\ufffdc"
    assert clean("x" * 40_000) == "x" * 32_766 + "…"
    assert clean(5) == "5"


def test_nothing_is_left_when_the_writing_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with open_book(tmp_path / "x.xlsx", ZoneInfo("UTC"), "t") as book:
            Table(book, "t", [Column("a")]).append(["x"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []
