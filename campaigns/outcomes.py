"""The other half of the hot SQL: close attempts with their outcome and move their contacts. Written once (I3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from campaigns import do_not_call
from campaigns.models import Attempt, AttemptStep, Campaign, Contact, FailedHandover
from campaigns.retry import Next, RetryPolicy, after, disposition_of, reached_by
from campaigns.states import CampaignState, ContactState, Disposition, ReachedBy
from campaigns.store import pause
from dialer import trunk_caps
from dialer.calls import CallResult, HandoverResult
from dialer.models import Trunk

#: So many different contacts in a row with congestion mean that the trunk itself is ill.
TRUNK_ILL_AFTER = 10

attempts = Attempt.__table__
contacts = Contact.__table__
steps = AttemptStep.__table__
failed_handovers = FailedHandover.__table__

# Built once: building a statement anew for each batch costs more than the database's own work on it.
_OPEN = (
    select(
        attempts.c.id,
        attempts.c.uid,
        attempts.c.contact_id,
        attempts.c.campaign_id,
        attempts.c.trunk_id,
        contacts.c.attempts.label("attempts_before"),
        contacts.c.tries,
        contacts.c.number,
        contacts.c.prompts,
    )
    .join(contacts, contacts.c.id == attempts.c.contact_id)
    .where(attempts.c.uid.in_(bindparam("uids", expanding=True)), attempts.c.open_for_contact > 0)
    .with_for_update()
)
_POLICIES = select(
    Campaign.id,
    Campaign.notification_s,
    Campaign.attempts,
    Campaign.retry_s,
    Campaign.retry_busy_s,
    Campaign.retry_no_answer_s,
    Campaign.retry_failed_s,
).where(Campaign.id.in_(bindparam("ids", expanding=True)))
_CLOSE = (
    update(attempts)
    .where(attempts.c.id == bindparam("b_id"), attempts.c.disposition.is_(None))
    .values(
        open_for_contact=None,
        disposition=bindparam("b_disposition"),
        counted=bindparam("b_counted"),
        sip_code=bindparam("b_sip"),
        cause=bindparam("b_cause"),
        answered_at=bindparam("b_answered"),
        ended_at=bindparam("b_ended"),
        listened_s=bindparam("b_listened"),
        detail=bindparam("b_detail"),
        reached_by=bindparam("b_reached_by"),
        machine=bindparam("b_machine"),
        machine_cause=bindparam("b_machine_cause"),
        handover=bindparam("b_handover"),
        handover_result=bindparam("b_handover_result"),
        waited_s=bindparam("b_waited"),
        talked_s=bindparam("b_talked"),
    )
)
_MOVE = (
    update(contacts)
    .where(contacts.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        state=bindparam("b_state"),
        due_at=bindparam("b_due"),
        attempts=contacts.c.attempts + bindparam("b_counted"),
        last_disposition=bindparam("b_last"),
    )
)
_TRUNK = select(Trunk.name, Trunk.congested).where(Trunk.id == bindparam("id"))
_TRUNK_LOCKED = _TRUNK.with_for_update()

#: These say nothing about the trunk: the call never came to it, or its end was not seen.
_SILENT = frozenset({Disposition.NOT_PLACED, Disposition.UNKNOWN})


@dataclass(frozen=True)
class _Closed:
    row: Any
    result: CallResult
    disposition: Disposition
    reached_by: ReachedBy | None
    next: Next


@dataclass(frozen=True)
class Recorded:
    """What this transaction wrote."""

    #: To be woken after the commit: channels of theirs are free.
    campaign_ids: set[int]
    #: Only the outcomes that are new, by the attempt's uid.
    dispositions: dict[str, str]


def record(session: Session, results: Sequence[CallResult], now: dt.datetime) -> Recorded:
    """Write these outcomes; one already written is left as it is."""
    by_uid = {result.uid: result for result in results}
    rows = session.execute(_OPEN, {"uids": list(by_uid)}).all()
    policies = _policies(session, {row.campaign_id for row in rows})
    closed = [_decide(row, by_uid[row.uid], policies[row.campaign_id], now) for row in rows]
    if closed:
        _close_attempts(session, closed, now)
        _move_contacts(session, closed)
        _watch_trunks(session, closed, now)
        _count_usage(session, closed, now)
        _write_steps(session, closed)
        _write_failed_handovers(session, closed)
        asked = {item.row.number: item.row.campaign_id for item in closed if item.result.opt_out}
        do_not_call.note(session, asked, now)
    return Recorded(
        {item.row.campaign_id for item in closed}, {item.row.uid: item.disposition.value for item in closed}
    )


def _policies(session: Session, campaign_ids: set[int]) -> dict[int, tuple[float, RetryPolicy]]:
    """Notification time and retry policy of each campaign; read without a lock, so that claims are not in the way."""
    rows = session.execute(_POLICIES, {"ids": list(campaign_ids)})
    return {row[0]: (row[1], RetryPolicy(*row[2:])) for row in rows}


def _decide(row: Any, result: CallResult, policy: tuple[float, RetryPolicy], now: dt.datetime) -> _Closed:
    notification_s, retry = policy
    prompts = row.prompts or {}
    if prompts.get("s"):  # what was typed while the words were read took its own time
        result = replace(result, listened_s=min(result.listened_s, float(prompts["s"])))
    disposition = disposition_of(result, notification_s, prompts.get("h"))
    by = reached_by(result, notification_s, prompts.get("h")) if disposition is Disposition.REACHED else None
    uncounted_before = max(0, row.tries - 1 - row.attempts_before)
    following = after(disposition, row.attempts_before, retry, now, uncounted_before)
    return _Closed(row, result, disposition, by, following)


def _close_attempts(session: Session, closed: Sequence[_Closed], now: dt.datetime) -> None:
    session.execute(
        _CLOSE,
        [
            {
                "b_id": item.row.id,
                "b_disposition": item.disposition,
                "b_counted": item.next.counted,
                "b_sip": item.result.sip_code,
                "b_cause": item.result.cause,
                "b_answered": item.result.answered_at,
                "b_ended": item.result.ended_at or now,
                "b_listened": round(item.result.listened_s, 3),
                "b_detail": item.result.detail[:300],
                "b_reached_by": item.reached_by or "",
                **_machine_of(item.result),
                **_handover_of(item.result),
            }
            for item in closed
        ],
    )


def _machine_of(result: CallResult) -> dict[str, Any]:
    machine = result.machine
    return {
        "b_machine": machine.status[:12] if machine else "",
        "b_machine_cause": machine.cause[:60] if machine else "",
    }


def _handover_of(result: CallResult) -> dict[str, Any]:
    handover = result.handover
    return {
        "b_handover": handover.to[:80] if handover else "",
        "b_handover_result": handover.result if handover else "",
        "b_waited": handover.waited_s if handover else None,
        "b_talked": handover.talked_s if handover else None,
    }


def _write_steps(session: Session, closed: Sequence[_Closed]) -> None:
    rows = [
        {
            "attempt_id": item.row.id,
            "position": position,
            "campaign_id": item.row.campaign_id,
            "step": step.step[:16],
            "result": step.result[:10],
            "name": step.name[:30],
            "value": step.value[:30],
        }
        for item in closed
        for position, step in enumerate(item.result.steps, 1)
    ]
    if rows:
        session.execute(insert(steps), rows)


def _write_failed_handovers(session: Session, closed: Sequence[_Closed]) -> None:
    rows = [
        {
            "attempt_id": item.row.id,
            "position": position,
            "campaign_id": item.row.campaign_id,
            "handover": handover.to[:80],
            "handover_result": handover.result,
            "waited_s": handover.waited_s,
        }
        for item in closed
        for position, handover in enumerate(item.result.handovers_before, 1)
    ]
    if rows:
        session.execute(insert(failed_handovers), rows)


def _move_contacts(session: Session, closed: Sequence[_Closed]) -> None:
    """Those with the same next step in one statement: a batch has few different ones."""
    alike: dict[tuple[Next, Disposition], list[int]] = {}
    for item in closed:
        alike.setdefault((item.next, item.disposition), []).append(item.row.contact_id)
    for (step, disposition), ids in alike.items():
        session.execute(
            _MOVE,
            {
                "ids": ids,
                "b_state": step.state,
                "b_due": step.due_at,
                "b_counted": int(step.counted),
                "b_last": disposition,
            },
        )


def _watch_trunks(session: Session, closed: Sequence[_Closed], now: dt.datetime) -> None:
    """Pause what dials through a trunk that failed, or that answered congestion to ten contacts in a row."""
    for trunk_id in {item.row.trunk_id for item in closed}:
        of_trunk = [item for item in closed if item.row.trunk_id == trunk_id]
        failed = [item for item in of_trunk if item.disposition is Disposition.TRUNK_FAILURE]
        if failed:
            campaigns = {item.row.campaign_id for item in failed}
            pause(session, campaigns, "trunk_failure", failed[-1].result.detail)
        if not _has_streak(session, trunk_id, of_trunk):
            continue
        trunk = session.execute(_TRUNK_LOCKED, {"id": trunk_id}).one()
        streak = _of_active(session, _streak(trunk.congested or [], of_trunk))
        if len({contact_id for _, contact_id in streak}) >= TRUNK_ILL_AFTER:
            _refund(session, streak, now)
            pause(session, _campaigns_of(session, streak), "trunk_congested", trunk.name)
            streak = []
        if streak != (trunk.congested or []):
            session.execute(update(Trunk).where(Trunk.id == trunk_id).values(congested=streak))


def _has_streak(session: Session, trunk_id: int, closed: Sequence[_Closed]) -> bool:
    """Whether there is anything to watch. Asked without the trunk's lock: a claim takes that one first and the
    attempts later, so holding attempts and waiting for the trunk, at each batch, was waiting in a circle.
    """
    congested = any(item.disposition is Disposition.CONGESTION for item in closed)
    return congested or bool(session.execute(_TRUNK, {"id": trunk_id}).one().congested)


def _count_usage(session: Session, closed: Sequence[_Closed], now: dt.datetime) -> None:
    """In the outcome's own transaction, with the trunks locked: what was said counts once."""
    used = [
        (item.row.trunk_id, item.result.answered_at, item.result.ended_at or now)
        for item in closed
        if item.result.answered_at is not None
    ]
    trunk_caps.add(session, used + [found for item in closed for found in _second_call(item, now)])


def _second_call(item: _Closed, now: dt.datetime) -> list[tuple[int, dt.datetime, dt.datetime]]:
    """A hand-over to a telephone number went through the same trunk."""
    handover, ended = item.result.handover, item.result.ended_at or now
    if handover is None or handover.result is not HandoverResult.TALKED or not handover.to.startswith("number:"):
        return []
    return [(item.row.trunk_id, ended - dt.timedelta(seconds=handover.talked_s), ended)]


def _streak(before: list[list[int]], closed: Sequence[_Closed]) -> list[list[int]]:
    streak = list(before)
    for item in closed:
        if item.disposition is Disposition.CONGESTION:
            streak.append([item.row.id, item.row.contact_id])
        elif item.disposition not in _SILENT:
            streak = []
    return streak


def _of_active(session: Session, streak: list[list[int]]) -> list[list[int]]:
    """Without the calls of campaigns that have ended: their results are final."""
    query = (
        select(attempts.c.id)
        .join(Campaign, Campaign.id == attempts.c.campaign_id)
        .where(attempts.c.id.in_([attempt_id for attempt_id, _ in streak]))
        .where(Campaign.state.in_([CampaignState.RUNNING, CampaignState.PAUSED]))
    )
    active = set(session.execute(query).scalars()) if streak else set()
    return [entry for entry in streak if entry[0] in active]


def _campaigns_of(session: Session, streak: list[list[int]]) -> set[int]:
    ids = [attempt_id for attempt_id, _ in streak]
    return set(session.execute(select(attempts.c.campaign_id).where(attempts.c.id.in_(ids))).scalars())


def _refund(session: Session, streak: list[list[int]], now: dt.datetime) -> None:
    """The trunk was ill, not the people: these attempts do not count, and who was given up is due again."""
    session.execute(
        update(attempts).where(attempts.c.id == bindparam("b_id"), attempts.c.counted).values(counted=False),
        [{"b_id": attempt_id} for attempt_id, _ in streak],
    )
    for _, contact_id in streak:
        session.execute(
            update(contacts)
            .where(contacts.c.id == contact_id, contacts.c.attempts > 0)
            .values(attempts=contacts.c.attempts - 1)
        )
    session.execute(
        update(contacts)
        .where(
            contacts.c.id.in_([contact_id for _, contact_id in streak]),
            contacts.c.state == ContactState.NOT_REACHED,
            contacts.c.last_disposition == Disposition.CONGESTION,
        )
        .values(state=ContactState.PENDING, due_at=now)
    )
