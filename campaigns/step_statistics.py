"""What callees did at the steps of a campaign's message, and what came of hand-overs: counted by the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, literal, select, union_all

from campaigns import report_words
from campaigns.message.blocks import MAIN
from campaigns.models import Attempt, AttemptStep, FailedHandover
from config import database


@dataclass(frozen=True, slots=True)
class StepCount:
    """So often this came of a step. ``value`` is that of an answer; numbers that were typed are counted together."""

    step: str
    result: str
    name: str
    value: str
    count: int


@dataclass(frozen=True, slots=True)
class HandoverCount:
    """So often a hand-over to this place ended so, with the mean seconds of waiting and talking."""

    to: str
    result: str
    count: int
    waited_s: float
    talked_s: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of one campaign."""

    steps: list[StepCount]
    handovers: list[HandoverCount]
    #: What made reached -> attempts.
    reached_by: dict[str, int]


def of_campaign(campaign_id: int) -> Statistics:
    """Count; on a campaign of a million attempts this takes about a second."""
    value = case((AttemptStep.value >= "a", AttemptStep.value), else_="")  # answers are words, typed numbers digits
    steps = (
        select(AttemptStep.step, AttemptStep.result, AttemptStep.name, value.label("value"), func.count())
        .where(AttemptStep.campaign_id == campaign_id)
        .group_by(AttemptStep.step, AttemptStep.result, AttemptStep.name, value)
    )
    last = select(Attempt.handover, Attempt.handover_result, Attempt.waited_s, Attempt.talked_s)
    before = select(
        FailedHandover.handover, FailedHandover.handover_result, FailedHandover.waited_s, literal(0.0).label("talked_s")
    )
    every = union_all(
        last.where(Attempt.campaign_id == campaign_id, Attempt.handover != ""),
        before.where(FailedHandover.campaign_id == campaign_id),
    ).subquery()
    row = every.c
    handovers = (
        select(row.handover, row.handover_result, func.count(), func.avg(row.waited_s), func.avg(row.talked_s))
        .group_by(row.handover, row.handover_result)
        .order_by(row.handover, func.count().desc(), row.handover_result)
    )
    reached = (
        select(Attempt.reached_by, func.count())
        .where(Attempt.campaign_id == campaign_id, Attempt.reached_by != "")
        .group_by(Attempt.reached_by)
    )
    with database.read() as session:
        return Statistics(
            sorted((StepCount(*row) for row in session.execute(steps)), key=_order),
            [
                HandoverCount(to, result, count, waited or 0.0, talked or 0.0)
                for to, result, count, waited, talked in session.execute(handovers)
            ],
            {by: count for by, count in session.execute(reached)},
        )


def _order(row: StepCount) -> tuple[object, ...]:
    """The step that every call begins with first; of one step the most frequent first."""
    return row.step != "main", row.step, -row.count, row.result, row.name, row.value


def attempts_of(contact_id: int) -> list[Attempt]:
    """Every attempt to reach this contact, first to last."""
    query = select(Attempt).where(Attempt.contact_id == contact_id).order_by(Attempt.number_of_attempt)
    with database.read() as session:
        return list(session.scalars(query))


def of_attempts(attempt_ids: Sequence[int]) -> dict[int, list[AttemptStep]]:
    """What was done in each of these calls, in order."""
    if not attempt_ids:
        return {}
    query = (
        select(AttemptStep)
        .where(AttemptStep.attempt_id.in_(attempt_ids))
        .order_by(AttemptStep.attempt_id, AttemptStep.position)
    )
    found: dict[int, list[AttemptStep]] = {}
    with database.read() as session:
        for row in session.scalars(query):
            found.setdefault(row.attempt_id, []).append(row)
    return found


def failed_handovers(attempt_ids: Sequence[int]) -> dict[int, list[FailedHandover]]:
    """Hand-overs of these calls that came to nothing before the one that the attempt tells of, in order."""
    if not attempt_ids:
        return {}
    query = (
        select(FailedHandover)
        .where(FailedHandover.attempt_id.in_(attempt_ids))
        .order_by(FailedHandover.attempt_id, FailedHandover.position)
    )
    found: dict[int, list[FailedHandover]] = {}
    with database.read() as session:
        for row in session.scalars(query):
            found.setdefault(row.attempt_id, []).append(row)
    return found


def told(row: AttemptStep | StepCount, translate: Callable[[str], str] = str) -> str:
    """A step in one short text: ``meter: said to its end, reading = 4516``."""
    value = f", {row.name}{' = ' + row.value if row.value else ''}" if row.name else ""
    step = translate(report_words.BEGINNING) if row.step == MAIN else row.step
    return f"{step}: {translate(report_words.STEP_RESULTS.get(row.result, row.result))}{value}"
