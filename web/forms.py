"""HTML forms into what the services validate, and their refusals back to the fields."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from babel import Locale
from flask_babel import get_locale
from flask_babel import gettext as _
from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from config.errors import ObzvonError
from config.i18n import N_
from web import sentences, sentences_table

UNITS = {"s": 1, "min": 60, "h": 3600}
DURATIONS = ("ring_s", "notification_s", "retry_s", "retry_busy_s", "retry_no_answer_s", "retry_failed_s")

#: pydantic's error types in our words; ``{limit}`` is the bound that was crossed.
INPUT_SENTENCES = {
    "missing": N_("This must be filled in."),
    "string_too_short": N_("This must be filled in."),
    "string_too_long": N_("At most {limit} characters."),
    "int_parsing": N_("Write a whole number."),
    "int_from_float": N_("Write a whole number."),
    "int_type": N_("Write a whole number."),
    "float_parsing": N_("Write a number."),
    "float_type": N_("Write a number."),
    "greater_than_equal": N_("At least {limit}."),
    "greater_than": N_("More than {limit}."),
    "less_than_equal": N_("At most {limit}."),
    "less_than": N_("Less than {limit}."),
    "enum": N_("Choose one of these."),
    "string_pattern_mismatch": N_("This has a form that cannot be used here."),
}

FIELD_SENTENCES = {
    ("caller_id", "string_pattern_mismatch"): N_("Digits only, at most 18, as the carrier gave them to you."),
    ("timezone", "value_error"): N_("Choose a zone such as Europe/Moscow."),
    ("name", "value_error"): N_("Give it a name."),
    ("windows", "value_error"): N_("A window must have a beginning before its end, such as 09:00 to 21:00."),
}


def errors_of(error: ValidationError | ObzvonError) -> dict[str, str]:
    """Field name → sentence; what belongs to no field stands under ``""``."""
    if isinstance(error, ObzvonError):
        return {error.field: sentences.of(error)}
    found: dict[str, str] = {}
    for item in error.errors():
        field = ".".join(str(part) for part in item["loc"]) if item["loc"][:1] == ("amd",) else _first(item["loc"])
        found.setdefault(field, _input_sentence(field, item))
    return found


def sentence_of_input(field: str, item: Mapping[str, Any]) -> str:
    """One of pydantic's errors for a person."""
    return _input_sentence(field, item)


def _first(place: Sequence[Any]) -> str:
    return str(place[0]) if place else ""


def _input_sentence(field: str, item: Mapping[str, Any]) -> str:
    kind = str(item["type"])
    cause = (item.get("ctx") or {}).get("error")
    if isinstance(cause, ObzvonError):
        return sentences.of(cause)
    text = FIELD_SENTENCES.get((field, kind)) or INPUT_SENTENCES.get(kind)
    if text is None:
        return _(str(item["msg"]).removeprefix("Value error, "))
    context = item.get("ctx") or {}
    limit = next((context[key] for key in ("ge", "gt", "le", "lt", "max_length") if key in context), "")
    return _(text).replace("{limit}", str(limit))


def split_duration(value: Any) -> tuple[str, str]:
    """Seconds as the form shows them: a number and its unit. Text that was refused is shown as it was typed."""
    if value is None or value == "":
        return "", "min"
    if isinstance(value, str):
        return value, "s"
    seconds = float(value)
    for unit in ("h", "min"):
        if seconds and seconds % UNITS[unit] == 0:
            return str(int(seconds // UNITS[unit])), unit
    return f"{seconds:g}", "s"


def _seconds(text: str, unit: str) -> Any:
    """The typed length in seconds; text that is no number goes on to the validation, which refuses it."""
    text = text.strip().replace(",", ".")
    if not text:
        return None
    try:
        seconds = float(text) * UNITS.get(unit, 1)
    except ValueError:
        return text
    if not math.isfinite(seconds):
        return text
    return int(seconds) if seconds == int(seconds) else seconds


def campaign_input(form: MultiDict[str, str]) -> dict[str, Any]:
    """The campaign form as the values of ``CampaignForm``."""
    values: dict[str, Any] = {
        name: form.get(name, "").strip()
        for name in ("name", "caller_id", "region", "timezone", "channel_limit", "attempts")
    }
    values |= {name: form[name] for name in ("machines", "machines_doubtful") if name in form}
    values["trunk_id"] = form.get("trunk_id") or None
    for name in DURATIONS:
        seconds = _seconds(form.get(name, ""), form.get(f"{name}-unit", "s"))
        if seconds is not None or name in ("retry_busy_s", "retry_no_answer_s", "retry_failed_s"):
            values[name] = seconds
    values["windows"] = windows_input(form)
    return values


def windows_input(form: MultiDict[str, str]) -> dict[str, Any]:
    """The rows of the windows editor as the stored JSON. Rows without a day, and empty ones, are left out."""
    weekly = []
    for n in _rows(form, "w"):
        days = sorted({int(day) for day in form.getlist(f"w-{n}-day") if day in set("0123456")})
        start, end = form.get(f"w-{n}-from", "").strip(), form.get(f"w-{n}-to", "").strip()
        if days and (start or end):
            weekly.append({"days": days, "from": start, "to": _end(end)})
    exceptions: dict[str, list[dict[str, str]]] = {}
    for n in _rows(form, "x"):
        date = form.get(f"x-{n}-date", "").strip()
        if not date:
            continue
        windows = exceptions.setdefault(date, [])
        start, end = form.get(f"x-{n}-from", "").strip(), form.get(f"x-{n}-to", "").strip()
        if start or end:
            windows.append({"from": start, "to": _end(end)})
    return {
        "weekly": weekly,
        "exceptions": [{"date": date, "windows": windows} for date, windows in sorted(exceptions.items())],
    }


def _end(text: str) -> str:
    """Midnight as an end: a browser's time field cannot hold 24:00."""
    return "24:00" if text == "00:00" else text


def _rows(form: MultiDict[str, str], letter: str) -> list[int]:
    pattern = re.compile(rf"^{letter}-(\d{{1,4}})-")
    return sorted({int(match[1]) for name in form for match in [pattern.match(name)] if match})


def window_rows(windows: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows for the editor."""
    return list(windows.get("weekly", ()))


def exception_rows(windows: Mapping[str, Any]) -> list[dict[str, str]]:
    """One row per date and window; a closed date has a row without hours."""
    rows = []
    for item in windows.get("exceptions", ()):
        for window in item.get("windows") or [{"from": "", "to": ""}]:
            rows.append({"date": item["date"], "from": window["from"], "to": window["to"]})
    return rows


@lru_cache(maxsize=1)
def zones() -> list[str]:
    """Zones that a person would choose: Area/City, without the old and the technical names."""
    areas = ("Europe/", "Asia/", "America/", "Africa/", "Australia/", "Pacific/", "Atlantic/", "Indian/")
    return ["UTC", *sorted(name for name in available_timezones() if name.startswith(areas))]


def zone_label(name: str) -> str:
    """The zone with its present distance from UTC."""
    offset = datetime.now(UTC).astimezone(ZoneInfo(name)).strftime("%z")
    return f"{name} (UTC{offset[:3]}:{offset[3:]})".replace("_", " ")


def regions() -> list[tuple[str, str]]:
    """Countries by name in the reader's language, with their calling codes."""
    return _regions(str(get_locale() or "en"))


@lru_cache(maxsize=4)
def _regions(locale: str) -> list[tuple[str, str]]:
    names = Locale.parse(locale).territories
    found = [
        (code, f"{names.get(code, code)} (+{phonenumbers.country_code_for_region(code)})")
        for code in phonenumbers.SUPPORTED_REGIONS
    ]
    return sorted(found, key=lambda pair: pair[1])


def page_number(text: str | None) -> int:
    """A page from the address; nonsense is the first page."""
    return int(text) if text and text.isdecimal() and len(text) < 8 else 1


def days_text(days: Sequence[int]) -> str:
    """Weekdays, runs of three and more as a range: ``Mon–Fri, Sun``."""
    names = [_(name) for name in sentences_table.DAYS]
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(
        f"{names[run[0]]}–{names[run[-1]]}" if len(run) > 2 else ", ".join(names[day] for day in run) for run in runs
    )
