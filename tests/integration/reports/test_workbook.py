"""The Excel report holds every contact and attempt, opens in another library, and runs nothing."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from campaigns import report_rows, report_sheets, reports
from campaigns.errors import CampaignError
from tests.integration.reports import sample


def rows_of(sheet: Any) -> list[dict[str, Any]]:
    lines = list(sheet.iter_rows(values_only=True))
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "report" / "out.xlsx"


@pytest.fixture
def book(app: object, target: Path) -> Iterator[Any]:
    reports.write_workbook(sample.whole(), target, zone="Europe/Moscow")
    book = openpyxl.load_workbook(target)
    yield book
    book.close()


def test_summary_of_numbers(app: object) -> None:
    assert reports.summary(sample.whole()) == {
        "rows": 7,
        "rejected": 1,
        "duplicates": 1,
        "contacts": 5,
        "reached": 1,
        "not_reached": 1,
        "pending": 2,
        "unknown": 1,
        "attempts": 5,
    }


def test_sheets_and_contacts(book: Any) -> None:
    """One row per contact, every column of every base, text as text, local times as Excel times."""
    assert book.sheetnames == ["Summary", "Contacts", "Attempts", "Rejected rows"]
    sheet = book["Contacts"]
    rows = rows_of(sheet)
    first = rows[0]
    own = ["Line", "Base", "Number", "ФИО", "Счёт", "=cmd", "Name", "Zone", "Result", "Attempts"]
    calls = ["Last disposition", "Seconds listened", "First call (Europe/Moscow)", "Last call (Europe/Moscow)"]
    assert list(first) == own + calls
    assert first["Number"] == "+79005550100"
    assert first["Счёт"] == "00012"
    assert first["=cmd"] == '=HYPERLINK("http://example.invalid","y")'
    assert (first["Result"], first["Attempts"], first["Seconds listened"]) == ("Reached", 2, 6.25)
    called = first["First call (Europe/Moscow)"]
    assert called.isoformat(timespec="milliseconds") == "2026-11-20T15:00:00.500"
    assert first["Last call (Europe/Moscow)"].minute == 5
    assert [row["Result"] for row in rows] == ["Reached", "Not reached", "Still to call", "Unknown", "Still to call"]
    assert [row["Zone"] for row in rows] == ["Europe/Moscow"] * 4 + ["America/New_York"]
    assert rows[2]["ФИО"].strip() == "<r><t>x</t></r>"
    assert rows[3]["ФИО"][0] + rows[3]["ФИО"][-1] == "ad"
    assert len(rows[3]["Счёт"]) == 32_767
    assert rows[2]["First call (Europe/Moscow)"] is None
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:N6"
    fills = [sheet.cell(row, 9).fill.fgColor.rgb[2:] for row in (2, 3, 4, 5)]
    assert fills == ["C6EFCE", "FFC7CE", "FFEB9C", "FFC7CE"]


def test_attempts(book: Any) -> None:
    rows = rows_of(book["Attempts"])
    assert len(rows) == 5
    by_disposition = {row["Disposition"]: row for row in rows}
    busy = by_disposition["Busy"]
    assert (busy["Number"], busy["Attempt"], busy["SIP code"], busy["Cause (Q.850)"]) == ("+79005550100", 1, 486, 17)
    assert busy["Answered (Europe/Moscow)"] is None
    assert by_disposition["Reached"]["Answered (Europe/Moscow)"].hour == 15
    assert (by_disposition["Unknown"]["Counted"], by_disposition["Unknown"]["Detail"]) == ("No", "=2+2")
    assert by_disposition["In progress"]["Number"] == "+79005550200"


def test_rejected_rows_with_reasons(book: Any) -> None:
    rows = rows_of(book["Rejected rows"])
    assert [(row["Line"], row["Code"]) for row in rows] == [
        (7, "number_missing"),
        (8, "duplicate_in_campaign"),
        (9, "some_later_code"),
    ]
    assert rows[0]["Reason"] == "The row has no phone number."
    assert rows[1]["Reason"] == "This number stands already in line 2 of debts.csv; it is called once."
    assert rows[2]["Reason"] == "some_later_code"


def test_summary_sheet(book: Any) -> None:
    cells = {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True, max_col=2) if row[0] is not None}
    assert book["Summary"]["A1"].value == "Долги = ноябрь"
    assert cells["Message"] == "m.mp3"
    assert (cells["Rows in the bases"], cells["Contacts"], cells["Duplicates"]) == (7, 5, 1)
    assert (cells["Reached"], cells["Not reached"], cells["Still to call"]) == (1, 1, 2)
    assert cells["Started (Europe/Moscow)"].hour == 15
    assert cells["debts.csv"] == "=1+1"
    assert len(book["Summary"]._charts) == 1


def test_nothing_in_the_file_is_a_formula_or_a_link(book: Any, target: Path) -> None:
    """Formula injection: checked in the XML itself and cell by cell, headings included."""
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", cell.coordinate
                if isinstance(cell.value, str) and cell.value[:1] in "=+-@":
                    assert (cell.quotePrefix, cell.number_format) == (True, "@"), cell.coordinate
    with zipfile.ZipFile(target) as archive:
        for name in archive.namelist():
            if "worksheets/" in name:
                content = archive.read(name).decode()
                assert not re.search(r"<f[ >]|<hyperlink|<is><r>", content), name


def test_small_pages_and_full_sheets_lose_nothing(app: object, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal claim times over a page's border, contacts of two bases mixed by id, a sheet that is full."""
    campaign_id = sample.campaign()
    bases = [sample.base(campaign_id, f"{n}.csv") for n in range(2)]
    ids = []
    for part in range(3):
        for base_id in bases:
            numbers = [{"number": f"79005{base_id:03d}{part}{n:02d}"} for n in range(7)]
            ids += sample.contacts(campaign_id, base_id, numbers)
    way = sample.trunk()
    moments = [sample.NOON + dt.timedelta(seconds=n // 20) for n in range(len(ids))]
    pairs = zip(ids, moments, strict=True)
    sample.attempts(campaign_id, way, [{"contact_id": i, "claimed_at": t, "disposition": "busy"} for i, t in pairs])
    sample.rejected(bases[0], [{"line": n // 5, "code": "number_missing", "value": str(n)} for n in range(23)])
    monkeypatch.setattr(report_rows, "PAGE", 4)
    monkeypatch.setattr(report_sheets, "SHEET_ROWS", 30)
    reports.write_workbook(campaign_id, target, zone="UTC")
    book = openpyxl.load_workbook(target)
    expected = ["Summary", "Contacts", "Attempts", "Contacts 2", "Attempts 2", "Rejected rows"]
    assert book.sheetnames == expected
    contacts = rows_of(book["Contacts"]) + rows_of(book["Contacts 2"])
    assert [len(rows_of(book[name])) for name in ("Contacts", "Contacts 2")] == [30, 12]
    assert len({row["Number"] for row in contacts}) == len(ids)
    assert all(row["First call (UTC)"] for row in contacts)
    attempts = rows_of(book["Attempts"]) + rows_of(book["Attempts 2"])
    assert {row["Number"] for row in attempts} == {row["Number"] for row in contacts}
    assert len(attempts) == len(ids)
    times = [row["Called (UTC)"] for row in attempts]
    assert times == sorted(times)
    assert len({row["Cell as sent"] for row in rows_of(book["Rejected rows"])}) == 23
    book.close()


def test_translated(app: object, target: Path) -> None:
    reports.write_workbook(sample.whole(), target, zone="UTC", translate=lambda text: f"[{text}]")
    book = openpyxl.load_workbook(target)
    assert book.sheetnames[:3] == ["Summary", "Contacts", "Attempts"], "forbidden letters are left out"
    assert book["Contacts"]["A1"].value == "[Line]"
    assert book["Attempts"]["D1"].value == "[Called (UTC)]"
    book.close()


def test_empty_campaign(app: object, target: Path) -> None:
    reports.write_workbook(sample.campaign(), target, zone="UTC")
    book = openpyxl.load_workbook(target)
    assert [sheet.max_row for sheet in book][1:] == [1, 1, 1]
    book.close()


def test_progress_and_cancel(app: object, target: Path) -> None:
    """Progress only rises and ends at 1; a cancelled report leaves nothing, also not a temporary file."""
    campaign_id = sample.whole()
    seen: list[float] = []
    reports.write_workbook(campaign_id, target, zone="UTC", progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    before = target.read_bytes()
    with pytest.raises(reports.ReportCancelled):
        reports.write_workbook(campaign_id, target, zone="UTC", cancelled=lambda: True)
    assert [path.name for path in target.parent.iterdir()] == ["out.xlsx"]
    assert target.read_bytes() == before


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "", "/etc/localtime"])
def test_unknown_zone(app: object, target: Path, zone: str) -> None:
    with pytest.raises(CampaignError) as caught:
        reports.write_workbook(sample.campaign(), target, zone=zone)
    assert caught.value.code == "report_zone_unknown"


def test_unknown_campaign(app: object, target: Path) -> None:
    for ask in (lambda: reports.summary(99), lambda: reports.write_workbook(99, target, zone="UTC")):
        with pytest.raises(CampaignError) as caught:
            ask()
        assert (caught.value.code, caught.value.status) == ("campaign_missing", 404)
