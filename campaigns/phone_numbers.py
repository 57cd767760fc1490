"""A cell of a list -> the one number it means, or the reason why it means none. Pure.

A number is accepted when it is *valid* for its country by libphonenumber's tables, not only *possible* (right length):
a cut or mistyped Russian number such as 8900555000 is possible, and dialling it reaches a stranger.
The common shapes take a short way (one regular expression made from the same tables); everything else takes the long
one. Both give the same answer, which a property test holds.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType, ValidationResult, shortnumberinfo

from config.i18n import N_


class Number(NamedTuple):
    """E.164 digits without plus."""

    digits: str


class Rejection(NamedTuple):
    """Why a cell is no number to be called: a code of :data:`SENTENCES`, and what was seen where that helps."""

    code: str
    detail: str = ""


#: Every code that :func:`normalize` returns, with the sentence a person reads.
SENTENCES = {
    "number_missing": N_("The row has no phone number."),
    "number_damaged": N_(
        "A spreadsheet changed this number and digits are lost; format the column as text and export the list again."
    ),
    "number_ambiguous": N_("The cell holds more than one number; leave one of them."),
    "number_with_extension": N_("The number has an extension, which cannot be dialled; give a direct number."),
    "number_too_short": N_("The number has too few digits."),
    "number_too_long": N_("The number has too many digits."),
    "number_invalid": N_("There is no such phone number; check its digits."),
    "emergency_blocked": N_("Emergency numbers are never called."),
    "short_number_blocked": N_("Short service numbers are never called."),
    "premium_blocked": N_(
        "Premium-rate, shared-cost, personal and satellite numbers are refused unless the campaign's trunk allows them."
    ),
}

#: Blocked whatever the region: mobile networks everywhere route these two to the emergency services.
ALWAYS_EMERGENCY = {"112", "911"}
#: Still answered, and missing from libphonenumber's tables for some of these regions.
ALSO_EMERGENCY = {"01", "02", "03", "04", "101", "102", "103", "104"}
FORMER_USSR = {"RU", "BY", "UA", "KZ", "KG", "UZ", "TJ", "TM", "AM", "AZ", "GE", "MD"}

#: A call to them costs many times an ordinary one, and a part of that goes to whoever owns the number.
COSTLY_TYPES = {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.PERSONAL_NUMBER}
#: Inmarsat, personal numbers, Iridium and others, networks of no country, international premium and shared cost.
COSTLY_CODES = {870, 878, 881, 882, 883, 888, 979, 808}

_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_SEPARATORS = str.maketrans(dict.fromkeys(" \t\u00a0\u2009\u202f()" + _DASHES))
_RUN = re.compile(rf"(?:\+[\s(){re.escape(_DASHES)}]*|[\s(]*)\d[\d\s().{re.escape(_DASHES)}]*")
_SPREADSHEET_ERROR = re.compile(r"#{2,}|#[^\W\d]\S*", re.ASCII | re.IGNORECASE)
_SPREADSHEET_ERROR_RU = re.compile(r"#[А-ЯЁ/]+[!?]?", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"\+?(\d+)(?:[.,](\d*))?\s*[eEеЕ]\s*\+?(\d{1,3})")
_DECIMAL_TAIL = re.compile(r"(\+?\d{7,})[.,]0{1,2}")
_EXTENSION = re.compile(
    r"(?:доб(?:\.|авочный)?|вн(?:\.|утр\w*\.?)|ext(?:\.|ension)?|linka|kl\.|(?<![^\W\d_])[xх]|#)\s*[.:=]?\s*\d{1,7}\s*\)?$",
    re.IGNORECASE,
)


def normalize(cell: str | float | int | None, region: str, costly: bool = False) -> Number | Rejection:
    """The number in ``cell``; ``region`` (ISO, upper case) is where a number without country code belongs.

    :param costly: numbers that cost many times an ordinary call are taken too.
    """
    result = _normalize(cell, region)
    if costly and isinstance(result, Rejection) and result.code == "premium_blocked" and result.detail:
        return Number(result.detail)
    return result


def is_costly(digits: str) -> bool:
    """Whether these E.164 digits are a number of the expensive kinds."""
    if _fast_international(digits) is not None:
        return False
    try:
        return _is_costly(phonenumbers.parse("+" + digits))
    except phonenumbers.NumberParseException:
        return False


def _is_costly(number: phonenumbers.PhoneNumber) -> bool:
    return number.country_code in COSTLY_CODES or phonenumbers.number_type(number) in COSTLY_TYPES


def _normalize(cell: str | float | int | None, region: str) -> Number | Rejection:
    if isinstance(cell, str):
        return _fast(cell, region) or careful(cell, region)
    if cell is None or cell != cell:  # nothing, or not-a-number
        return Rejection("number_missing")
    if cell < 0 or cell != cell // 1 or cell >= 1e15:  # a formula's result, or beyond a spreadsheet's 15 digits
        return Rejection("number_damaged", repr(cell))
    return _normalize(str(int(cell)), region)


def careful(cell: str, region: str) -> Number | Rejection:
    """The long way of :func:`normalize`, for any text; costly numbers are refused, their digits in ``detail``."""
    text = _clean(cell)
    if _SPREADSHEET_ERROR.fullmatch(text) or _SPREADSHEET_ERROR_RU.fullmatch(text):
        return Rejection("number_damaged", text[:40])
    scientific = _SCIENTIFIC.fullmatch(text)
    if scientific:
        whole, fraction, exponent = scientific.group(1), scientific.group(2) or "", int(scientific.group(3))
        if len(fraction) != exponent:  # 7.90056E+10 has six of eleven digits
            return Rejection("number_damaged", text[:40])
        text = whole + fraction
    tail = _DECIMAL_TAIL.fullmatch(text)
    if tail:
        text = tail.group(1)
    extension = _EXTENSION.search(text)
    if extension and isinstance(_from_runs(text[: extension.start()], region), Number):
        return Rejection("number_with_extension", text[extension.start() :][:40])
    return _from_runs(text, region)


def _clean(cell: str) -> str:
    """Full-width and similar digits to plain ones, invisible letters away, quotes of spreadsheets away."""
    text = unicodedata.normalize("NFKC", cell)
    if not text.isascii():
        text = "".join(_plain(letter) for letter in text)
    return text.strip(" \t\r\n\v\f\"'=`")


def _plain(letter: str) -> str:
    if unicodedata.category(letter) == "Cf":
        return ""
    digit = unicodedata.decimal(letter, None)
    return letter if digit is None else str(digit)


def _from_runs(text: str, region: str) -> Number | Rejection:
    """Look at each run of digits and their usual separators."""
    runs = _RUN.findall(text)
    if not runs:
        return Rejection("number_missing")
    results = {_from_run(run, region) for run in runs}
    if len(results) == 1 and (len(runs) == 1 or isinstance(next(iter(results)), Number)):
        return results.pop()  # one run, or the same number written twice
    codes = {result.code for result in results if isinstance(result, Rejection)}
    if len(codes) < len(results) or "number_ambiguous" in codes:
        return Rejection("number_ambiguous")
    if not re.search(r"[^\W\d_]", text):  # 030/1234567, or 79,005,550,000
        joined = _from_digits(text.lstrip().startswith("+"), _digits(text), region)
        if isinstance(joined, Number):
            return joined
    return Rejection("emergency_blocked" if codes == {"emergency_blocked"} else "number_invalid")


def _digits(text: str) -> str:
    return "".join(letter for letter in text if "0" <= letter <= "9")


def _from_run(run: str, region: str) -> Number | Rejection:
    result = _from_digits(run.startswith("+"), _digits(run), region)
    if isinstance(result, Number):
        return result
    words = run.split()
    for cut in range(1, len(words)):  # two numbers with nothing but a space between them
        left = _from_run_once(" ".join(words[:cut]), region)
        right = _from_run_once(" ".join(words[cut:]), region)
        if isinstance(left, Number) and isinstance(right, Number):
            return left if left == right else Rejection("number_ambiguous")
    return result


def _from_run_once(run: str, region: str) -> Number | Rejection:
    return _from_digits(run.startswith("+"), _digits(run), region)


def _from_digits(plus: bool, digits: str, region: str) -> Number | Rejection:
    """The number that these digits are, in every reading that a careful person would try."""
    if len(digits) <= 6:
        return _short(digits, region)
    result = _parse(("+" if plus else "") + digits, region)
    if isinstance(result, Number) or plus:
        return result
    for other in _without_plus(digits, region):
        reading = _parse("+" + other, region)
        if isinstance(reading, Number):
            if reading.digits == other:
                return reading
        elif reading.code == "premium_blocked":
            return reading
    return result


def _without_plus(digits: str, region: str) -> list[str]:
    """International readings of a number that has lost its plus, as numbers do in spreadsheets.

    Not when it begins like a number of the region itself (8… or 7… in Russia): that is a mistyped number at home,
    and 8 202 555 01 00 must not become a call to Korea.
    """
    if digits.startswith("00"):
        return [digits[2:]]
    profile = _profile(region)
    if len(digits) < 11 or profile is None or digits.startswith((profile.code, profile.prefix or profile.code)):
        return []
    return [digits]


def _short(digits: str, region: str) -> Rejection:
    if _is_emergency(digits, region):
        return Rejection("emergency_blocked")
    profile = _profile(region)
    for lead in (profile.code, profile.prefix) if profile else ():  # +7 112, 8 112
        if lead and digits.startswith(lead) and _is_emergency(digits[len(lead) :], region):
            return Rejection("emergency_blocked")
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return Rejection("number_too_short")
    if shortnumberinfo.is_valid_short_number_for_region(number, region):
        return Rejection("short_number_blocked")
    return Rejection("number_too_short")


def _is_emergency(digits: str, region: str) -> bool:
    if digits in ALWAYS_EMERGENCY or (region in FORMER_USSR and digits in ALSO_EMERGENCY):
        return True
    return bool(shortnumberinfo.is_emergency_number(digits, region))


_PARSE_CODES = {
    phonenumbers.NumberParseException.TOO_LONG: "number_too_long",
    phonenumbers.NumberParseException.TOO_SHORT_AFTER_IDD: "number_too_short",
    phonenumbers.NumberParseException.TOO_SHORT_NSN: "number_too_short",
}


def _parse(text: str, region: str) -> Number | Rejection:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as exc:
        return Rejection(_PARSE_CODES.get(exc.error_type, "number_invalid"))
    length = _length_fault(number)
    if length:
        return Rejection(length)
    if not phonenumbers.is_valid_number(number):
        return Rejection("number_invalid")
    found = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    if len(found) <= 15 and _is_costly(number):
        return Rejection("premium_blocked", found)
    # Some countries' plans hold longer ones (E.164 ends at 15 digits), which no carrier of ours dials.
    return Number(found) if len(found) <= 15 else Rejection("number_too_long")


def _length_fault(number: phonenumbers.PhoneNumber) -> str:
    """The code for a wrong number of digits, or ''."""
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == ValidationResult.INVALID_LENGTH:  # between two possible lengths: judge by the usual one
        country = phonenumbers.region_code_for_country_code(number.country_code or 0)
        example = phonenumbers.example_number(country)
        usual = len(phonenumbers.national_significant_number(example)) if example else 15
        long = len(phonenumbers.national_significant_number(number)) > usual
        return "number_too_long" if long else "number_too_short"
    return {
        ValidationResult.TOO_LONG: "number_too_long",
        ValidationResult.TOO_SHORT: "number_too_short",
        ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "number_too_short",
        ValidationResult.INVALID_COUNTRY_CODE: "number_invalid",
    }.get(reason, "")


# --- the short way -----------------------------------------------------------------------------------------------


class _Profile(NamedTuple):
    """What the short way knows of a country."""

    code: str  # country calling code
    plain: re.Pattern[str]  # national numbers that are certainly an ordinary fixed or mobile one
    general: re.Pattern[str]
    prefix: str  # dialled before a national number ('8' in Russia); '' when there is none
    abroad: re.Pattern[str] | None  # how an international call begins when dialled there
    national_shapes: bool  # numbers without country code may take the short way


@cache
def _profile(region: str) -> _Profile | None:
    data = PhoneMetadata.metadata_for_region(region, None)
    if data is None:
        return None
    patterns = [d.national_number_pattern for d in (data.mobile, data.fixed_line) if d and d.national_number_pattern]
    costly = [
        kind.national_number_pattern
        for kind in (data.premium_rate, data.shared_cost, data.personal_number)
        if kind and kind.national_number_pattern
    ]
    strip = data.national_prefix_for_parsing
    guards = "(?!0)" + (f"(?!(?:{strip}))" if strip else "") + "".join(f"(?!(?:{pattern})\\Z)" for pattern in costly)
    return _Profile(
        code=str(data.country_code),
        plain=re.compile(guards + "(?:" + "|".join(patterns or ["(?!)"]) + ")"),
        general=re.compile((data.general_desc and data.general_desc.national_number_pattern) or "(?!)"),
        prefix=data.national_prefix or "",
        abroad=re.compile(data.international_prefix) if data.international_prefix else None,
        national_shapes=data.national_prefix_transform_rule is None and (strip or "") == (data.national_prefix or ""),
    )


@cache
def _main_profile(code: str) -> _Profile | None:
    """The profile of the main country of a calling code."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    return None if regions is None or regions[0] == "001" else _profile(regions[0])


def _fast(cell: str, region: str) -> Number | None:
    """A number in one of the common shapes; None says nothing, the long way decides."""
    digits, plus = cell, False
    if not (cell.isascii() and cell.isdigit()):
        digits = cell.translate(_SEPARATORS)
        if digits[:1] == "+":
            plus, digits = True, digits[1:]
        if not (digits.isascii() and digits.isdigit()):
            return None
    if not 7 <= len(digits) <= 15:
        return None
    return _fast_international(digits) if plus else _fast_national(digits, region)


def _fast_international(digits: str) -> Number | None:
    for size in (1, 2, 3):
        profile = None if digits[0] == "0" else _main_profile(digits[:size])
        if profile is not None:
            return Number(digits) if profile.plain.fullmatch(digits, size) else None
    return None


def _fast_national(digits: str, region: str) -> Number | None:
    profile = _profile(region)
    if profile is None or not profile.national_shapes or (profile.abroad and profile.abroad.match(digits)):
        return None
    code, prefix = profile.code, profile.prefix
    if digits.startswith(code):
        if profile.plain.fullmatch(digits, len(code)) and not profile.general.fullmatch(digits):
            return Number(digits)
        return None
    if len(code) + len(digits) > 15:
        return None
    if profile.plain.fullmatch(digits):
        return Number(code + digits)
    if prefix and digits.startswith(prefix) and profile.plain.fullmatch(digits, len(prefix)):
        unclear = profile.general.fullmatch(digits) or digits.startswith(code, len(prefix))
        return None if unclear else Number(code + digits[len(prefix) :])
    return None
