"""I7: what was acknowledged is there, with its last acknowledged values; no call without its row."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from chaos.oracle.carrier import masked
from chaos.oracle.case import Case, at
from chaos.oracle.evidence import (
    CHANGED,
    CREATED,
    KINDS,
    NODE_CHANGED,
    PAUSED,
    RESUMED,
    STARTED,
    STOPPED,
    TRUNK_CHANGED,
    UPLOADED,
    Acknowledged,
)
from chaos.oracle.judgement import Breach
from chaos.oracle.tables import Row, from_json

_TABLE_OF = {CREATED: "campaign", CHANGED: "campaign", UPLOADED: "base", TRUNK_CHANGED: "trunk", NODE_CHANGED: "node"}
#: After the user's last word, the states in which the campaign may be. It pauses itself when its trunk is ill.
_STATES = {
    PAUSED: {"paused"},
    STOPPED: {"stopped"},
    STARTED: {"running", "finished", "paused"},
    RESUMED: {"running", "finished", "paused"},
}


def nothing_forgotten(case: Case) -> Iterator[Breach]:
    """I7."""
    yield from _calls_without_rows(case)
    yield from _rows_of_events(case)
    for item in case.evidence.acknowledged:
        if item.kind not in KINDS:
            yield Breach("E0", f"the evidence has an acknowledgement of an unknown kind: {item.kind}")
    yield from _values(case)
    yield from _states(case)


def _calls_without_rows(case: Case) -> Iterator[Breach]:
    for call in case.all_calls:
        if call.uid not in case.tables.attempts and (call.uid or case.evidence.rehearsal):
            who = f"{masked(call.number)} was called at {at(call.invited)} as attempt {call.uid or '?'}"
            yield Breach("I7", f"{who}, which the database does not know")


def _rows_of_events(case: Case) -> Iterator[Breach]:
    for uid in sorted(case.events.uids() - set(case.tables.attempts)):
        yield Breach("I7", f"the event log speaks of attempt {uid}, which the database does not know")
    for uid, campaigns in case.events.claimed.items():
        attempt = case.tables.attempts.get(uid)
        if attempt is not None and set(campaigns) != {attempt.campaign_id}:
            yield Breach("I7", f"attempt {uid} was claimed for campaign {campaigns[0]}, not {attempt.campaign_id}")


def _values(case: Case) -> Iterator[Breach]:
    """Each field: the last acknowledged value, or one that was asked for later and never answered."""
    told: dict[tuple[str, int], list[Acknowledged]] = defaultdict(list)
    for item in case.evidence.acknowledged:
        if item.kind in _TABLE_OF and item.id:
            told[_TABLE_OF[item.kind], item.id].append(item)
    tables: Mapping[str, Mapping[int, Row]] = {
        "campaign": case.tables.campaigns,
        "base": case.tables.bases,
        "trunk": case.tables.trunks,
        "node": case.tables.nodes,
    }
    for (table, key), items in sorted(told.items()):
        row = tables[table].get(key)
        sure = [item for item in items if item.time is not None]
        if row is not None:
            yield from _fields(f"{table} {key}", row, items)
        elif sure:
            yield Breach("I7", f"{table} {key}, acknowledged at {at(sure[0].begin)}, is gone")


def _fields(name: str, row: Row, items: list[Acknowledged]) -> Iterator[Breach]:
    for column in sorted({column for item in items for column in item.fields}):
        if column not in row:
            yield Breach("E0", f"the evidence names {column} of {name}, which is no column")
            continue
        allowed: list[Any] = []
        for item in items:
            if column in item.fields:
                allowed = [item.fields[column]] if item.time is not None else [*allowed, item.fields[column]]
        never_sure = all(item.time is None for item in items if column in item.fields)
        if not never_sure and not any(same(row[column], value) for value in allowed):
            found, wanted = masked(repr(row[column])), masked(repr(allowed[0]))
            yield Breach("I7", f"{column} of {name} is {found}, but {wanted} was acknowledged")


def same(stored: Any, value: Any) -> bool:
    """Whether a column holds this value, whatever the database made of its type."""
    if isinstance(value, dict | list):
        return bool(_plain(from_json(stored)) == _plain(value))
    if isinstance(value, bool) or (isinstance(value, int | float) and stored is not None):
        return stored is not None and abs(float(stored) - float(value)) < 1e-6
    if isinstance(stored, dt.datetime):
        return stored.isoformat(" ")[:19] == str(value).replace("T", " ")[:19]
    return bool(stored == value)


def _plain(value: Any) -> Any:
    """Calling windows as sets: days put together or apart, in any order, mean the same."""
    if isinstance(value, dict) and "weekly" in value:
        weekly = {(day, item["from"], item["to"]) for item in value["weekly"] for day in item["days"]}
        exceptions = {
            (item["date"], *sorted((w["from"], w["to"]) for w in item.get("windows", ())))
            for item in value.get("exceptions", ())
        }
        return weekly, exceptions
    return value


def _states(case: Case) -> Iterator[Breach]:
    for campaign_id, row in case.campaigns.items():
        told = [item for item in case.states_told(campaign_id)]
        if not told or told[-1].time is None:
            continue
        last = told[-1]
        if row["state"] not in _STATES[last.kind]:
            yield Breach("I7", f"campaign {campaign_id} is {row['state']}, but {last.kind} at {at(last.time or 0)}")
