"""I1: at most one call per attempt, none while the contact's earlier one is up. I4: never more calls than a limit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from itertools import pairwise

from chaos.oracle.carrier import Call
from chaos.oracle.case import Case, Timeline, at, masked, name_of
from chaos.oracle.judgement import Breach
from chaos.oracle.rules import NEVER_SENT, UNKNOWN
from chaos.oracle.tables import Attempt

#: Begin and end of something that takes a channel, and when it may have been decided at the earliest.
Span = tuple[float, float]


def called_once(case: Case) -> Iterator[Breach]:
    """I1."""
    for uid, calls in case.calls_of.items():
        if len(calls) > 1:
            times = ", ".join(at(call.invited) for call in calls)
            yield Breach("I1", f"{name_of(case.tables.attempts[uid])} was called {len(calls)} times: at {times}")
        yield from _right_person(case, calls[0])
    for uid, attempt in case.tables.attempts.items():
        if case.events.sent.get(uid, 0) > 1:
            yield Breach("I1", f"the Originate of {name_of(attempt)} was written {case.events.sent[uid]} times")
        if len(case.events.claimed.get(uid, ())) > 1:
            yield Breach("I1", f"{name_of(attempt)} was claimed {len(case.events.claimed[uid])} times")
    for uid in case.tables.twice:
        yield Breach("I1", f"the database has the attempt {uid} twice")
    yield from _one_after_another(case)


def _right_person(case: Case, call: Call) -> Iterator[Breach]:
    attempt = case.attempt(call)
    contact, trunk = case.contact(attempt), case.tables.trunks.get(attempt.trunk_id)
    if contact is not None and trunk is not None and call.number != f"{trunk['number_prefix'] or ''}{contact.number}":
        yield Breach("I1", f"{name_of(attempt)} called {masked(call.number)}, which is not the contact's number")


def _one_after_another(case: Case) -> Iterator[Breach]:
    grace = case.tolerance.end_s
    by_contact: dict[int, list[Call]] = defaultdict(list)
    for call in case.calls:
        by_contact[case.attempt(call).contact_id].append(call)
    for contact_id, calls in by_contact.items():
        for first, second in pairwise(calls):
            if second.uid != first.uid and second.invited < case.up_until(first) - grace:
                yield Breach(
                    "I1",
                    f"contact {contact_id} was called at {at(second.invited)} (attempt {second.uid}) while the call of "
                    f"{at(first.invited)} (attempt {first.uid}) was up until {at(case.up_until(first))}",
                )
    for attempts in case.attempts_of.values():
        for earlier, later in pairwise(attempts):
            both = case.trusts_times_of(earlier) and case.trusts_times_of(later)
            if both and earlier.ended is not None and later.claimed < earlier.ended - case.tolerance.clock_s:
                yield Breach(
                    "I1",
                    f"{name_of(later)} was claimed at {at(later.claimed)} while attempt {earlier.uid} of the same "
                    f"contact was open until {at(earlier.ended)}",
                )


def within_limits(case: Case) -> Iterator[Breach]:
    """I4: by the carrier's calls, by the open rows, and no slot free before its call has ended."""
    for kind, column in (("campaign", "campaign_id"), ("trunk", "trunk_id"), ("node", "node_id")):
        calls, rows = _spans_by(case, column)
        for what, spans_of in (("calls up at the carrier", calls), ("open attempts", rows)):
            for key, spans in sorted(spans_of.items()):
                yield from _over(case, kind, key, what, spans)
    yield from _freed_too_soon(case)


def _spans_by(case: Case, column: str) -> tuple[dict[int, list[Span]], dict[int, list[Span]]]:
    """By campaign, trunk or node: the carrier's calls, which count until ``end_s`` before their end, and the rows."""
    calls: dict[int, list[Span]] = defaultdict(list)
    rows: dict[int, list[Span]] = defaultdict(list)
    for call in case.all_calls:
        attempt = case.tables.attempts.get(call.uid)
        if attempt is not None and _concerns(case, column, attempt):
            calls[getattr(attempt, column)].append((call.invited, case.up_until(call) - case.tolerance.end_s))
    for attempt in case.tables.attempts.values():
        if _concerns(case, column, attempt) and case.trusts_times_of(attempt):
            end = float("inf") if attempt.ended is None else attempt.ended
            rows[getattr(attempt, column)].append((attempt.claimed, end))
    return calls, rows


def _concerns(case: Case, column: str, attempt: Attempt) -> bool:
    """Trunks and nodes are shared by all campaigns; of the campaigns only the judged ones count."""
    return column != "campaign_id" or attempt.campaign_id in case.campaigns


def _over(case: Case, kind: str, key: int, what: str, spans: Iterable[Span]) -> Iterator[Breach]:
    """One sentence about the worst moment. Only a new call can break a limit: lowering it ends no call."""
    if key not in {"campaign": case.tables.campaigns, "trunk": case.tables.trunks, "node": case.tables.nodes}[kind]:
        yield Breach("E0", f"there are {what} of {kind} {key}, which the database does not have")
        return
    moments = list(_excess(spans, _limit_at(case, case.limit(kind, key))))
    if moments:
        up, limit, moment = max(moments)
        sentence = f"{kind} {key} had {up} {what} at {at(moment)}, its limit is {limit} ({len(moments)} such moments)"
        yield Breach("I4", sentence)


def _limit_at(case: Case, limits: Timeline) -> Callable[[float], int]:
    allowance = case.tolerance.place_s + case.tolerance.clock_s
    return lambda moment: max(limits.between(case.reach_back(moment, allowance), moment))


def _excess(spans: Iterable[Span], limit_at: Callable[[float], int]) -> Iterator[tuple[int, int, float]]:
    """(how many were up, the limit, when) at each beginning that went over the limit."""
    ends: list[float] = []
    for begin, end in sorted(spans):
        while ends and ends[0] <= begin:
            heappop(ends)
        if end <= begin:
            continue
        heappush(ends, end)
        limit = limit_at(begin)
        if len(ends) > limit:
            yield len(ends), limit, begin


def _freed_too_soon(case: Case) -> Iterator[Breach]:
    for call in case.calls:
        attempt = case.attempt(call)
        if attempt.ended is None or attempt.disposition in NEVER_SENT | {UNKNOWN} or not case.trusts_times_of(attempt):
            continue
        if case.up_until(call) > case.thawed(attempt, attempt.ended) + case.tolerance.listen_s:
            end = "is still up" if call.ended is None else f"was up until {at(call.ended)}"
            yield Breach("I4", f"{name_of(attempt)} was closed with its end at {at(attempt.ended)}, but its call {end}")
