"""When is something an alarm, and what becomes of one that was seen before? Pure: facts in, decisions out.

A condition must last ``raise_s`` before anybody is told, and be gone for ``clear_s`` before that is told too;
conditions with a threshold have a second one for the way back. So nothing flutters.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ops.facts import Facts


class Severity(StrEnum):
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Finding:
    """A condition that holds now."""

    code: str
    subject: str
    severity: Severity
    words: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.code}:{self.subject}"


@dataclass(frozen=True)
class Hold:
    """Seconds that a condition must last, and be gone."""

    raise_s: float = 0
    clear_s: float = 20


HOLDS: Mapping[str, Hold] = {
    "pbx_away": Hold(15, 10),
    "node_problem": Hold(15, 15),
    "dial_silent": Hold(0, 10),
    "jobs_silent": Hold(0, 10),
    "beat_silent": Hold(0, 10),
    "broker_away": Hold(15, 15),
    "queue_growing": Hold(60, 30),
    "disk_low": Hold(0, 60),
    "disk_full": Hold(0, 60),
    "trunk_unreachable": Hold(45, 30),
    "trunk_not_registered": Hold(60, 30),
    "folder_unwritable": Hold(0, 15),
    "journal_not_emptied": Hold(30, 15),
    "clock_skew": Hold(30, 60),
}
DEFAULT_HOLD = Hold()

SILENT_S = 35.0
JOBS_SILENT_S = 60.0
QUEUE_LONG, QUEUE_SHORT = 100, 20
LOW, LOW_OVER = 0.10, 0.12
FULL, FULL_OVER = 0.02, 0.03
JOURNAL_OLD_S = 60.0
#: A jump of the clock is over, but somebody should know: the alarm stands for a quarter of an hour.
JUMP_SHOWN_S = 900.0
SKEW_S = 5.0
#: Nobody is told of the same alarm more often.
REMIND = dt.timedelta(hours=1)


def findings(facts: Facts, open_keys: Collection[str] = ()) -> list[Finding]:
    """Every condition that holds; ``open_keys`` are the alarms that stand already."""
    found: list[Finding] = []
    for rule in (_nodes, _workers, _broker, _disks, _trunks, _campaigns, _folders, _backup, _journals, _clocks):
        found += rule(facts, open_keys)
    return list({finding.key: finding for finding in found}.values())


def _age(facts: Facts, moment: dt.datetime) -> float:
    return (facts.now - moment).total_seconds()


def _nodes(facts: Facts, _open: Collection[str]) -> Iterator[Finding]:
    for node in facts.nodes:
        if node.running_campaigns and not node.connected and not node.draining:
            yield Finding("pbx_away", node.name, Severity.CRITICAL, {"campaigns": node.running_campaigns})
        if node.problem and node.running_campaigns:
            words = {"code": node.problem, "detail": node.problem_detail}
            yield Finding("node_problem", node.name, Severity.WARNING, words)


def _workers(facts: Facts, _open: Collection[str]) -> Iterator[Finding]:
    """Who gave signs of life once and does not any more. The dial worker of each node; any one of jobs and beat."""
    nodes = {node.name for node in facts.nodes if not node.draining}
    for sign in facts.signs:
        if sign.role == "dial" and sign.name.removeprefix("dial.") in nodes and _age(facts, sign.seen_at) > SILENT_S:
            yield Finding("dial_silent", sign.name.removeprefix("dial."), Severity.CRITICAL, _since(sign.seen_at))
    beat = facts.sign("beat")
    if beat is not None and _age(facts, beat.seen_at) > SILENT_S:
        yield Finding("beat_silent", "", Severity.CRITICAL, _since(beat.seen_at))
    jobs = facts.sign("jobs")
    if jobs is not None and facts.broker.reachable and _age(facts, jobs.seen_at) > JOBS_SILENT_S:
        yield Finding("jobs_silent", "", Severity.CRITICAL, _since(jobs.seen_at))


def _since(moment: dt.datetime) -> dict[str, Any]:
    return {"since": moment.isoformat()}


def _broker(facts: Facts, open_keys: Collection[str]) -> Iterator[Finding]:
    if not facts.broker.reachable:
        yield Finding("broker_away", "", Severity.CRITICAL, {"error": facts.broker.error})
    for queue, length in facts.broker.lengths.items():
        least = QUEUE_SHORT if f"queue_growing:{queue}" in open_keys else QUEUE_LONG
        if length >= least:
            yield Finding("queue_growing", queue, Severity.WARNING, {"length": length})


def _disks(facts: Facts, open_keys: Collection[str]) -> Iterator[Finding]:
    for disk in facts.disks:
        words = {"path": disk.path, "free_mb": disk.free // 1_000_000, "percent": f"{disk.part_free * 100:.1f} %"}
        full = FULL_OVER if f"disk_full:{disk.subject}" in open_keys else FULL
        low = LOW_OVER if f"disk_low:{disk.subject}" in open_keys else LOW
        if disk.part_free < full:
            yield Finding("disk_full", disk.subject, Severity.CRITICAL, words)
        elif disk.part_free < low:
            yield Finding("disk_low", disk.subject, Severity.WARNING, words)


def _trunks(facts: Facts, _open: Collection[str]) -> Iterator[Finding]:
    for trunk in facts.trunks:
        if not trunk.enabled:
            continue
        words = {"title": trunk.title, "node": trunk.node}
        seen_from = f"{trunk.name}@{trunk.node}"
        if trunk.reachable is False:
            yield Finding("trunk_unreachable", seen_from, Severity.CRITICAL, words)
        if trunk.must_register and trunk.registration not in ("", "Registered"):
            words = {**words, "state": trunk.registration}
            yield Finding("trunk_not_registered", seen_from, Severity.CRITICAL, words)


def _campaigns(facts: Facts, _open: Collection[str]) -> Iterator[Finding]:
    for item in facts.unknown:
        yield Finding("unknown_waiting", str(item.id), Severity.WARNING, {"campaign": item.name, "count": item.count})
    for item in facts.paused:
        words = {"campaign": item.name, "code": item.code, "detail": item.detail}
        yield Finding("campaign_paused", str(item.id), Severity.WARNING, words)


def _folders(facts: Facts, _open: Collection[str]) -> Iterator[Finding]:
    for folder in facts.folders:
        if folder.error:
            words = {"path": folder.path, "error": folder.error}
            yield Finding("folder_unwritable", folder.subject, Severity.CRITICAL, words)


def _backup(facts: Facts, _open: Collection[str]) -> Iterator[Finding]:
    if facts.backup_at is not None and _age(facts, facts.backup_at) > facts.backup_every_h * 3600:
        yield Finding("backup_old", "", Severity.WARNING, {"since": facts.backup_at.isoformat()})


def _journals(facts: Facts, _open: Collection[str]) -> Iterator[Finding]:
    for sign in facts.signs:
        oldest = sign.facts.get("journal_oldest")
        if sign.role == "dial" and oldest is not None and sign.seen_at.timestamp() - float(oldest) > JOURNAL_OLD_S:
            words = {"entries": sign.facts.get("journal", 0)}
            yield Finding("journal_not_emptied", sign.name.removeprefix("dial."), Severity.WARNING, words)


def _clocks(facts: Facts, _open: Collection[str]) -> Iterator[Finding]:
    for sign in facts.signs:
        jump = sign.facts.get("clock_jump")
        if jump and abs(facts.now.timestamp() - float(jump["at"])) < JUMP_SHOWN_S:
            yield Finding("clock_jump", sign.host, Severity.WARNING, {"seconds": jump["seconds"]})
    if abs(facts.database_skew_s) > SKEW_S:
        yield Finding("clock_skew", "database", Severity.WARNING, {"seconds": round(facts.database_skew_s, 1)})


@dataclass(frozen=True)
class Standing:
    """An alarm that is not ended, as it is stored."""

    key: str
    code: str
    since: dt.datetime
    severity: str = ""
    raised_at: dt.datetime | None = None
    gone_since: dt.datetime | None = None
    acknowledged: bool = False
    notified_at: dt.datetime | None = None


class Do(StrEnum):
    """What to do with an alarm now."""

    OPEN = "open"  # seen for the first time
    KEEP = "keep"  # still there: renew its words
    RAISE = "raise"  # it has lasted: tell
    REMIND = "remind"  # told an hour ago and nobody took it: tell again
    FADE = "fade"  # not there now
    FORGET = "forget"  # gone before anybody was told
    END = "end"  # gone for long enough: tell


@dataclass(frozen=True)
class Decision:
    """One step of one alarm."""

    do: Do
    key: str
    finding: Finding | None = None


def decide(found: Sequence[Finding], standing: Iterable[Standing], now: dt.datetime) -> list[Decision]:
    """What to do with each alarm, known or new."""
    known = {alarm.key: alarm for alarm in standing}
    decisions = []
    for finding in found:
        before = known.pop(finding.key, None)
        decisions.append(Decision(_of_finding(finding, before, now), finding.key, finding))
    decisions += [Decision(_of_absent(alarm, now), alarm.key) for alarm in known.values()]
    return decisions


def _of_finding(finding: Finding, before: Standing | None, now: dt.datetime) -> Do:
    hold = HOLDS.get(finding.code, DEFAULT_HOLD)
    if before is None:
        return Do.RAISE if hold.raise_s == 0 else Do.OPEN
    if before.raised_at is None:
        # abs: since a clock was set back, what began before it lies ahead.
        return Do.RAISE if abs((now - before.since).total_seconds()) >= hold.raise_s else Do.KEEP
    told = before.notified_at or before.raised_at
    return Do.REMIND if not before.acknowledged and now - told >= REMIND else Do.KEEP


def _of_absent(alarm: Standing, now: dt.datetime) -> Do:
    if alarm.raised_at is None:
        return Do.FORGET
    gone = alarm.gone_since
    hold = HOLDS.get(alarm.code, DEFAULT_HOLD)
    return Do.END if gone is not None and abs((now - gone).total_seconds()) >= hold.clear_s else Do.FADE
