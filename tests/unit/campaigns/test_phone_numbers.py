"""One cell to one number, or to one reason."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaigns.phone_numbers import SENTENCES, Number, Rejection, _fast, careful, normalize

MOBILE = "79005550000"


@pytest.mark.parametrize(
    "cell",
    [
        "89005550000",
        "+79005550000",
        "79005550000",
        "9005550000",
        "8 (900) 555 00 00",
        "+7 (900) 555-00-00",
        "8-900-555-00-00",
        "8.900.555.00.00",
        "+7\u00a0900\u202f555\u201100\u201300",
        "  89005550000\t",
        "89005550000.0",
        "89005550000,00",
        "7.9005550000E+10",
        '="89005550000"',
        "'89005550000",
        "tel:+79005550000",
        "моб. 8 900 555-00-00 (мама)",
        "+79005550000; 89005550000",
        "79,005,550,000",
        "８９００５５５００００",
        "\u200e+79005550000\u200f",
        "810 7 900 555 00 00",
        89005550000.0,
        89005550000,
        79005550000.0,
        9005550000.0,
    ],
)
def test_every_way_to_write_a_number_means_the_same(cell):
    assert normalize(cell, "RU") == Number(MOBILE)


@pytest.mark.parametrize(
    ("cell", "region", "digits"),
    [
        ("+420 601 000 000", "RU", "420601000000"),
        ("420601000000", "RU", "420601000000"),  # a spreadsheet took the plus
        (420601000000.0, "RU", "420601000000"),
        ("00420601000000", "RU", "420601000000"),
        ("601 000 000", "CZ", "420601000000"),
        ("(202) 555-0100", "US", "12025550100"),
        ("202.555.0100", "US", "12025550100"),
        ("1-202-555-0100", "US", "12025550100"),
        ("011 7 900 555 00 00", "US", MOBILE),
        ("12025550100", "RU", "12025550100"),
        ("8 800 555-35-35", "RU", "78005553535"),
        ("030/123456", "DE", "4930123456"),
        ("+39 06 698 12345", "RU", "390669812345"),
    ],
)
def test_regions(cell, region, digits):
    assert normalize(cell, region) == Number(digits)


@pytest.mark.parametrize(
    ("cell", "region", "code"),
    [
        ("", "RU", "number_missing"),
        (None, "RU", "number_missing"),
        (float("nan"), "RU", "number_missing"),
        ("нет телефона", "RU", "number_missing"),
        ("-", "RU", "number_missing"),
        ("7,90056E+10", "RU", "number_damaged"),
        ("7.9E+10", "RU", "number_damaged"),
        ("7,9Е+10", "RU", "number_damaged"),  # a Cyrillic letter
        ("#N/A", "RU", "number_damaged"),
        ("#ЗНАЧ!", "RU", "number_damaged"),
        ("########", "RU", "number_damaged"),
        (7.9e20, "RU", "number_damaged"),
        (float("inf"), "RU", "number_damaged"),
        (-1448.0, "RU", "number_damaged"),  # =7-900-555-00
        (900555.5, "RU", "number_damaged"),
        ("+7 900 555 01 01, +7 900 555 01 02", "RU", "number_ambiguous"),
        ("89005550101 89005550102", "RU", "number_ambiguous"),
        ("89005550101/02", "RU", "number_ambiguous"),
        ("+79005550101\n+79005550102", "RU", "number_ambiguous"),
        ("8 (900) 555-01-01 доб. 12", "RU", "number_with_extension"),
        ("+1 202 555 0100 ext. 7", "US", "number_with_extension"),
        ("+12025550100x7", "US", "number_with_extension"),
        ("+79160000103;ext=5", "RU", "number_with_extension"),
        ("+7 900 555 00", "RU", "number_too_short"),
        ("555-0100", "US", "number_too_short"),
        ("1234567", "RU", "number_too_short"),
        ("890055500001", "RU", "number_too_long"),
        ("1" * 30, "RU", "number_too_long"),
        ("8900555000", "RU", "number_invalid"),  # a digit lost: possible, but nobody's
        ("8 202 555 01 00", "RU", "number_invalid"),  # mistyped at home, never a call to Korea
        ("+999123456789", "RU", "number_invalid"),
        ("8 9OO 555-00-00", "RU", "number_invalid"),  # letters O
        ("112", "RU", "emergency_blocked"),
        ("+112", "RU", "emergency_blocked"),
        ("8 112", "RU", "emergency_blocked"),
        ("+7 112", "RU", "emergency_blocked"),
        ("01", "RU", "emergency_blocked"),
        ("02", "RU", "emergency_blocked"),
        ("03", "RU", "emergency_blocked"),
        ("101", "RU", "emergency_blocked"),
        (112.0, "RU", "emergency_blocked"),
        ("911", "US", "emergency_blocked"),
        ("911", "RU", "emergency_blocked"),
        ("158", "CZ", "emergency_blocked"),
        ("999", "GB", "emergency_blocked"),
        ("411", "US", "short_number_blocked"),
        ("8 809 500 00 00", "RU", "premium_blocked"),
        ("+1 900 555 0100", "RU", "premium_blocked"),
        ("+881 612 345 678", "RU", "premium_blocked"),  # Iridium
        ("+870 773 111 632", "RU", "premium_blocked"),  # Inmarsat
        ("+882 16 12345678", "RU", "premium_blocked"),
        ("+883 510 012 345", "RU", "premium_blocked"),
        ("+979 1 2345 6789", "RU", "premium_blocked"),
        ("+44 70 1234 5678", "RU", "premium_blocked"),  # personal numbers, known from fraud
        ("+44 843 123 4567", "RU", "premium_blocked"),  # shared cost
    ],
)
def test_every_reason(cell, region, code):
    result = normalize(cell, region)
    assert isinstance(result, Rejection)
    assert result.code == code


def test_each_reason_has_a_sentence():
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


REGIONS = ["RU", "US", "CZ", "DE", "GB", "KZ", "IT", "AR", "BR", "MX", "FR", "UA", "BY", "JP", "CN", "HU", "LT"]


@st.composite
def cells(draw: st.DrawFn) -> tuple[str, str]:
    """Numbers of many countries with some digits changed, lost or added, written in many ways; and a region."""
    kind = draw(st.sampled_from([0, 1, 3, 4]))  # fixed, mobile, toll-free, premium
    sample = phonenumbers.example_number_for_type(draw(st.sampled_from(REGIONS)), kind)
    national = phonenumbers.national_significant_number(sample) if sample else "9005550000"
    digits = list(national)
    for place, digit in draw(st.lists(st.tuples(st.integers(0, 20), st.sampled_from("0123456789")), max_size=4)):
        digits[place % len(digits)] = digit
    number = "".join(digits)[: draw(st.sampled_from([99, 99, 99, len(digits) - 1]))]
    country = str(sample.country_code if sample else 7)
    prefix = draw(st.sampled_from(["+" + country, country, "", "8", "0", "1", "00" + country, "06", "+", "810", "7"]))
    text = prefix + number
    for place in draw(st.lists(st.integers(1, 14), max_size=3)):
        text = text[:place] + draw(st.sampled_from([" ", "-", "(", ")", "\u00a0"])) + text[place:]
    return text, draw(st.sampled_from(REGIONS))


@settings(max_examples=3000, deadline=None)
@given(cells())
@example(("+0468345678", "CN"))
@example(("0496918941", "DE"))
@example(("+-73011234567", "DE"))
@example(("+)73011234567", "DE"))
def test_the_short_way_gives_what_the_long_way_gives(case):
    text, region = case
    short = _fast(text, region)
    assert short is None or short == careful(text, region)


def test_the_short_way_is_taken_for_the_common_shapes():
    for text in ("89005550000", "+79005550000", "9005550000", "8 (900) 555 00 00", "+7 (900) 555-00-00"):
        assert _fast(text, "RU") == Number(MOBILE)
    assert _fast("(202) 555-0100", "US") is not None
    assert _fast("+420 601 000 000", "RU") is not None


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=60), st.floats(), st.integers()), st.sampled_from([*REGIONS, "ZZ", ""]))
@example(37_100_000_000_000, "DE")
def test_any_cell_gives_a_number_or_a_reason(cell, region):
    result = normalize(cell, region)
    if isinstance(result, Number):
        assert result.digits.isascii()
        assert result.digits.isdigit()
        assert 7 <= len(result.digits) <= 15
    else:
        assert result.code in SENTENCES
        assert len(result.detail) <= 200
