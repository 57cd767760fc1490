"""I3: one outcome per attempt, never rewritten, the one that the carrier saw. I6: unknown is what nobody can know."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.oracle import rules
from chaos.oracle.carrier import Call
from chaos.oracle.case import Case, at, name_of
from chaos.oracle.evidence import Fault
from chaos.oracle.judgement import Breach
from chaos.oracle.tables import Attempt

#: The PBX's own two readings of one playback: its length, and whether it came to the end.
HEARD_SLACK_S = 0.3


def told_once(case: Case) -> Iterator[Breach]:
    """I3: what the event log says was committed, against itself and the database."""
    for uid, told in case.events.recorded.items():
        attempt = case.tables.attempts.get(uid)
        if attempt is None or attempt.campaign_id not in case.campaigns:
            continue
        if len(set(told)) > 1:
            yield Breach("I3", f"{name_of(attempt)} was given different outcomes: {', '.join(told)}")
        elif len(told) > 1:
            yield Breach("I3", f"the outcome of {name_of(attempt)} was written {len(told)} times")
        if attempt.disposition not in told:
            yield Breach("I3", f"{name_of(attempt)} is {attempt.disposition}, but {told[-1]} was committed")
    for uid, seen in case.events.seen.items():
        attempt = case.tables.attempts.get(uid)
        if attempt is not None and attempt.campaign_id in case.campaigns and seen != {attempt.disposition}:
            sentence = f"{name_of(attempt)} is {attempt.disposition}, but was seen as {', '.join(sorted(seen))}"
            yield Breach("I3", sentence)


def as_the_carrier_saw(case: Case) -> Iterator[Breach]:
    """I3: every outcome against the carrier's log."""
    for attempt in case.attempts:
        outcome = attempt.disposition
        if outcome is None:
            continue
        calls = case.calls_of.get(attempt.uid, [])
        for problem in _problems(case, attempt, outcome, calls[0] if calls else None):
            yield Breach("I3", f"{name_of(attempt)} {problem}")


def _problems(case: Case, attempt: Attempt, outcome: str, call: Call | None) -> Iterator[str]:
    if outcome not in rules.OF_ATTEMPTS:
        yield f"has an outcome that there is not: {outcome}"
    elif not rules.counts(outcome, attempt.counted):
        yield f"is {outcome} and {'counts' if attempt.counted else 'does not count'} as one of the contact's attempts"
    if call is None:
        if outcome not in rules.NEVER_SENT | {rules.UNKNOWN}:
            yield f"is {outcome}, but the carrier saw no call"
        return
    if outcome in rules.NEVER_SENT:
        yield f"is {outcome}, but the carrier was called at {at(call.invited)}"
        return
    yield from _times(case, attempt, call)
    if outcome == rules.UNKNOWN or case.untold(call):
        return
    yield from _outlived_the_pbx(case, attempt, call)
    if outcome in rules.ANSWERED:
        yield from _answered(case, attempt, call)
    else:
        yield from _unanswered(case, attempt, outcome, call)


def _times(case: Case, attempt: Attempt, call: Call) -> Iterator[str]:
    """The row stands before its call, and is not closed before it."""
    if not case.trusts_times_of(attempt):
        return
    slack = case.tolerance.clock_s
    if call.invited < attempt.claimed - slack:
        yield f"was called at {at(call.invited)}, before its row of {at(attempt.claimed)}"
    if attempt.ended is not None and call.invited > attempt.ended + slack:
        yield f"was called at {at(call.invited)}, after it had been closed at {at(attempt.ended)}"
    late = case.tolerance.listen_s
    unseen = attempt.disposition == rules.UNKNOWN or _was_cut(case, call) or call.ended is None
    if attempt.ended is not None and not unseen and attempt.ended > call.end + late:
        yield f"ended at {at(attempt.ended)} by its row, but its call at {at(call.end)}"


def _outlived_the_pbx(case: Case, attempt: Attempt, call: Call) -> Iterator[str]:
    """A call that was up when the PBX died has no end that anybody saw."""
    fault = case.died_with(call)
    if fault is None or fault.target != "pbx" or attempt.ended is None or not case.trusts_times_of(attempt):
        return
    if attempt.ended > fault.time + case.tolerance.clock_s:
        yield f"is {attempt.disposition} at {at(attempt.ended)}, but its call died with the PBX ({fault})"


def _answered(case: Case, attempt: Attempt, call: Call) -> Iterator[str]:
    if call.answered is None:
        yield f"is {attempt.disposition}, but nobody picked up"
        return
    if _was_cut(case, call):
        return
    slack = case.tolerance.listen_s
    more = attempt.listened_s - call.connected_s
    if more > slack or (more < -slack and not case.evidence.longer_calls):
        yield f"says {attempt.listened_s:.1f} s were heard, but the callee was connected for {call.connected_s:.1f} s"
    enough = attempt.listened_s - rules.heard_s(case.campaign(attempt))
    if (attempt.disposition == rules.REACHED and enough < -HEARD_SLACK_S) or (
        attempt.disposition == rules.NOT_HEARD and enough > HEARD_SLACK_S
    ):
        heard = rules.heard_s(case.campaign(attempt))
        yield f"is {attempt.disposition}, but {attempt.listened_s:.1f} s of the {heard:g} s needed were heard"


def _unanswered(case: Case, attempt: Attempt, outcome: str, call: Call) -> Iterator[str]:
    frozen = _was_cut(case, call)
    if attempt.listened_s:
        yield f"is {outcome}, but {attempt.listened_s:.1f} s were heard"
    if call.answered is not None:
        if outcome != rules.NO_ANSWER or not (frozen or _crossed_our_cancel(case, attempt, call.answered, call)):
            yield f"is {outcome}, but the callee had picked up at {at(call.answered)}"
        return
    expected = rules.unanswered_as(call.number) if case.evidence.rehearsal else outcome
    code = rules.SIP_CODES.get(call.number[-2:])
    if case.evidence.rehearsal and not frozen and code is not None and attempt.sip_code not in (code, None):
        yield f"has the SIP code {attempt.sip_code}, the carrier sent {code}"
    if outcome != expected and not (frozen and outcome == rules.NO_ANSWER):
        yield f"is {outcome}, but the carrier's answer was {expected}"
    rang, ring_s = call.end - call.invited, float(case.campaign(attempt)["ring_s"])
    if outcome == expected == rules.NO_ANSWER and not frozen and rang < ring_s - case.tolerance.listen_s:
        yield f"is {outcome} after {rang:.1f} s, but it was to ring for {ring_s:g} s"


def _crossed_our_cancel(case: Case, attempt: Attempt, answered: float, call: Call) -> bool:
    """Picked up in the moment when we gave up: the answer and the CANCEL met on their way."""
    rang_out = answered - call.invited >= float(case.campaign(attempt)["ring_s"]) - case.tolerance.listen_s
    return rang_out and call.connected_s <= case.tolerance.place_s


def _was_cut(case: Case, call: Call) -> bool:
    """Whether a fault of the PBX or the carrier itself touched the call, so that its times mean little."""
    return any(case.disturbed(call, ("freeze", "kill"), name) for name in ("pbx", "carrier")) or case.disturbed(
        call, ("clock",)
    )


def only_what_nobody_knows(case: Case) -> Iterator[Breach]:
    """I6: unknown only where the PBX died with the call, shown as such, never called again by itself."""
    for attempt in case.attempts:
        if attempt.disposition != rules.UNKNOWN:
            continue
        if not any(_may_have_died_with(case, attempt, fault) for fault in case.pbx_deaths_of(attempt)):
            yield Breach("I6", f"{name_of(attempt)} is unknown, but {_why_known(case, attempt)}")
        contact = case.contact(attempt)
        if contact is not None and contact.state != rules.CONTACT_UNKNOWN:
            yield Breach("I6", f"{name_of(attempt)} is unknown, but its contact is {contact.state}")
        later = [a for a in case.attempts_of[attempt.contact_id] if a.number_of_attempt > attempt.number_of_attempt]
        if later:
            yield Breach("I6", f"{name_of(attempt)} is unknown, but its contact was tried again: {later[0].uid}")


def _may_have_died_with(case: Case, attempt: Attempt, fault: Fault) -> bool:
    """Claimed before this kill was noticed, and neither ended at the carrier nor closed before it."""
    times = case.tolerance
    calls = case.calls_of.get(attempt.uid, [])
    if calls:
        latest = fault.time + times.clock_s
        return calls[0].invited <= latest and calls[0].end >= fault.time - times.journal_s
    if not case.trusts_times_of(attempt):
        return True
    closed_before = attempt.ended is not None and attempt.ended < fault.time - times.clock_s
    return attempt.claimed <= fault.end + times.notice_s and not closed_before


def _why_known(case: Case, attempt: Attempt) -> str:
    if not case.pbx_deaths_of(attempt):
        return "its PBX never died"
    calls = case.calls_of.get(attempt.uid, [])
    if not calls:
        return f"it was claimed at {at(attempt.claimed)}, when no PBX died"
    return f"its call ran from {at(calls[0].invited)} to {at(calls[0].end)}, when no PBX died"
