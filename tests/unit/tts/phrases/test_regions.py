"""The tables of regions say what Unicode CLDR says."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from babel import Locale

from tts.phrases import regions

KNOWN = sorted(regions.DECIMAL_COMMA | regions.DECIMAL_POINT)


@pytest.mark.parametrize("region", KNOWN)
def test_separators_and_order_are_those_of_cldr(region: str) -> None:
    """By the region's first language, as Babel has it."""
    locale = Locale.parse(f"und_{region}")
    symbols = locale.number_symbols
    symbols = symbols.get("latn", symbols)
    order = re.sub(r"[^dMy]", "", re.sub(r"(.)\1+", r"\1", locale.date_formats["short"].pattern))
    assert regions.decimal_separator(region) == symbols["decimal"]
    assert regions.thousands_separator(region) == (symbols["group"] if symbols["group"] in ".," else "")
    assert (region in regions.DAY_FIRST) <= order.startswith("d")
    assert (region in regions.MONTH_FIRST) <= order.startswith("M")


def test_regions_are_regions_and_decide_once() -> None:
    """ISO codes; no region in two tables that exclude each other; unknown ones decide nothing."""
    assert set(KNOWN) <= phonenumbers.SUPPORTED_REGIONS | {"XK"}
    assert not regions.DECIMAL_COMMA & regions.DECIMAL_POINT
    assert not regions.DAY_FIRST & regions.MONTH_FIRST
    assert regions.POINT_THOUSANDS <= regions.DECIMAL_COMMA
    assert regions.decimal_separator("ZZ") == regions.thousands_separator("ZZ") == ""
