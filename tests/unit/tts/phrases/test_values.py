"""What stands in customers' cells is read by the rules at the top of tts/phrases/values.py, or refused by name."""

from __future__ import annotations

import csv
import datetime as dt
import zipfile
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.contacts_file.workbook_process import as_text
from tests.unit.tts.phrases import reader
from tts import phrases
from tts.errors import PhraseError
from tts.phrases import values

DATA = Path(__file__).parents[3] / "data"
NBSP, THIN, NARROW = "\u00a0", "\u2009", "\u202f"


def code_of(read: Callable[[], object]) -> str:
    """The error's code; it must name the field and have its sentence."""
    with pytest.raises(PhraseError) as caught:
        read()
    error = caught.value
    assert error.field == "Debt"
    assert error.sentence == phrases.SENTENCES[error.code].format(**error.words)
    assert "Debt" in error.sentence
    return error.code


@pytest.mark.parametrize("region", ["RU", "US", "DE", "CZ", "ZZ"])
@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("1251.20", "1251.20"),
        ("1251,2", "1251.20"),
        ("1 251,20", "1251.20"),
        (f"1{NBSP}251,20", "1251.20"),
        (f"1{THIN}251.20", "1251.20"),
        (f"12{NARROW}345{NARROW}678", "12345678.00"),
        ("1’251.20", "1251.20"),
        ("1'251.20", "1251.20"),
        ("1,251.20", "1251.20"),
        ("1.251,20", "1251.20"),
        ("1,251,200.5", "1251200.50"),
        ("1.251.200", "1251200.00"),
        ("−1251,2", "-1251.20"),
        ("-1251,2", "-1251.20"),
        ("–1251,2", "-1251.20"),
        ("1251,2-", "-1251.20"),
        ("(1,251.20)", "-1251.20"),
        ("+5", "5.00"),
        (" 0 ", "0.00"),
        ("-0", "0.00"),
        (".5", "0.50"),
        ("5.", "5.00"),
        ("0012,00", "12.00"),
        ("1251.2000", "1251.20"),
        ("1251.1999999999998", "1251.20"),
        ("66914.149999999994", "66914.15"),
        ("'1251,20", "1251.20"),
        ('"1251,20"', "1251.20"),
        ("1 251,20 ₽", "1251.20"),
        ("1251,20 руб.", "1251.20"),
        ("1251,20р.", "1251.20"),
        ("руб. 1251,20", "1251.20"),
        ("-₽1251,20", "-1251.20"),
        ("₽-1251,20", "-1251.20"),
        ("1251.20 RUB", "1251.20"),
        ("999999999999,99", "999999999999.99"),
    ],
)
def test_amounts_with_one_reading(cell: str, amount: str, region: str) -> None:
    """Whatever the region, these mean one thing."""
    assert str(values.amount(cell, region, "RUB", field="Debt")) == amount


@pytest.mark.parametrize(
    ("cell", "region", "expected"),
    [
        ("1,251", "US", "1251.00"),
        ("1,251", "GB", "1251.00"),
        ("1.251", "DE", "1251.00"),
        ("1.251", "US", "amount_too_fine"),
        ("1,251", "DE", "amount_too_fine"),
        ("1,251", "RU", "amount_too_fine"),
        ("1.251", "RU", "number_ambiguous"),
        ("1.251", "CZ", "number_ambiguous"),
        ("1.251", "ZZ", "number_ambiguous"),
        ("1,251", "ZZ", "number_ambiguous"),
        ("1,250", "RU", "1.25"),
    ],
)
def test_the_region_decides_between_two_readings(cell: str, region: str, expected: str) -> None:
    """One separator with three digits behind it; where the region has no answer, nothing is guessed."""
    if expected[0].isdigit():
        assert str(values.amount(cell, region, "RUB", field="Debt")) == expected
    else:
        assert code_of(lambda: values.amount(cell, region, "RUB", field="Debt")) == expected


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("", "value_missing"),
        ("  ", "value_missing"),
        ("-", "value_missing"),
        ("—", "value_missing"),
        ("7,90056E+10", "value_damaged"),
        ("1.2e3", "value_damaged"),
        ("#N/A", "value_has_spreadsheet_error"),
        ("#REF!", "value_has_spreadsheet_error"),
        ("#ЗНАЧ!", "value_has_spreadsheet_error"),
        ("#Н/Д", "value_has_spreadsheet_error"),
        ("########", "value_has_spreadsheet_error"),
        ("=A1*2", "value_has_formula"),
        ("12 51", "number_wrong"),
        ("1 25,20", "number_wrong"),
        ("1251 200", "number_wrong"),
        ("1 251,200,00", "number_wrong"),
        ("1,25,200", "number_wrong"),
        ("1\n251", "number_wrong"),
        ("1  251", "number_wrong"),
        ("1.2.3", "number_wrong"),
        ("1,251.200,5", "number_wrong"),
        ("--5", "number_wrong"),
        ("(-5)", "number_wrong"),
        ("(5", "number_wrong"),
        ("5)", "number_wrong"),
        ("12a", "number_wrong"),
        ("пять", "number_wrong"),
        ("٣", "number_wrong"),
        ("5 / 7", "number_wrong"),
        ("nan", "number_wrong"),
        ("inf", "number_wrong"),
        (".", "number_wrong"),
        (",", "number_wrong"),
        ("₽", "number_wrong"),
        ("1000000000000", "number_too_large"),
        ("9" * 50, "number_too_large"),
        ("9" * 500, "text_too_long"),
        ("33.3333", "amount_too_fine"),
        ("0,125", "amount_too_fine"),
        ("1251.20001", "amount_too_fine"),
        ("$100", "currency_differs"),
        ("100 €", "currency_differs"),
    ],
)
def test_amounts_that_are_refused(cell: str, code: str) -> None:
    """Every refusal has its code and names the column; none of them becomes a number."""
    assert code_of(lambda: values.amount(cell, "RU", "RUB", field="Debt")) == code


@pytest.mark.parametrize(
    ("cell", "region", "expected"),
    [
        ("12.12.2026", "RU", "2026-12-12"),
        ("2026-12-31", "RU", "2026-12-31"),
        ("2026/12/31", "US", "2026-12-31"),
        ("31.12.2026", "RU", "2026-12-31"),
        ("31. 12. 2026", "CZ", "2026-12-31"),
        ("1.2.2026", "DE", "2026-02-01"),
        ("31/12/2026", "GB", "2026-12-31"),
        ("12/31/2026", "US", "2026-12-31"),
        ("11/12/2026", "US", "2026-11-12"),
        ("11/12/2026", "GB", "2026-12-11"),
        ("11/12/2026", "CA", "date_ambiguous"),
        ("12/12/2026", "CA", "2026-12-12"),
        ("31/12/2026", "CA", "2026-12-31"),
        ("12/31/2026", "CA", "date_ambiguous"),
        ("12/31/2026", "RU", "date_wrong"),
        ("31/12/2026", "US", "date_wrong"),
        ("31.12.2026", "US", "date_wrong"),
        ("11.12.2026", "ZZ", "date_ambiguous"),
        ("12.12.26", "RU", "2026-12-12"),
        ("12.12.99", "RU", "1999-12-12"),
        ("12.12.29", "RU", "2029-12-12"),
        ("12.12.30", "RU", "date_year_short"),
        ("12.12.45", "RU", "date_year_short"),
        ("12.12.68", "RU", "date_year_short"),
        ("12.12.69", "RU", "1969-12-12"),
        ("31.12.2026 0:00:00", "RU", "2026-12-31"),
        ("2026-12-31 00:00:00", "RU", "2026-12-31"),
        ("2026-12-31T14:30", "RU", "2026-12-31"),
        ("2026-12-31T14:30Z", "RU", "date_wrong"),
        ("12 декабря 2026", "RU", "2026-12-12"),
        ("12 декабря 2026 г.", "RU", "2026-12-12"),
        ("12 Декабря 2026 года", "RU", "2026-12-12"),
        ("12 грудня 2026 року", "UA", "2026-12-12"),
        ("12. prosince 2026", "CZ", "2026-12-12"),
        ("12. Dezember 2026", "DE", "2026-12-12"),
        ("12 желтоқсан 2026", "KZ", "2026-12-12"),
        ("December 12, 2026", "ZZ", "2026-12-12"),
        ("12-Dec-26", "ZZ", "2026-12-12"),
        ("12-дек-2026", "RU", "2026-12-12"),
        ("12 foo 2026", "RU", "date_wrong"),
        ("46368", "RU", "date_is_number"),
        ("46368.5", "RU", "date_is_number"),
        ("12.12", "RU", "date_is_number"),
        ("31.02.2026", "RU", "date_wrong"),
        ("29.02.2027", "RU", "date_wrong"),
        ("00.00.0000", "RU", "date_wrong"),
        ("31.12.0026", "RU", "date_wrong"),
        ("31-12.2026", "RU", "date_wrong"),
        ("tomorrow", "RU", "date_wrong"),
        ("", "RU", "value_missing"),
        ("#N/A", "RU", "value_has_spreadsheet_error"),
        ("=TODAY()", "RU", "value_has_formula"),
    ],
)
def test_dates(cell: str, region: str, expected: str) -> None:
    """Read by the region's order or refused; a date of the other order is never turned round."""
    if expected[0].isdigit():
        assert values.date(cell, region, field="Debt") == dt.date.fromisoformat(expected)
    else:
        assert code_of(lambda: values.date(cell, region, field="Debt")) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("14:30", "14:30"),
        ("9:05", "09:05"),
        ("14.30", "14:30"),
        ("14:30:00", "14:30"),
        ("2026-12-31 14:30:00", "14:30"),
        ("2:30 PM", "14:30"),
        ("12:00 a.m.", "00:00"),
        ("12:15pm", "12:15"),
        ("24:00", "time_wrong"),
        ("14:60", "time_wrong"),
        ("14:30 PM", "time_wrong"),
        ("0:30 AM", "time_wrong"),
        ("9:5", "time_wrong"),
        ("noon", "time_wrong"),
        ("0.604166666666667", "time_is_number"),
        ("14", "time_is_number"),
        ("", "value_missing"),
    ],
)
def test_times(cell: str, expected: str) -> None:
    """A time of the day or a refusal."""
    if expected[0].isdigit():
        assert values.time(cell, field="Debt") == dt.time.fromisoformat(expected)
    else:
        assert code_of(lambda: values.time(cell, field="Debt")) == expected


def test_whole_numbers_percentages_and_digits() -> None:
    """Zeros behind the point are no fraction; a percentage is taken as it is written; digits stay as they are."""
    assert values.whole_number("12.0", "RU") == 12
    assert values.whole_number("1 200,00", "RU") == 1200
    assert values.whole_number("-3", "RU") == -3
    assert code_of(lambda: values.whole_number("12,5", "RU", field="Debt")) == "number_not_whole"
    assert code_of(lambda: values.whole_number("1.200", "RU", field="Debt")) == "number_ambiguous"
    assert values.percentage("12,5 %", "RU") == Decimal("12.5")
    assert values.percentage("0.12", "RU") == Decimal("0.12")
    assert code_of(lambda: values.percentage("0.1234", "US", field="Debt")) == "percent_too_fine"
    assert values.digit_text("0012345") == "0012345"
    assert values.digit_text("12345.0") == "12345"
    assert code_of(lambda: values.digit_text("1.23457E+15", field="Debt")) == "value_damaged"


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=70), st.sampled_from(["RU", "US", "CA", ""]))
def test_any_cell_is_read_or_refused(cell: str, region: str) -> None:
    """No text of a cell ends in anything but a value or a refusal."""
    for read in (
        lambda: values.amount(cell, region, "RUB"),
        lambda: values.date(cell, region),
        lambda: values.time(cell),
        lambda: values.percentage(cell, region),
        lambda: values.whole_number(cell, region),
    ):
        with suppress(PhraseError):
            read()


@settings(max_examples=300, deadline=None)
@given(st.integers(-(10**13), 10**13), st.sampled_from(["{:.2f}", "{:,.2f}", "{:,.2f} ₽"]))
def test_amounts_written_by_programs_are_read_back(cents: int, pattern: str) -> None:
    """Two decimals with and without thousands separators, and what a spreadsheet makes of the number."""
    amount = Decimal(cents) / 100
    written = pattern.format(amount)
    assert values.amount(written, "RU", "RUB") == amount
    assert values.amount(as_text(float(amount)), "RU", "RUB") == amount


def test_the_bases_of_customers_are_spoken() -> None:
    """Every amount and date of the sample bases is said in Russian or English and means what stands in the file."""
    with (DATA / "debts_cp1251.csv").open(encoding="cp1251", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))[1:]
    assert len(rows) == 168
    for row in rows:
        words = phrases.money(values.amount(row[2], "RU", "RUB"), "RUB", "ru")
        assert reader.money(words, "ru") == Decimal(row[2].replace(",", "."))
        day = values.date(row[3], "RU")
        assert day.strftime("%d.%m.%Y") == row[3]
        assert phrases.date(day, "ru").endswith("декабря")
    with (DATA / "us_utf8_bom.csv").open(encoding="utf-8-sig", newline="") as file:
        for line in csv.DictReader(file):
            words = phrases.money(values.amount(line["Amount"], "US", "USD"), "USD", "en")
            assert reader.money(words, "en") == Decimal(line["Amount"])


def test_the_workbook_of_customers_is_spoken() -> None:
    """Amounts that a workbook keeps as binary fractions."""
    assert zipfile.is_zipfile(DATA / "billing.xlsx")
    from python_calamine import CalamineWorkbook

    sheet = CalamineWorkbook.from_path(str(DATA / "billing.xlsx")).get_sheet_by_index(0)
    floats = [cell for row in sheet.iter_rows() for cell in row if isinstance(cell, float) and cell < 1e6]
    assert floats
    for cell in floats:
        words = phrases.money(values.amount(as_text(cell), "RU", "RUB"), "RUB", "ru")
        assert reader.money(words, "ru") == round(Decimal(cell), 2)
