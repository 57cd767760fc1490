"""How numbers and dates are written where. From Unicode CLDR 46; ``tests/unit/tts/phrases/test_regions.py`` compares.

A region that stands in none of these decides nothing: what it would have to decide is refused as ambiguous.
"""

from __future__ import annotations


def _regions(letters: str) -> frozenset[str]:
    return frozenset(letters.split())


#: The decimal separator is a comma; thousands are parted by blanks, or by the point in POINT_THOUSANDS.
DECIMAL_COMMA = _regions(
    "AD AL AM AR AT AZ BA BE BG BR BY CL CO CY CZ DE DK EE ES FI FR GE GR HR HU ID IS IT KG KZ LT LU LV MA MD ME MK NL "
    "NO PL PT RO RS RU SE SI SK TJ TM TR UA UY UZ VN XK"
)
POINT_THOUSANDS = _regions("AD AR AT AZ BA BE BR CL CO CY DE DK ES GR HR ID IS IT LU MA MD ME MK NL RO RS SI TR UY VN")
#: The decimal separator is a point, thousands are parted by commas.
DECIMAL_POINT = _regions(
    "AU BD CA CN EG GB GH GT HK HN IE IL IN JM JP KE KR LK MM MT MX MY NG NI NZ PA PE PH PK PR SG SV TH TW UG US"
)
#: The month is written first.
MONTH_FIRST = _regions("PA PH PR US")
#: The day is written first.
DAY_FIRST = (DECIMAL_COMMA - _regions("HU LT SE")) | _regions(
    "AU BD CH EG GB GT HK HN IE IL IN JM KE LI MM MT MX MY NG NI NZ PE PK SG SV TH UG"
)


def decimal_separator(region: str) -> str:
    """``,`` or ``.``, or nothing when it is not known."""
    if region in DECIMAL_COMMA:
        return ","
    return "." if region in DECIMAL_POINT else ""


def thousands_separator(region: str) -> str:
    """``.`` or ``,`` where one of them parts thousands."""
    if region in DECIMAL_POINT:
        return ","
    return "." if region in POINT_THOUSANDS else ""
