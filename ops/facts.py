"""The state of the whole product at one moment, as plain values; gathered by :mod:`ops.look`."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class NodeFact:
    """One Asterisk node."""

    name: str
    connected: bool
    seen_at: dt.datetime | None
    boot: str = ""
    ringing: int = 0
    talking: int = 0
    channels: int = 0
    running_campaigns: int = 0
    draining: bool = False
    problem: str = ""  # why it claims nothing for a campaign: a code, and the words for its sentence
    problem_detail: str = ""


@dataclass(frozen=True)
class SignFact:
    """The last sign of life of a process."""

    name: str
    role: str
    host: str
    pid: int
    seen_at: dt.datetime
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrunkFact:
    """One trunk as one of its nodes sees it; None and empty: not known, or not asked."""

    name: str
    title: str
    node: str
    kind: str
    enabled: bool
    reachable: bool | None = None
    registration: str = ""
    must_register: bool = False
    open_calls: int = 0
    channels: int = 0


@dataclass(frozen=True)
class BrokerFact:
    """The broker, its queues (name -> messages) and the workers that answered a ping."""

    reachable: bool
    error: str = ""
    lengths: dict[str, int] = field(default_factory=dict)
    workers: tuple[str, ...] = ()


@dataclass(frozen=True)
class DiskFact:
    """The file system that holds something; bytes."""

    subject: str
    path: str
    total: int
    free: int

    @property
    def part_free(self) -> float:
        return self.free / self.total if self.total else 1.0


@dataclass(frozen=True)
class FolderFact:
    """A folder that must be writable; ``error`` is empty when it is."""

    subject: str
    path: str
    error: str = ""


@dataclass(frozen=True)
class CampaignFact:
    """A campaign that waits for somebody."""

    id: int
    name: str
    count: int = 0  # contacts in state unknown
    code: str = ""  # why the product paused it
    detail: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything that alarms and the system page look at."""

    now: dt.datetime
    nodes: tuple[NodeFact, ...] = ()
    signs: tuple[SignFact, ...] = ()
    trunks: tuple[TrunkFact, ...] = ()
    broker: BrokerFact = field(default_factory=lambda: BrokerFact(True))
    disks: tuple[DiskFact, ...] = ()
    folders: tuple[FolderFact, ...] = ()
    unknown: tuple[CampaignFact, ...] = ()
    paused: tuple[CampaignFact, ...] = ()
    #: When the last backup was made here; None: never.
    backup_at: dt.datetime | None = None
    backup_every_h: int = 48
    #: The database's clock minus ours; 0 for SQLite.
    database_skew_s: float = 0.0
    database_bytes: int = 0
    database_s: float = 0.0  # how long a small write took
    open_attempts: int = 0
    restored: dict[str, Any] = field(default_factory=dict)

    def sign(self, role: str) -> SignFact | None:
        """The youngest sign of life of this role."""
        return max((s for s in self.signs if s.role == role), key=lambda s: s.seen_at, default=None)
