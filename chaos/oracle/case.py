"""The evidence joined: calls with their attempts, what the faults did to them, what was in force when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chaos.oracle.carrier import Call, masked
from chaos.oracle.event_log import EventLog
from chaos.oracle.evidence import (
    CHANGED,
    CREATED,
    NODE_CHANGED,
    PAUSED,
    RESUMED,
    STARTED,
    STOPPED,
    TRUNK_CHANGED,
    Acknowledged,
    Evidence,
    Fault,
)
from chaos.oracle.tables import Attempt, Contact, Row, Tables, from_json

#: What holds up a call on its way to the carrier: (kind, target).
_HELD_UP = frozenset({("freeze", "pbx"), ("freeze", "dial"), ("ami_delay", "ami"), ("ami_hold", "ami")})
#: Whether each kind leaves the campaign running.
_RUNNING = {CREATED: False, STARTED: True, RESUMED: True, PAUSED: False, STOPPED: False}
_SET = {"campaign": (CREATED, CHANGED), "trunk": (TRUNK_CHANGED,), "node": (NODE_CHANGED,)}


@dataclass(frozen=True)
class Known:
    """A user's value: from ``begin`` on it may have been in force, from ``sure`` on it was (None: no answer)."""

    begin: float
    sure: float | None
    value: Any


@dataclass(frozen=True)
class Timeline:
    """Values one after another. ``before`` holds until the first of them."""

    before: Sequence[Any]
    items: Sequence[Known]

    def between(self, begin: float, end: float) -> list[Any]:
        """Every value that may have been in force at some moment between the two."""
        values = list(self.before)
        for item in self.items:
            if item.begin > end:
                continue
            if item.sure is not None and item.sure <= begin:
                values = []
            values.append(item.value)
        return values

    @property
    def all(self) -> list[Any]:
        return [*self.before, *(item.value for item in self.items)]


class Case:
    """One run to be judged."""

    def __init__(self, evidence: Evidence, tables: Tables, calls: Sequence[Call], events: EventLog) -> None:
        self.evidence = evidence
        self.tolerance = evidence.tolerance
        self.tables = tables
        self.events = events
        self.all_calls = calls
        chosen = evidence.campaigns
        self.campaigns: Mapping[int, Row] = {
            key: row for key, row in tables.campaigns.items() if chosen is None or key in chosen
        }
        self.attempts = [a for a in tables.attempts.values() if a.campaign_id in self.campaigns]
        self.contacts = [c for c in tables.contacts.values() if c.campaign_id in self.campaigns]
        #: Calls of the judged campaigns, in the order of their INVITEs.
        self.calls = [call for call in calls if self.is_judged(call)]
        self._told: dict[int, list[Acknowledged]] = defaultdict(list)
        for item in evidence.acknowledged:
            self._told[item.id].append(item)
        self._timelines: dict[tuple[object, ...], Timeline] = {}
        in_order = sorted(evidence.faults, key=lambda fault: fault.time)
        self._clocks = [fault for fault in in_order if fault.kind == "clock"]
        self._deaths = [f for f in in_order if f.kind == "kill" and f.target in ("pbx", "carrier")]
        self.pbx_deaths = [fault for fault in self._deaths if fault.target == "pbx"]
        self._held_up = _merged(
            (f.time, f.end) for f in evidence.faults if (f.kind, f.target) in _HELD_UP and f.end > f.time
        )

    def is_judged(self, call: Call) -> bool:
        attempt = self.tables.attempts.get(call.uid)
        return attempt is not None and attempt.campaign_id in self.campaigns

    # ------------------------------------------------------------------ joins

    @cached_property
    def calls_of(self) -> dict[str, list[Call]]:
        """By the attempt's uid."""
        found: dict[str, list[Call]] = defaultdict(list)
        for call in self.calls:
            found[call.uid].append(call)
        return found

    @cached_property
    def attempts_of(self) -> dict[int, list[Attempt]]:
        """By the contact's id, the first attempt first."""
        found: dict[int, list[Attempt]] = defaultdict(list)
        for attempt in sorted(self.attempts, key=lambda attempt: (attempt.contact_id, attempt.number_of_attempt)):
            found[attempt.contact_id].append(attempt)
        return found

    def attempt(self, call: Call) -> Attempt:
        return self.tables.attempts[call.uid]

    def contact(self, attempt: Attempt) -> Contact | None:
        return self.tables.contacts.get(attempt.contact_id)

    def campaign(self, attempt: Attempt) -> Row:
        return self.tables.campaigns[attempt.campaign_id]

    # ------------------------------------------------------------------ faults

    def died_with(self, call: Call) -> Fault | None:
        """The kill that ended this call: of the PBX, which the carrier is not told, or of the carrier itself."""
        attempt = self.attempt(call)
        node = self._node_name(attempt)
        latest = self.tolerance.clock_s
        # The next PBX may place calls a third of a second after the kill of the last one.
        claimed = attempt.claimed if self.trusts_times_of(attempt) else 0.0
        for fault in self._deaths:
            up = call.invited <= fault.time + latest and call.end > fault.time and claimed <= fault.time + _SAME_CLOCK_S
            if up and (_hits(fault, node) if fault.target == "pbx" else call.ended is None):
                return fault
        return None

    def untold(self, call: Call) -> bool:
        """Whether the carrier died before it could say how this call went."""
        carrier = (fault for fault in self._deaths if fault.target == "carrier")
        return call.ended is None and any(call.invited <= fault.time for fault in carrier)

    def up_until(self, call: Call) -> float:
        """When the call ended for us: at the carrier, or with what was killed."""
        fault = self.died_with(call)
        return call.end if fault is None else max(call.invited, fault.time)

    def _node_name(self, attempt: Attempt) -> str:
        node = self.tables.nodes.get(attempt.node_id)
        return "" if node is None else str(node["name"])

    def pbx_deaths_of(self, attempt: Attempt) -> list[Fault]:
        """Kills of the PBX that this attempt went through."""
        name = self._node_name(attempt)
        return [fault for fault in self.pbx_deaths if _hits(fault, name)]

    def disturbed(self, call: Call, kinds: Iterable[str], target: str = "") -> bool:
        """Whether a fault of these kinds (on this target) touched the call."""
        slack = self.tolerance.clock_s
        wanted = frozenset(kinds)
        return any(
            fault.kind in wanted
            and fault.target in (target or fault.target,)
            and fault.overlaps(call.invited - slack, call.end + slack)
            for fault in self.evidence.faults
        )

    def thawed(self, attempt: Attempt, moment: float) -> float:
        """When its PBX, frozen at this moment, ran on: what it wrote down then, it did later. Else the moment."""
        name = self._node_name(attempt)
        freezes = (fault for fault in self.evidence.faults if (fault.kind, fault.target) == ("freeze", "pbx"))
        ends = [fault.end for fault in freezes if fault.time <= moment <= fault.end and _hits(fault, name)]
        return max(ends, default=moment)

    def trusts_times_of(self, attempt: Attempt) -> bool:
        """Whether the database's times of this attempt are those of the carrier's clock."""
        calls = self.calls_of.get(attempt.uid)
        if not self._clocks or not calls:
            return not self._clocks
        return not any(
            fault.overlaps(call.invited - _CLOCK_SETTLES_S, call.end + _CLOCK_SETTLES_S)
            for fault in self._clocks
            for call in calls
        )

    def shifts(self, begin: float, end: float) -> set[float]:
        """How far the dial worker's clock was off between the two."""
        return {fault.shift_s for fault in self._clocks if fault.overlaps(begin, end)}

    def reach_back(self, moment: float, allowance: float) -> float:
        """The earliest decision that could lead to an INVITE at ``moment``: time in which a part was frozen is free."""
        for begin, end in reversed(self._held_up):
            if begin >= moment:
                continue
            if moment - allowance >= end:
                break
            allowance -= max(0.0, moment - end)
            moment = begin
        return moment - allowance

    # ------------------------------------------------------------------ what was in force

    def limit(self, kind: str, key: int) -> Timeline:
        """The most calls of a campaign, a trunk or a node."""
        column = "channel_limit" if kind == "campaign" else "channels"
        rows = {"campaign": self.tables.campaigns, "trunk": self.tables.trunks, "node": self.tables.nodes}[kind]
        return self.setting(kind, key, column, rows[key][column])

    def setting(self, kind: str, key: int, column: str, stored: Any) -> Timeline:
        """A column's values over time; where nobody changed it, what the database has."""
        cached = self._timelines.get((kind, key, column))
        if cached is None:
            items = [_known(item, item.fields[column]) for item in self._of(_SET[kind], key) if column in item.fields]
            told_before = any(item.sure is not None and item.sure <= self._first_call for item in items)
            cached = Timeline([] if told_before else [stored], items)
            self._timelines[kind, key, column] = cached
        return cached

    @property
    def _first_call(self) -> float:
        return self.calls[0].invited if self.calls else float("inf")

    def unknown_before(self) -> list[tuple[str, int, str]]:
        """(kind, id, column) of settings that were changed, while nothing says what they were at the first call."""
        first = self._first_call
        found: set[tuple[str, int, str]] = set()
        for kind, kinds in _SET.items():
            for key in {item.id for item in self.evidence.acknowledged if item.kind in kinds}:
                told = self._of(kinds, key)
                sure = {name for item in told if item.time is not None and item.time <= first for name in item.fields}
                found |= {(kind, key, name) for item in told for name in item.fields if name in _JUDGED_BY - sure}
        return sorted(found)

    def running(self, campaign_id: int) -> Timeline:
        """Whether its users let it run."""
        cached = self._timelines.get(("running", campaign_id))
        if cached is None:
            told = self._of(tuple(_RUNNING), campaign_id)
            created = bool(told) and told[0].kind == CREATED
            cached = Timeline([] if created else [True], [_known(item, _RUNNING[item.kind]) for item in told])
            self._timelines["running", campaign_id] = cached
        return cached

    def windows(self, campaign_id: int) -> Timeline:
        """The campaign's calling windows, in their stored form."""
        stored = from_json(self.tables.campaigns[campaign_id]["windows"])
        return self.setting("campaign", campaign_id, "windows", stored)

    def may_dial(self, trunk: Row, contact: Contact) -> bool:
        """Whether the trunk's allowed prefixes let this number through."""
        prefixes = from_json(trunk["allowed_prefixes"]) or []
        return not prefixes or contact.number.startswith(tuple(prefixes))

    def states_told(self, campaign_id: int) -> list[Acknowledged]:
        """The starts, pauses, resumes and stops that the user asked for."""
        return [item for item in self._of(tuple(_RUNNING), campaign_id) if item.kind != CREATED]

    def _of(self, kinds: Sequence[str], key: int) -> list[Acknowledged]:
        return [item for item in self._told.get(key, ()) if item.kind in kinds]


#: Settings by which calls are judged at the moment they were made.
_JUDGED_BY = frozenset({"channel_limit", "channels", "windows", "timezone", "attempts"})
#: After a clock was moved back, rows with its times are still written for so long.
_CLOCK_SETTLES_S = 30.0
#: The rig and the dial worker read the same machine's clock.
_SAME_CLOCK_S = 0.1


def _merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans that touch become one; in order."""
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def _known(item: Acknowledged, value: Any) -> Known:
    return Known(item.begin, item.time, value)


def _hits(fault: Fault, node: str) -> bool:
    return not fault.node or fault.node == node


def name_of(attempt: Attempt) -> str:
    """How an attempt is named in a sentence."""
    return f"attempt {attempt.uid} (contact {attempt.contact_id}, campaign {attempt.campaign_id})"


def at(moment: float) -> str:
    """A moment in a sentence: seconds since 1970, to the millisecond."""
    return f"{moment:.3f}"


__all__ = ["Case", "Known", "Timeline", "at", "masked", "name_of"]
