"""Lists in xlsx, xls and ods, and files that are none or mean harm."""

from __future__ import annotations

import datetime as dt
import struct
import zipfile
from pathlib import Path

import openpyxl
import pytest

from campaigns.contacts_file import SENTENCES, ContactsFile, LayoutChoice
from campaigns.errors import CampaignError

DATA = Path(__file__).parents[2] / "data"


def read(path: Path, choice: LayoutChoice | None = None):
    with ContactsFile(path, "RU", choice) as file:
        return file.layout, list(file.rows())


def refused(path: Path, choice: LayoutChoice | None = None) -> CampaignError:
    with pytest.raises(CampaignError) as caught:
        read(path, choice)
    assert caught.value.code in SENTENCES
    assert "{" not in caught.value.sentence
    return caught.value


def book(tmp_path: Path, *sheets: list[list[object]]) -> Path:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for number, rows in enumerate(sheets, start=1):
        sheet = workbook.create_sheet(f"Лист {number}")
        for row in rows:
            sheet.append(row)
    path = tmp_path / "list.xlsx"
    workbook.save(path)
    return path


def test_cells_of_workbooks_become_text(tmp_path):
    path = book(
        tmp_path,
        [
            ["Phone", "Account", "Sum", "Day", "Flag", "Long"],
            [89005550000, "00200", 0.1 + 0.2, dt.date(2026, 12, 1), True, 1e20],
        ],
    )
    _layout, rows = read(path)
    assert rows[0].cells == ["89005550000", "00200", "0.3", "2026-12-01", "true", "1e+20"]


def test_the_first_sheet_with_data_is_taken(tmp_path):
    path = book(tmp_path, [], [["Только заметка"]], [["Телефон"], [89005550000]], [["Телефон"], [89005550009]])
    layout, rows = read(path)
    assert (layout.sheet, layout.sheets) == ("Лист 3", ("Лист 1", "Лист 2", "Лист 3", "Лист 4"))
    assert rows[0].line == 2
    assert read(path, LayoutChoice(sheet="Лист 4"))[1][0].cells == ["89005550009"]
    error = refused(path, LayoutChoice(sheet="Лист 9"))
    assert error.code == "sheet_unknown"
    assert "Лист 3" in error.sentence


def test_sheet_rows_are_those_that_a_person_sees(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active["C5"] = "Телефон"
    workbook.active["C6"] = 89005550000
    workbook.active["C9"] = 89005550001
    workbook.save(tmp_path / "list.xlsx")
    layout, rows = read(tmp_path / "list.xlsx")
    assert layout.header_line == 5
    assert [row.line for row in rows] == [6, 9]


def test_ods(tmp_path):
    def cell(value: str) -> str:
        kind = (
            f'office:value-type="float" office:value="{value}"'
            if value.isdigit() and value[0] != "0"
            else ('office:value-type="string"')
        )
        return f"<table:table-cell {kind}><text:p>{value}</text:p></table:table-cell>"

    rows = [["ФИО", "Телефон", "Счёт"], ["Иванов", "89005550000", "007"], ["Петров", "89005550001", "008"]]
    body = "".join("<table:table-row>" + "".join(map(cell, row)) + "</table:table-row>" for row in rows)
    path = tmp_path / "list.ods"
    ods(path, f'<table:table table:name="Лист1">{body}</table:table>')
    layout, found = read(path)
    assert (layout.format, layout.sheet, layout.phone_column) == ("ods", "Лист1", 1)
    assert [(row.line, row.cells) for row in found] == [(2, rows[1]), (3, rows[2])]


def ods(path: Path, tables: str) -> None:
    """An OpenDocument spreadsheet with these tables."""
    names = "".join(
        f' xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"' for short in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{names}><office:body><office:spreadsheet>'
        f"{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
        archive.writestr("content.xml", content)


def test_xls(tmp_path):
    path = tmp_path / "list.xls"
    path.write_bytes(xls([["Phone", "Name"], [89005550000.0, "Ivan"], [89005550001.0, "Anna"]]))
    layout, found = read(path)
    assert (layout.format, layout.sheet, layout.columns) == ("xls", "Sheet", ("Phone", "Name"))
    assert [(row.line, row.cells) for row in found] == [(2, ["89005550000", "Ivan"]), (3, ["89005550001", "Anna"])]


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file (the envelope of old workbooks) with these streams, each of 4 kB or more, under 60 kB in all."""
    end, free, fat_sector = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    fat, sectors = [fat_sector, end], b""
    entries = [("Root Entry", 5, end, 0)]
    for name, data in streams.items():
        start, count = len(fat), -(-len(data) // 512)
        fat += [*range(start + 1, start + count), end]
        sectors += data.ljust(count * 512, b"\0")
        entries.append((name, 2, start, len(data)))
    fat += [free] * (128 - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<5H6x8I", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end)
    header += struct.pack("<I", 0) + struct.pack("<109I", 0, *[free] * 108)
    directory = b""
    for number, (name, kind, start, size) in enumerate(entries):
        text = name.encode("utf-16-le")
        child = 1 if number == 0 else free
        sibling = number + 1 if 0 < number < len(entries) - 1 else free
        directory += text.ljust(64, b"\0") + struct.pack("<HBB3I", len(text) + 2, kind, 1, free, sibling, child)
        directory += bytes(36) + struct.pack("<IQ", start, size)
    return header + struct.pack("<128I", *fat) + directory.ljust(512, b"\0") + sectors


def xls(rows: list[list[object]]) -> bytes:
    """An Excel 97 workbook with one sheet."""

    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    def begin(kind: int) -> bytes:
        return record(0x809, struct.pack("<HHHHII", 0x600, kind, 0, 0, 0, 0))

    cells = b""
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            place = struct.pack("<HHH", row, column, 0)
            if isinstance(value, float):
                cells += record(0x203, place + struct.pack("<d", value))
            else:
                cells += record(0x204, place + struct.pack("<HB", len(str(value)), 0) + str(value).encode())
    size = struct.pack("<IIHHH", 0, len(rows), 0, 2, 0)
    sheet = begin(0x10) + record(0x200, size) + cells + record(0x0A, b"")
    start = len(begin(5)) + 4 + 6 + 2 + len("Sheet") + 4
    bound = struct.pack("<IBBBB", start, 0, 0, len("Sheet"), 0) + b"Sheet"
    stream = begin(5) + record(0x85, bound) + record(0x0A, b"") + sheet
    return compound({"Workbook": stream.ljust(4608, b"\0")})


def test_a_name_says_nothing_about_the_kind(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes((DATA / "billing.xlsx").read_bytes())
    assert read(path)[0].format == "xlsx"


# --- hostile and broken ones --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "picture"),
        (b"\x1f\x8b\x08" + bytes(50), "gzip"),
        (b"<html><table><tr><td>89005550000", "web page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><Workbook>", "XML"),
        (b"{\\rtf1 89005550000}", "document"),
        (b"RIFF\x00\x00\x00\x00WAVE", "sound"),
    ],
)
def test_other_kinds_are_named(tmp_path, content, kind):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    error = refused(path)
    assert error.code == "file_kind_unknown"
    assert kind in error.sentence


def test_binary_rubbish(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes(bytes(range(256)) * 50)
    assert refused(path).code == "file_not_text"


def test_zip_archives_that_are_no_workbooks(tmp_path):
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert refused(path).code == "file_kind_unknown"


@pytest.mark.parametrize("keep", [30, 500, 3000, 6000, 7500])
def test_cut_workbooks(tmp_path, keep):
    path = tmp_path / "list.xlsx"
    path.write_bytes((DATA / "billing.xlsx").read_bytes()[:keep])
    assert refused(path).code == "file_damaged"


def test_a_workbook_with_flipped_bytes_gives_rows_or_an_error(tmp_path):
    whole = (DATA / "billing.xlsx").read_bytes()
    path = tmp_path / "list.xlsx"
    for place in range(50, len(whole), 400):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            read(path)
        except CampaignError as error:
            assert error.code in SENTENCES  # noqa: PT017 - either way is right


def test_passwords(tmp_path):
    path = tmp_path / "list.xlsx"
    path.write_bytes(compound({"EncryptionInfo": bytes(4096), "EncryptedPackage": bytes(4096)}))
    assert refused(path).code == "file_password_protected"
    path.write_bytes(compound({"WordDocument": bytes(4096)}))
    assert refused(path).code == "file_kind_unknown"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le") + bytes(3000))
    assert refused(path).code == "file_damaged"


def replaced(tmp_path: Path, name: str, content: bytes) -> Path:
    """The billing workbook with one of its parts replaced."""
    path = tmp_path / "hostile.xlsx"
    with zipfile.ZipFile(DATA / "billing.xlsx") as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, content if entry == name else old.read(entry))
    return path


def test_zip_bombs(tmp_path):
    bomb = replaced(tmp_path, "xl/worksheets/sheet1.xml", b" " * (40 << 20))
    assert refused(bomb).code == "file_unpacks_too_large"
    with zipfile.ZipFile(tmp_path / "many.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        for number in range(6000):
            archive.writestr(f"xl/{number}.xml", "")
    assert refused(tmp_path / "many.xlsx").code == "file_unpacks_too_large"


def test_a_zip_that_lies_about_its_sizes(tmp_path):
    """The directory says that a large part is small: unpacking to the size told fails the checksum."""
    bomb = replaced(tmp_path, "xl/worksheets/sheet1.xml", b" " * (40 << 20))
    content = bytearray(bomb.read_bytes())
    size = struct.pack("<I", 40 << 20)
    while (place := content.find(size)) >= 0:
        content[place : place + 4] = struct.pack("<I", 1000)
    bomb.write_bytes(content)
    assert refused(bomb).code == "file_damaged"


def test_entities(tmp_path):
    laughs = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><sst>&b;</sst>'
    assert refused(replaced(tmp_path, "xl/workbook.xml", laughs)).code == "file_unsafe"


SHEET = (
    b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    b'<row r="1"><c r="A1"><v>89005550000</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    b"</sheetData></worksheet>"
)


def test_a_cell_in_the_far_corner(tmp_path):
    """The library makes room for the whole rectangle, 17 thousand million cells: only its own process dies of it."""
    assert refused(replaced(tmp_path, "xl/worksheets/sheet1.xml", SHEET)).code in ("sheet_too_large", "file_damaged")


def test_repeated_cells_of_ods(tmp_path):
    cell = '<table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"/>'
    rows = f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'
    ods(tmp_path / "hostile.ods", f'<table:table table:name="a">{rows}</table:table>')
    assert refused(tmp_path / "hostile.ods").code in ("sheet_too_large", "file_damaged")


def test_giant_cells_of_workbooks(tmp_path):
    path = book(tmp_path, [["Телефон", "Имя"], [89005550000, "a"]])
    text = b'<row r="3"><c r="A3"><v>89005550001</v></c><c r="B3" t="inlineStr"><is><t>' + b"x" * 70_000
    with zipfile.ZipFile(path) as old:
        sheet = old.read("xl/worksheets/sheet1.xml")
        parts = {name: old.read(name) for name in old.namelist()}
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"</sheetData>", text + b"</t></is></c></row></sheetData>")
    with zipfile.ZipFile(path, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    error = refused(path)
    assert (error.code, error.words["line"]) == ("field_too_long", 3)


def test_the_reading_process_ends_with_us(tmp_path):
    with ContactsFile(DATA / "billing.xlsx", "RU") as file:
        process = file._table._process
    assert process.returncode is not None


@pytest.mark.parametrize("name", ["list.xls", "list.ods", "list.csv", "list"])
def test_the_name_of_a_workbook_says_nothing(tmp_path, name):
    path = book(tmp_path, [["Телефон"], [89005550000]]).rename(tmp_path / name)
    layout, rows = read(path)
    assert (layout.format, rows[0].cells) == ("xlsx", ["89005550000"])
