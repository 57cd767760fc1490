"""I5: no call outside of its hours, after a pause, before its retry is due, or to a number that is not allowed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chaos.oracle import rules
from chaos.oracle.carrier import Call, masked
from chaos.oracle.case import Case, at, name_of
from chaos.oracle.judgement import Breach
from chaos.oracle.tables import Attempt

Windows = Mapping[str, Any]


def only_when_allowed(case: Case) -> Iterator[Breach]:
    """I5."""
    allowance = case.tolerance.place_s + case.tolerance.clock_s
    for call in case.calls:
        attempt = case.attempt(call)
        earliest = case.reach_back(call.invited, allowance)
        if True not in case.running(attempt.campaign_id).between(earliest, call.invited):
            yield Breach("I5", f"{name_of(attempt)} was called at {at(call.invited)}, while its campaign did not run")
        if not _window_open(case, attempt, earliest, call.invited):
            yield Breach("I5", f"{name_of(attempt)} was called at {at(call.invited)}, outside of its calling windows")
        if case.trusts_times_of(attempt) and attempt.claimed < case.reach_back(call.invited, case.tolerance.stale_s):
            late = call.invited - attempt.claimed
            yield Breach("I5", f"{name_of(attempt)} was called {late:.1f} s after it was decided, nobody asked again")
        yield from _number_allowed(case, attempt, call)
    yield from _not_before_due(case)


def _number_allowed(case: Case, attempt: Attempt, call: Call) -> Iterator[Breach]:
    own = case.setting("campaign", attempt.campaign_id, "trunk_id", case.campaign(attempt)["trunk_id"]).all
    if attempt.trunk_id not in own:
        yield Breach("I5", f"{name_of(attempt)} went out through trunk {attempt.trunk_id}, not its campaign's")
    trunk, contact = case.tables.trunks.get(attempt.trunk_id), case.contact(attempt)
    if trunk is not None and contact is not None and not case.may_dial(trunk, contact):
        yield Breach("I5", f"{name_of(attempt)} called {masked(call.number)}, which its trunk may not dial")


def _window_open(case: Case, attempt: Attempt, begin: float, end: float) -> bool:
    """Whether a window was open at some moment between the two, by the clock of whoever decided."""
    zones = _zones(case, attempt, begin, end)
    moments = {begin, end, *(minute * 60.0 for minute in range(int(begin // 60) + 1, int(end // 60) + 1))}
    shifted = {moment + shift for moment in moments for shift in {0.0, *case.shifts(begin, end)}}
    return any(
        is_open(windows, moment, zone)
        for windows in case.windows(attempt.campaign_id).between(begin, end)
        for zone in zones
        for moment in shifted
    )


def _zones(case: Case, attempt: Attempt, begin: float, end: float) -> list[ZoneInfo]:
    contact = case.contact(attempt)
    own = None if contact is None or not contact.timezone else _zone(contact.timezone)
    if own is not None:
        return [own]
    stored = case.campaign(attempt)["timezone"]
    names = case.setting("campaign", attempt.campaign_id, "timezone", stored).between(begin, end)
    return [zone for zone in map(_zone, names) if zone is not None]


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def is_open(windows: Windows, moment: float, zone: ZoneInfo) -> bool:
    """Whether the wall clock of the zone shows a time inside; an exception's date has its own windows only."""
    local = dt.datetime.fromtimestamp(moment, dt.UTC).astimezone(zone)
    of_date = [item for item in windows.get("exceptions", ()) if item["date"] == local.date().isoformat()]
    if of_date:
        openings = of_date[-1].get("windows", ())
    else:
        openings = [item for item in windows.get("weekly", ()) if local.weekday() in item["days"]]
    minute = local.hour * 60 + local.minute
    return any(_minutes(item["from"]) <= minute < _minutes(item["to"]) for item in openings)


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _not_before_due(case: Case) -> Iterator[Breach]:
    """Between two attempts of a contact lies the campaign's retry time: nobody is called in a burst."""
    for attempts in case.attempts_of.values():
        uncounted = 0
        for earlier, later in pairwise(attempts):
            gap = _gap(case, earlier, later)
            if gap is not None and earlier.disposition in rules.OF_ATTEMPTS and not _refunded(earlier):
                needed = rules.pause_s(case.campaign(earlier), earlier.disposition or "", uncounted)
                if gap < needed - case.tolerance.retry_s:
                    yield Breach(
                        "I5",
                        f"{name_of(later)} was called {gap:.1f} s after attempt {earlier.uid}, which was "
                        f"{earlier.disposition}; its campaign waits {needed:g} s",
                    )
            uncounted += not earlier.counted


def _refunded(attempt: Attempt) -> bool:
    """Given back because the trunk was ill: due again at once."""
    return attempt.disposition == rules.CONGESTION and not attempt.counted


def _gap(case: Case, earlier: Attempt, later: Attempt) -> float | None:
    """Seconds from the end of one attempt to the INVITE of the next; None where clocks do not tell."""
    before, after = case.calls_of.get(earlier.uid), case.calls_of.get(later.uid)
    if not after or not (case.trusts_times_of(earlier) and case.trusts_times_of(later)):
        return None
    end = case.up_until(before[0]) if before else earlier.ended
    return None if end is None else after[0].invited - end
