"""What the oracle judges by, and how it is described in a folder (``evidence.json``).

Times are seconds since 1970 by a clock that no fault moves. Files of JSON lines:

``faults.jsonl``: ``{"time": 1.5, "kind": "kill", "target": "dial", "until": null}``, fields as in :class:`Fault`;
``acknowledged.jsonl``: ``{"asked": 1.0, "time": 1.2, "kind": "paused", "id": 1, "fields": {}}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

#: File names inside a folder of evidence.
DESCRIPTION = "evidence.json"
FAULTS = "faults.jsonl"
ACKNOWLEDGED = "acknowledged.jsonl"


@dataclass(frozen=True)
class Fault:
    """What the rig did.

    ``kind``: kill, freeze, ami_cut, ami_delay, ami_duplicate, ami_drop, ami_split, celery_five_times, redis_empty,
    redis_away, disk_full, clock, crash_point, …; ``target``: web, jobs, dial, beat, redis, database, pbx, ami, ….
    ``until``: its end, None for what takes no time (a kill). ``node``: the node whose ``pbx`` or ``dial`` it hit, empty
    where there is one node only. ``shift_s``: by how much a ``clock`` fault moved the clock of ``target``.
    """

    time: float
    kind: str
    target: str = ""
    detail: str = ""
    until: float | None = None
    node: str = ""
    shift_s: float = 0.0

    @property
    def end(self) -> float:
        return self.time if self.until is None else self.until

    def overlaps(self, begin: float, end: float) -> bool:
        """Whether it had any effect between these two moments."""
        return self.time <= end and self.end >= begin

    def __str__(self) -> str:
        return f"{self.kind} {self.target} at {self.time:.3f}"


#: Kinds of :class:`Acknowledged`.
CREATED, CHANGED, STARTED, PAUSED, RESUMED, STOPPED, UPLOADED = (
    "campaign_created",
    "campaign_changed",
    "started",
    "paused",
    "resumed",
    "stopped",
    "base_uploaded",
)
#: Limits that were changed while it ran; ``fields`` holds ``channels``.
TRUNK_CHANGED, NODE_CHANGED = "trunk_changed", "node_changed"
KINDS = frozenset({CREATED, CHANGED, STARTED, PAUSED, RESUMED, STOPPED, UPLOADED, TRUNK_CHANGED, NODE_CHANGED})


@dataclass(frozen=True)
class Acknowledged:
    """What a user asked for and was told.

    ``time``: when the product said yes; None when no answer came (then it may or may not be in force).
    ``asked``: when the request went out. ``id``: of the campaign, base, trunk or node (0 when no answer told it).
    ``fields``: names and values as the database's columns have them; only what must be found there afterwards.
    """

    time: float | None
    kind: str
    id: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    asked: float | None = None

    @property
    def begin(self) -> float:
        """The earliest moment from which it may have been in force."""
        return self.asked if self.asked is not None else self.time if self.time is not None else 0.0


@dataclass(frozen=True)
class Tolerance:
    """Seconds that are forgiven, each for one reason."""

    #: Two clocks' readings of one moment, on a machine that is busy.
    clock_s: float = 0.5
    #: From the decision to the INVITE; also from Stop or a closing window to the last INVITE (safety.md).
    place_s: float = 1.0
    #: From a claim to its INVITE where nothing was frozen: later the decision is too old to be acted upon.
    stale_s: float = 5.0
    #: Between what the carrier and the PBX call the length of the same call.
    listen_s: float = 1.5
    #: The carrier writes a call's end after its last message went out, later when the machine is busy.
    end_s: float = 0.3
    #: How much sooner than by ``retry_s`` a contact may be called again.
    retry_s: float = 0.5
    #: A call that ended so shortly before the PBX was killed may be unknown: AstDB is synced once a second.
    journal_s: float = 2.0
    #: How long after the PBX's death the dial worker may still claim for its old life.
    notice_s: float = 2.0


@dataclass(frozen=True)
class Evidence:
    """Where everything is that the oracle reads."""

    #: SQLAlchemy address, ``sqlite:////absolute/path`` or ``mysql+pymysql://…``.
    database: str
    #: The carriers' logs; the truth.
    carrier_logs: tuple[Path, ...]
    #: The dial workers' logs, rotated ones too, and what a :class:`chaos.oracle.Observer` saw meanwhile.
    event_logs: tuple[Path, ...] = ()
    faults: tuple[Fault, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()
    #: Campaign id -> its contacts' numbers (E.164 digits), or how many there must be.
    expected: Mapping[int, frozenset[str] | int] = field(default_factory=dict)
    #: Judge these campaigns only; None: all that the database has.
    campaigns: frozenset[int] | None = None
    #: Whether the carrier is the rehearsal carrier, whose callees act by the last two digits of their number.
    rehearsal: bool = True
    #: Whether calls go on after the message (a transfer), so that they may last longer than what was heard of it.
    longer_calls: bool = False
    tolerance: Tolerance = field(default_factory=Tolerance)


def read_folder(folder: Path) -> Evidence:
    """The evidence that :func:`describe` put down, or that was kept by ``oracle.keep``."""
    told = json.loads((folder / DESCRIPTION).read_text())
    database = told["database"]
    if "://" not in database:
        database = f"sqlite:///{(folder / database).resolve()}"
    return Evidence(
        database=database,
        carrier_logs=tuple(folder / name for name in told["carrier_logs"]),
        event_logs=tuple(folder / name for name in told.get("event_logs", ())),
        faults=read_faults(folder / FAULTS),
        acknowledged=read_acknowledged(folder / ACKNOWLEDGED),
        expected={int(key): _numbers(value) for key, value in told.get("expected", {}).items()},
        campaigns=None if told.get("campaigns") is None else frozenset(told["campaigns"]),
        rehearsal=told.get("rehearsal", True),
        longer_calls=told.get("longer_calls", False),
        tolerance=Tolerance(**told.get("tolerance", {})),
    )


def _numbers(value: Any) -> frozenset[str] | int:
    return value if isinstance(value, int) else frozenset(value)


def read_faults(path: Path) -> tuple[Fault, ...]:
    """A file of faults, oldest first; none when there is no file. One with a reason under ``missed`` never happened."""
    names = {item.name for item in fields(Fault)}
    done = (line for line in _lines(path) if not line.get("missed"))
    told = ({key: value for key, value in line.items() if key in names} for line in done)
    return tuple(sorted((Fault(**line) for line in told), key=lambda fault: fault.time))


def read_acknowledged(path: Path) -> tuple[Acknowledged, ...]:
    """A file of what users were told, in the order in which it was asked."""
    names = {item.name for item in fields(Acknowledged)}
    told = ({key: value for key, value in line.items() if key in names} for line in _lines(path))
    return tuple(sorted((Acknowledged(**line) for line in told), key=lambda item: item.begin))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()] if path.exists() else []


def write_faults(path: Path, faults: tuple[Fault, ...]) -> None:
    path.write_text("".join(json.dumps(asdict(fault)) + "\n" for fault in faults))


def write_acknowledged(path: Path, items: tuple[Acknowledged, ...]) -> None:
    told = ({**asdict(item), "fields": dict(item.fields)} for item in items)
    path.write_text("".join(json.dumps(line) + "\n" for line in told))
