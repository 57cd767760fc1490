"""Calling windows: the hours in which calls may be made (N17). Pure; local time lives here and on screen only.

As JSON: ``{"weekly": [{"days": [0, 1], "from": "09:00", "to": "21:00"}],
"exceptions": [{"date": "2026-12-31", "windows": [{"from": "10:00", "to": "15:00"}]}]}``; day 0 is Monday, ``to`` may be
``24:00``, an exception without windows closes that date. A moment is inside when the wall clock of the zone shows a
time inside: this holds through daylight-saving gaps (the skipped hour never happens) and overlaps (it happens twice).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.errors import CampaignError

#: How far ahead an opening is looked for: every weekly window recurs in 7 days; exceptions may close a few weeks.
HORIZON_DAYS = 400
_CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])")


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Minutes since local midnight, ``start`` inside, ``end`` outside."""

    start: int
    end: int


def _minutes(text: object) -> int:
    match = _CLOCK.fullmatch(str(text))
    if not match or int(match[1]) * 60 + int(match[2]) > 1440:
        raise CampaignError(
            "window_time_wrong", f"“{str(text)[:20]}” is not a time: write it like 09:00.", field="windows"
        )
    return int(match[1]) * 60 + int(match[2])


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _shaped(value: object, *keys: str) -> Mapping[str, Any]:
    """An object with no other keys than these."""
    if not isinstance(value, Mapping) or not set(value) <= set(keys):
        raise _shape_wrong()
    return value


def _items(value: Mapping[str, Any], key: str) -> list[Any]:
    """The list under this key; none when the key is not there."""
    found = value.get(key, [])
    if not isinstance(found, list | tuple):
        raise _shape_wrong()
    return list(found)


def _shape_wrong() -> CampaignError:
    sentence = (
        'Write calling windows like {"weekly": [{"days": [0, 1], "from": "09:00", "to": "21:00"}], "exceptions": '
        '[{"date": "2026-12-31", "windows": []}]}.'
    )
    return CampaignError("window_shape_wrong", sentence, field="windows")


def _days(item: Mapping[str, Any]) -> list[int]:
    days = _items(item, "days")
    if not all(type(day) is int and 0 <= day <= 6 for day in days):
        raise CampaignError("window_day_wrong", "Days are 0 (Monday) to 6 (Sunday).", field="windows")
    return sorted(set(days))


def _window(item: Mapping[str, Any]) -> Window:
    start, end = _minutes(item.get("from")), _minutes(item.get("to"))
    if start >= end:
        sentence = (
            f"A window must end after it begins; {_clock(start)} to {_clock(end)} does not. Split it at midnight."
        )
        raise CampaignError(
            "window_order_wrong", sentence, field="windows", words={"start": _clock(start), "end": _clock(end)}
        )
    return Window(start, end)


@dataclass(frozen=True)
class CallingWindows:
    """The windows of each weekday (0 = Monday) and of single dates."""

    weekly: tuple[tuple[Window, ...], ...]
    exceptions: Mapping[dt.date, tuple[Window, ...]] = field(default_factory=dict)

    @classmethod
    def always(cls) -> CallingWindows:
        """Open round the clock."""
        return cls(weekly=((Window(0, 1440),),) * 7)

    @classmethod
    def daily(cls, start: str, end: str) -> CallingWindows:
        """The same window on every day."""
        return cls(weekly=((_window({"from": start, "to": end}),),) * 7)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CallingWindows:
        """Read the stored form.

        :raises CampaignError: window_shape_wrong, window_time_wrong, window_order_wrong, window_day_wrong,
            window_date_wrong.
        """
        weekly: list[list[Window]] = [[] for _ in range(7)]
        _shaped(data, "weekly", "exceptions")
        for item in _items(data, "weekly"):
            for day in _days(_shaped(item, "days", "from", "to")):
                weekly[day].append(_window(item))
        exceptions: dict[dt.date, tuple[Window, ...]] = {}
        for item in _items(data, "exceptions"):
            _shaped(item, "date", "windows")
            try:
                date = dt.date.fromisoformat(str(item.get("date")))
            except ValueError as exc:
                sentence = f"“{str(item.get('date'))[:20]}” is not a date: write it like 2026-12-31."
                raise CampaignError("window_date_wrong", sentence, field="windows") from exc
            opened = [_window(_shaped(entry, "from", "to")) for entry in _items(item, "windows")]
            exceptions[date] = tuple(sorted(opened))
        return cls(tuple(tuple(sorted(day)) for day in weekly), exceptions)

    def to_json(self) -> dict[str, Any]:
        """The stored form; weekdays with the same window are put together."""
        days: dict[Window, list[int]] = {}
        for day, windows in enumerate(self.weekly):
            for window in windows:
                days.setdefault(window, []).append(day)
        return {
            "weekly": [{"days": d, "from": _clock(w.start), "to": _clock(w.end)} for w, d in sorted(days.items())],
            "exceptions": [
                {"date": date.isoformat(), "windows": [{"from": _clock(w.start), "to": _clock(w.end)} for w in windows]}
                for date, windows in sorted(self.exceptions.items())
            ],
        }

    def _of(self, date: dt.date) -> tuple[Window, ...]:
        return self.exceptions.get(date, self.weekly[date.weekday()])

    def is_open(self, now: dt.datetime, zone: ZoneInfo) -> bool:
        """Whether a call may be placed at ``now`` (aware) where the clocks show ``zone``."""
        local = now.astimezone(zone)
        minute = local.hour * 60 + local.minute
        return any(window.start <= minute < window.end for window in self._of(local.date()))

    def next_open(self, now: dt.datetime, zone: ZoneInfo) -> dt.datetime | None:
        """``now`` when open, else the first moment (UTC) of the next window; None when there is none left."""
        if self.is_open(now, zone):
            return now
        today = now.astimezone(zone).date()
        for offset in range(HORIZON_DAYS):
            date = today + dt.timedelta(days=offset)
            openings = [at for window in self._of(date) for at in self._openings(date, window, zone) if at > now]
            if openings:
                return min(openings)
        return None

    def _openings(self, date: dt.date, window: Window, zone: ZoneInfo) -> Iterable[dt.datetime]:
        """When this window opens on this date, in UTC: twice where clocks go back, later where its start is skipped."""
        naive = dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=window.start)
        folds = sorted({naive.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1)})
        if folds[0].astimezone(zone).replace(tzinfo=None) == naive:
            return folds
        # The start falls into a gap: the window opens with the first minute after it that is inside.
        minutes = int((folds[-1] - folds[0]).total_seconds() // 60)
        moments = (folds[0] + dt.timedelta(minutes=step) for step in range(minutes + 1))
        return [next((at for at in moments if self.is_open(at, zone)), folds[-1])]
