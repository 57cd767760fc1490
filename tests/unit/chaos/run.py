"""A small run of the product, made by hand and without fault: what it would have left behind, to be tampered with."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.oracle import Acknowledged, Evidence, Fault

#: 13:00 in Moscow, on a Friday.
T0 = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC).timestamp()
WINDOWS = {"weekly": [{"days": [0, 1, 2, 3, 4], "from": "09:00", "to": "21:00"}], "exceptions": []}
HEARD_S, SOUND_S, RING_S, RETRY_S = 2.5, 3.0, 4, 5

#: What the carrier and the PBX make of each outcome: (connected seconds or None, seconds until the end).
SHAPES = {
    "reached": (SOUND_S, 1 + SOUND_S),
    "answered_not_heard": (2.0, 2.0),
    "busy": (None, 0.01),
    "invalid_number": (None, 0.01),
    "declined": (None, 0.3),
    "congestion": (None, 0.01),
    "unavailable": (None, 0.01),
    "no_answer": (None, float(RING_S)),
}
UNCOUNTED = ("not_placed", "trunk_failure")
SIP_CODES = {"busy": 486, "invalid_number": 404, "declined": 603, "congestion": 503, "unavailable": 480}
_NO_ROWS = {"rows": 0, "accepted": 0, "rejected": 0, "duplicates": 0}


def stored(moment: float | None) -> str | None:
    """As SQLite holds it."""
    if moment is None:
        return None
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


@dataclass
class Run:
    """Rows, lines and words, all open to change."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    carrier: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    expected: dict[int, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    # ------------------------------------------------------------------ making

    def contact(self, number: str, campaign: int = 1, **more: Any) -> int:
        """A contact that nobody has called; its id."""
        rows = self.tables["contact"]
        key = len(rows) + 1
        row = {"id": key, "campaign_id": campaign, "base_id": campaign, "number": number, "timezone": None}
        row |= {"state": "pending", "attempts": 0, "tries": 0, "due_at": stored(T0), "last_disposition": None}
        rows.append(row | more)
        for column in ("accepted", "rows"):
            self.base(campaign)[column] += 1
        self.expected[campaign] = self.expected.get(campaign, frozenset()) | {number}
        return key

    def call(self, contact: int, time: float, outcome: str, until: float | None = None, **more: Any) -> str:
        """An attempt, claimed ``time`` seconds after T0, and everything that it leaves behind; its uid.

        :param until: for unknown: when its end was decided.
        """
        row, at = self.of_contact(contact), T0 + time
        uid = f"{len(self.tables['attempt']) + 1:020x}"
        connected, lasts = SHAPES.get(outcome, (None, 0.0))
        end = at + 0.05 + lasts if until is None else T0 + until
        attempt = {"id": len(self.tables["attempt"]) + 1, "uid": uid, "campaign_id": row["campaign_id"]}
        attempt |= {"contact_id": contact, "open_for_contact": None, "number_of_attempt": row["tries"] + 1}
        attempt |= {"trunk_id": 1, "node_id": 1, "claimed_at": stored(at), "ended_at": stored(end)}
        attempt |= {"disposition": outcome, "counted": int(outcome not in UNCOUNTED), "listened_s": connected or 0.0}
        attempt["sip_code"] = SIP_CODES.get(outcome, 200 if connected else None)
        self.tables["attempt"].append(attempt | more)
        row["tries"] += 1
        row["attempts"] += attempt["counted"]
        row |= {"last_disposition": outcome, "due_at": None, "state": self._state(row, outcome)}
        self.event("calls_claimed", at + 0.01, campaign=row["campaign_id"], attempts=[uid])
        if outcome not in UNCOUNTED:
            self.event("calls_sent", at + 0.02, attempts=[uid])
            self._carried(uid, row["number"], at + 0.05, connected, None if outcome == "unknown" else end + 0.01)
        self.event("outcomes_recorded", end + 0.1, outcomes={uid: outcome})
        return uid

    def _state(self, row: dict[str, Any], outcome: str) -> str:
        if outcome in ("reached", "unknown"):
            return outcome
        given_up = outcome == "invalid_number" or row["attempts"] >= self.of("campaign", 1)["attempts"]
        return "not_reached" if given_up else "pending"

    def _carried(self, uid: str, number: str, at: float, connected: float | None, end: float | None) -> None:
        key = f"carrier-{len(self.carrier)}"
        self.carrier.append({"event": "invite", "call": key, "time": at, "number": number, "uid": uid})
        if end is not None:
            answered = None if connected is None else end - connected
            line = {"event": "end", "call": key, "time": end, "uid": uid, "answered": answered}
            self.carrier.append({**line, "keys": "", "recording": ""})

    def event(self, name: str, at: float, **more: Any) -> None:
        """A line of the dial worker's log."""
        self.events.append({"event": name, "timestamp": stored(at), "logger": "campaigns.dial_loop", **more})

    def second_campaign(self) -> None:
        """Campaign 2, on the same trunk, without contacts."""
        self.tables["campaign"].append(_campaign(2))
        self.tables["base"].append({**self.base(1), "id": 2, "campaign_id": 2, **_NO_ROWS})

    # ------------------------------------------------------------------ finding

    def of(self, table: str, key: int) -> dict[str, Any]:
        return next(row for row in self.tables[table] if row["id"] == key)

    def base(self, key: int) -> dict[str, Any]:
        return self.of("base", key)

    def of_contact(self, key: int) -> dict[str, Any]:
        return self.of("contact", key)

    def attempts(self, outcome: str) -> list[dict[str, Any]]:
        """Attempts with this disposition."""
        return [row for row in self.tables["attempt"] if row["disposition"] == outcome]

    def first(self, outcome: str) -> dict[str, Any]:
        return self.attempts(outcome)[0]

    def invite(self, uid: str) -> dict[str, Any]:
        return next(line for line in self.carrier if line["uid"] == uid and line["event"] == "invite")

    def end(self, uid: str) -> dict[str, Any]:
        return next(line for line in self.carrier if line["uid"] == uid and line["event"] == "end")

    # ------------------------------------------------------------------ judging

    def evidence(self, folder: Path) -> Evidence:
        """Written down as files, with everything sorted as it would have happened."""
        folder.mkdir(parents=True, exist_ok=True)
        address = self._database(folder / "tables.sqlite3")
        (folder / "calls.jsonl").write_text(_lines(self.carrier))
        (folder / "dial.log").write_text(_lines(self.events))
        return Evidence(
            database=address,
            carrier_logs=(folder / "calls.jsonl",),
            event_logs=(folder / "dial.log",) if self.events else (),
            faults=tuple(self.faults),
            acknowledged=tuple(self.acknowledged),
            expected=self.expected,
            **self.options,
        )

    def _database(self, path: Path) -> str:
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        for name, rows in self.tables.items():
            connection.execute(f"CREATE TABLE {name} ({', '.join(rows[0])})")
            holes = ", ".join("?" * len(rows[0]))
            connection.executemany(
                f"INSERT INTO {name} VALUES ({holes})", [tuple(map(_value, row.values())) for row in rows]
            )
        connection.commit()
        connection.close()
        return f"sqlite:///{path}"


def _value(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def _lines(entries: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def _campaign(key: int) -> dict[str, Any]:
    row = {"id": key, "name": f"Debts {key}", "state": "finished", "state_code": "", "trunk_id": 1, "ring_s": RING_S}
    row |= {"timezone": "Europe/Moscow", "channel_limit": 3, "attempts": 2, "notification_s": HEARD_S}
    row |= {"retry_s": RETRY_S, "retry_busy_s": None, "retry_no_answer_s": None, "retry_failed_s": None}
    return row | {"windows": WINDOWS, "sound_s": SOUND_S, "started_at": stored(T0)}


def clean() -> Run:
    """A run with every outcome, a kill of the dial worker, one of the PBX, and a pause; no promise is broken.

    Contacts: 1 reached · 2 busy twice · 3 no such number · 4 busy, then reached · 5 hangs up early twice ·
    6 rings twice in vain · 7 unknown · 8 not placed, then reached · 9 declined · 10 a full carrier.
    """
    run = Run()
    run.tables = {
        "campaign": [_campaign(1)],
        "base": [{"id": 1, "campaign_id": 1, "filename": "a.csv", "comment": "", "state": "ready", **_NO_ROWS}],
        "trunk": [{"id": 1, "name": "rehearsal", "channels": 3, "number_prefix": "", "allowed_prefixes": ["79"]}],
        "node": [{"id": 1, "name": "pbx1", "channels": 3}],
        "contact": [],
        "attempt": [],
    }
    for tail in (16, 1, 3, 11, 6, 2, 17, 18, 4, 5):
        run.contact(f"790055501{tail:02d}")
    for contact, time, outcome in (
        (1, 0.0, "reached"),
        (2, 0.1, "busy"),
        (3, 0.2, "invalid_number"),
        (4, 0.3, "busy"),
        (5, 1.0, "answered_not_heard"),
        (6, 2.6, "no_answer"),
        (8, 4.5, "not_placed"),
        (2, 6.0, "busy"),
        (4, 7.0, "reached"),
        (5, 8.5, "answered_not_heard"),
        (8, 12.0, "reached"),
        (9, 12.5, "declined"),
        (10, 13.0, "congestion"),
        (6, 14.0, "no_answer"),
    ):
        run.call(contact, time, outcome)
    run.call(7, 20.0, "unknown", until=26.0)
    run.call(9, 40.0, "declined")
    run.call(10, 41.0, "congestion")
    run.faults = [Fault(T0 + 6.5, "kill", "dial"), Fault(T0 + 21.0, "kill", "pbx")]
    told = {"channel_limit": 3, "attempts": 2, "windows": WINDOWS, "timezone": "Europe/Moscow"}
    run.acknowledged = [
        Acknowledged(T0 - 19, "campaign_created", 1, {**told, "name": "Debts 1"}, asked=T0 - 20),
        Acknowledged(T0 - 9, "base_uploaded", 1, {"campaign_id": 1, "filename": "a.csv"}, asked=T0 - 10),
        Acknowledged(T0 - 0.5, "started", 1, {}, asked=T0 - 1),
        Acknowledged(T0 + 30.1, "paused", 1, {}, asked=T0 + 30),
        Acknowledged(T0 + 39.1, "resumed", 1, {}, asked=T0 + 39),
    ]
    return run
