"""Alarms as they are stored: evaluated from facts, one evaluator at a time, listed, acknowledged."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence

import structlog
from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from config import audit, database, metrics
from config.database import utcnow
from config.i18n import N_
from config.settings import Settings
from ops import alarm_rules, delivery, look, signs, store
from ops.alarm_rules import Decision, Do, Finding, Standing
from ops.errors import OpsError
from ops.facts import Facts
from ops.models import Alarm, AlarmNotice

log = structlog.get_logger(__name__)

#: A little less than beat's period, so that each tick finds its turn.
TURN = dt.timedelta(seconds=12)
KEPT = dt.timedelta(days=30)


def evaluate(settings: Settings) -> bool:
    """Look at everything and raise, renew or end alarms. :returns: False when it was not this caller's turn."""
    if not store.take_turn(TURN, signs.host()):
        return False
    facts = look.gather(settings)
    apply(facts)
    metrics.evaluations.inc()
    return True


def apply(facts: Facts) -> list[Decision]:
    """Bring the stored alarms in line with these facts, in one transaction."""
    channels = delivery.load(settings=None).channels()

    def work(session: Session) -> list[Decision]:
        # FOR UPDATE: two evaluators that overlap all the same go one after another.
        rows = session.scalars(select(Alarm).where(Alarm.ended_at.is_(None)).with_for_update()).all()
        by_key = {row.open_key or "": row for row in rows}
        found = alarm_rules.findings(facts, by_key.keys())
        decisions = alarm_rules.decide(found, [_standing(row) for row in rows], facts.now)
        for decision in decisions:
            _carry_out(session, by_key.get(decision.key), decision, facts.now, channels)
        session.execute(delete(Alarm).where(Alarm.ended_at < facts.now - KEPT))
        return decisions

    decisions = database.write(work)
    for decision in decisions:
        if decision.do in (Do.RAISE, Do.END):
            log.warning("alarm", alarm=decision.key, done=str(decision.do))
    return decisions


def _standing(row: Alarm) -> Standing:
    return Standing(
        row.open_key or "",
        row.code,
        row.since,
        row.severity,
        row.raised_at,
        row.gone_since,
        row.acknowledged_at is not None,
        row.notified_at,
    )


def _carry_out(
    session: Session, row: Alarm | None, decision: Decision, now: dt.datetime, channels: Sequence[str]
) -> None:
    if decision.finding is not None:
        row = _seen(session, row, decision.finding, now)
    assert row is not None
    if decision.do is Do.RAISE:
        row.raised_at = now
        row.notified_at = _told_lately(session, row, now)
        if row.notified_at is None:
            _notify(session, row, "raised", now, channels)
    elif decision.do is Do.REMIND:
        _notify(session, row, "raised", now, channels)
    elif decision.do is Do.FORGET:
        session.delete(row)
    elif decision.do is Do.FADE:
        row.gone_since = row.gone_since or now
    elif decision.do is Do.END:
        row.ended_at, row.open_key = now, None
        if session.scalar(select(exists().where(AlarmNotice.alarm_id == row.id))):
            _notify(session, row, "cleared", now, channels)


def _seen(session: Session, row: Alarm | None, finding: Finding, now: dt.datetime) -> Alarm:
    if row is None:
        row = Alarm(code=finding.code, subject=finding.subject, open_key=finding.key, since=now, severity="")
        session.add(row)
    row.severity, row.words, row.gone_since = finding.severity, finding.words, None
    session.flush()
    return row


def _told_lately(session: Session, row: Alarm, now: dt.datetime) -> dt.datetime | None:
    """When the same alarm was told within the hour: one that comes and goes is not told each time."""
    before = select(Alarm.notified_at).where(
        Alarm.code == row.code,
        Alarm.subject == row.subject,
        Alarm.id != row.id,
        Alarm.notified_at > now - alarm_rules.REMIND,
    )
    return session.scalars(before.order_by(Alarm.id.desc()).limit(1)).first()


def _notify(session: Session, row: Alarm, kind: str, now: dt.datetime, channels: Sequence[str]) -> None:
    if kind == "raised":
        row.notified_at = now
    for channel in channels:
        session.add(
            AlarmNotice(
                uid=secrets.token_hex(16), alarm_id=row.id, channel=channel, kind=kind, created_at=now, due_at=now
            )
        )


def standing() -> list[Alarm]:
    """Alarms that somebody must look at, the worst first."""
    with database.read() as session:
        rows = session.scalars(
            select(Alarm).where(Alarm.ended_at.is_(None), Alarm.raised_at.is_not(None)).order_by(Alarm.raised_at.desc())
        ).all()
    return sorted(rows, key=lambda row: (row.acknowledged_at is not None, row.severity != "critical"))


def recent(limit: int = 20) -> list[Alarm]:
    """Alarms that are over, the youngest first."""
    with database.read() as session:
        query = select(Alarm).where(Alarm.ended_at.is_not(None)).order_by(Alarm.ended_at.desc(), Alarm.id.desc())
        return list(session.scalars(query.limit(limit)))


def acknowledge(alarm_id: int, by: str) -> None:
    """Somebody takes care of it: no reminders any more. It ends when its cause is gone.

    :raises OpsError: alarm_missing.
    """

    def work(session: Session) -> int:
        taken = (
            update(Alarm)
            .where(Alarm.id == alarm_id, Alarm.ended_at.is_(None))
            .values(acknowledged_by=by[:100], acknowledged_at=utcnow())
        )
        count = int(session.execute(taken).rowcount)  # type: ignore[attr-defined]
        if count:
            audit.append(session, "alarm_taken", "alarm", alarm_id)
        return count

    if not database.write(work):
        raise OpsError("alarm_missing", N_("There is no such alarm, or it is over."), status=404)
