"""Figures beside the breaches: how fast dialling went on after a fault, how busy the channels were."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict

from chaos.oracle import rules
from chaos.oracle.carrier import Call, most_at_once
from chaos.oracle.case import Case
from chaos.oracle.evidence import Fault
from chaos.oracle.judgement import Measures, Resume
from chaos.oracle.tables import Attempt


def measure(case: Case) -> Measures:
    """Of the judged campaigns."""
    spans = [(call.invited, case.up_until(call)) for call in case.calls]
    last = max((end for _, end in spans if end != float("inf")), default=0.0)
    outcomes = Counter(attempt.disposition or "open" for attempt in case.attempts)
    return Measures(
        calls=len(spans),
        most_at_once=most_at_once(spans),
        span_s=last - spans[0][0] if spans else 0.0,
        channel_use=_channel_use(case),
        dispositions=dict(sorted(outcomes.items())),
        unknown=outcomes[rules.UNKNOWN],
        unknown_but_ended=sum(_had_ended(case, attempt) for attempt in case.attempts),
        resumes=tuple(_resume(case, fault) for fault in case.evidence.faults),
    )


def _channel_use(case: Case) -> dict[int, float]:
    by_campaign: dict[int, list[Call]] = defaultdict(list)
    for call in case.calls:
        by_campaign[case.attempt(call).campaign_id].append(call)
    return {key: _use(case, key, calls) for key, calls in sorted(by_campaign.items()) if len(calls) > 1}


def _use(case: Case, campaign_id: int, calls: list[Call]) -> float:
    """Channel seconds in use of those there were, between the first and the last INVITE, without the user's pauses."""
    begin, end = calls[0].invited, calls[-1].invited
    limit = max(case.limit("campaign", campaign_id).all)
    running = _running_spans(case, campaign_id, begin, end)
    there = sum(stop - start for start, stop in running) * limit
    used = sum(
        max(0.0, min(case.up_until(call), stop) - max(call.invited, start)) for call in calls for start, stop in running
    )
    return used / there if there else 0.0


def _running_spans(case: Case, campaign_id: int, begin: float, end: float) -> list[tuple[float, float]]:
    """The parts between begin and end in which the user had it running."""
    spans, since = [], begin
    running = True
    for item in case.running(campaign_id).items:
        moment = min(max(item.begin if item.value or item.sure is None else item.sure, begin), end)
        if running and not item.value:
            spans.append((since, moment))
        elif not running and item.value:
            since = moment
        running = bool(item.value)
    return [*spans, (since, end)] if running else spans


def _had_ended(case: Case, attempt: Attempt) -> bool:
    """Unknown, though its call was over at the carrier before the PBX died: its journal entry was lost with it."""
    if attempt.disposition != rules.UNKNOWN:
        return False
    calls = case.calls_of.get(attempt.uid, [])
    return bool(calls) and case.died_with(calls[0]) is None


def _resume(case: Case, fault: Fault) -> Resume:
    times = [call.invited for call in case.calls]
    place = bisect_right(times, fault.end)
    if place == len(times):
        return Resume(fault, None)
    moment = times[place]
    others = [other for other in case.evidence.faults if other is not fault and other.overlaps(fault.time, moment)]
    paused = [
        item
        for key in case.campaigns
        for item in case.running(key).items
        if not item.value and fault.time <= item.begin <= moment
    ]
    return Resume(fault, moment - fault.end, disturbed=bool(others or paused))
