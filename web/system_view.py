"""What the system page and the API show of the product's state; gathered at most every two seconds for all readers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _

from config.settings import Settings
from ops import alarm_rules, alarm_texts, alarms, delivery, look, notices, signs
from ops.delivery import Delivery
from ops.facts import Facts, SignFact
from ops.models import Alarm, AlarmNotice
from web import i18n

KEPT_S = 2.0
#: Roles whose processes are shown; others (the evaluator, the probe) are no processes.
ROLES = ("web", "jobs", "dial", "beat")


@dataclass(frozen=True)
class System:
    """Everything at one moment."""

    facts: Facts
    standing: list[Alarm]
    recent: list[Alarm]
    workers: list[tuple[SignFact, bool]]  # and whether it lives
    errors: dict[str, AlarmNotice]
    delivery: Delivery
    version: str = signs.VERSION


class Board:
    """Keeps the last picture for a moment, so that many readers cost one look."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[float, System] | None = None

    def look(self, settings: Settings) -> System:
        with self._lock:
            if self._kept is None or self._clock() - self._kept[0] > KEPT_S:
                self._kept = (self._clock(), _look(settings))
            return self._kept[1]

    def forget(self) -> None:
        """Whoever changed something wants to see it at once."""
        self._kept = None


def _look(settings: Settings) -> System:
    facts = look.gather(settings, ping=False)
    return System(
        facts,
        alarms.standing(),
        alarms.recent(),
        [(sign, lives(facts, sign)) for sign in facts.signs if sign.role in ROLES],
        notices.last_errors(),
        delivery.load(settings),
    )


def lives(facts: Facts, sign: SignFact) -> bool:
    """Whether its last sign of life is young enough."""
    limit = alarm_rules.JOBS_SILENT_S if sign.role == "jobs" else alarm_rules.SILENT_S
    return (facts.now - sign.seen_at).total_seconds() <= limit


def text(alarm: Alarm) -> alarm_texts.Text:
    """The alarm in the reader's language and the shown zone."""
    locale = str(get_locale() or "en")
    return alarm_texts.text_of(alarm.code, alarm.subject, alarm.words or {}, _, locale, i18n.zone_name(None))


def alarm_out(alarm: Alarm) -> dict[str, Any]:
    """One alarm as the API gives it."""
    words = text(alarm)
    return {
        "id": alarm.id,
        "code": alarm.code,
        "subject": alarm.subject,
        "severity": alarm.severity,
        "what": words.what,
        "todo": words.todo,
        "since": alarm.since,
        "ended_at": alarm.ended_at,
        "acknowledged_by": alarm.acknowledged_by,
        "acknowledged_at": alarm.acknowledged_at,
        "notified_at": alarm.notified_at,
    }


def system_out(system: System) -> dict[str, Any]:
    """The whole state as the API gives it."""
    facts = system.facts
    return {
        "version": system.version,
        "at": facts.now,
        "alarms": [alarm_out(alarm) for alarm in system.standing],
        "nodes": [{**vars(node), "reconciled_at": reconciled(facts, node.name)} for node in facts.nodes],
        "trunks": [vars(trunk) for trunk in facts.trunks],
        "workers": [
            {"name": sign.name, "role": sign.role, "host": sign.host, "alive": alive, "seen_at": sign.seen_at}
            for sign, alive in system.workers
        ],
        "broker": {"reachable": facts.broker.reachable, "error": facts.broker.error},
        "queues": [{"name": name, "messages": count} for name, count in sorted(facts.broker.lengths.items())],
        "disks": [{**vars(disk), "free_ratio": round(disk.part_free, 4)} for disk in facts.disks],
        "folders": [vars(folder) for folder in facts.folders],
        "database_bytes": facts.database_bytes,
        "open_attempts": facts.open_attempts,
        "unknown_contacts": sum(item.count for item in facts.unknown),
        "backup_at": facts.backup_at,
        "restored_from": facts.restored.get("backup_at"),
        "channels": system.delivery.channels(),
    }


def dial_facts(facts: Facts, node: str) -> dict[str, Any]:
    """What the dial worker of this node told with its last sign of life."""
    return next((sign.facts for sign in facts.signs if sign.name == f"dial.{node}"), {})


def reconciled(facts: Facts, node: str) -> Any:
    """When this node's open calls were last compared with its Asterisk after a gap, as UTC; None: not known."""
    seconds = dial_facts(facts, node).get("reconciled_at")
    return look.from_epoch(seconds)
