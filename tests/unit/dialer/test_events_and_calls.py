"""From recorded AMI transcripts to results: every way in which a call ends, as Asterisk 22.10.1 tells it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from dialer import events
from dialer.call_record import CallRecord
from dialer.call_tracker import CallState, TrackedCall, no_channel, not_placed, result_of, unknown
from dialer.calls import CallOutcome, Handover, HandoverResult, Machine, StepDone
from dialer.disposition import Q850, SIP, judge

TRANSCRIPTS = Path(__file__).parent / "transcripts"


def transcript(name: str) -> list[events.Event]:
    """The events of one recorded call, parsed."""
    found = []
    for block in (TRANSCRIPTS / f"{name}.txt").read_text().strip().split("\n\n"):
        message = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        event = events.parse(message)
        if event is not None:
            found.append(event)
    return found


def ended(name: str) -> events.Ended:
    [event] = [event for event in transcript(name) if isinstance(event, events.Ended)]
    return event


@pytest.mark.parametrize(
    ("name", "outcome", "sip_code", "listened_s"),
    [
        ("busy", CallOutcome.BUSY, 486, 0.0),
        ("declined", CallOutcome.DECLINED, 603, 0.0),
        ("carrier_480", CallOutcome.UNAVAILABLE, 480, 0.0),
        ("no_answer", CallOutcome.NO_ANSWER, 180, 0.0),
        ("message_heard", CallOutcome.ANSWERED, 200, 4.0),
        ("hung_up_early", CallOutcome.ANSWERED, 200, 2.0),
    ],
)
def test_recorded_call_becomes_its_result(name: str, outcome: CallOutcome, sip_code: int, listened_s: float) -> None:
    event = ended(name)
    result = result_of(event.uid, event.record)
    assert (result.outcome, result.sip_code) == (outcome, sip_code)
    assert result.listened_s == pytest.approx(listened_s, abs=0.1)
    assert result.played_to_end is (name == "message_heard")
    assert result.detail == ""


def test_our_giving_up_is_told_from_the_carriers_480() -> None:
    """Both have cause 19: ours leaves the provisional code that came last."""
    ours, theirs = ended("no_answer").record, ended("carrier_480").record
    assert (ours.cause, theirs.cause) == (19, 19)
    assert judge(ours) != judge(theirs)


def test_trunk_that_does_not_exist_has_a_failed_originate_and_no_end() -> None:
    [failed] = transcript("no_such_trunk")
    assert isinstance(failed, events.OriginateFailed)
    result = no_channel(failed.uid, failed.reason)
    assert result.outcome is CallOutcome.TRUNK_FAILURE
    assert "does not exist or is unreachable" in result.detail


def test_call_rings_until_it_is_answered() -> None:
    call = TrackedCall("u", "boot", since=1.0)
    assert call.state is CallState.RINGING
    call.originate_failed(0, now=2.0)
    call.originate_failed(3, now=3.0)
    assert (call.failed_at, call.failed_reason) == (2.0, 0)
    call.answered()
    assert call.state is CallState.TALKING


def test_other_events_are_nothing_to_us() -> None:
    assert events.parse({"Event": "TestEvent"}) is None
    assert events.parse({"Event": "UserEvent", "UserEvent": "Other"}) is None
    assert events.parse({"Event": "OriginateResponse", "Response": "Success", "ActionID": "a"}) is None
    assert events.parse({"Response": "Success"}) is None
    assert events.parse({"Event": "Shutdown"}) == events.ShuttingDown()


@pytest.mark.parametrize("text", ["", "16|200", "a|b|c|d|e|f|g|h", "16|200|1|1|1||SUCCESS|PJSIP", "|" * 9])
def test_record_that_is_none_of_ours_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any ValueError will do
        CallRecord.parse(text)


def record(**changed: object) -> CallRecord:
    values: dict[str, object] = {
        "cause": 0,
        "sip_code": None,
        "answered": None,
        "message_begins": None,
        "message_ends": None,
        "ended": 100.0,
        "played_to_end": False,
        "technology": "PJSIP",
    }
    return CallRecord(**(values | changed))  # type: ignore[arg-type]


def test_listened_is_until_the_message_or_the_call_ends() -> None:
    assert record().listened_s == 0.0
    assert record(message_begins=90.0).listened_s == 10.0
    assert record(message_begins=90.0, message_ends=93.5).listened_s == 3.5
    assert record(message_begins=101.0).listened_s == 0.0  # the clock was set back


def test_times_are_aware_utc_milliseconds() -> None:
    answered = result_of("u", record(answered=1795376110.0714, message_begins=1795376110.0714)).answered_at
    assert answered == dt.datetime(2026, 11, 22, 19, 35, 10, 71000, dt.UTC)


@pytest.mark.parametrize(("code", "outcome"), SIP.items())
def test_every_sip_code_of_the_table(code: int, outcome: CallOutcome) -> None:
    verdict = judge(record(sip_code=code, cause=21))
    assert (verdict.outcome, verdict.known) == (outcome, True)


@pytest.mark.parametrize(("cause", "outcome"), Q850.items())
def test_technologies_without_sip_codes_go_by_the_cause(cause: int, outcome: CallOutcome) -> None:
    assert judge(record(cause=cause, technology="DAHDI")).outcome is outcome


@pytest.mark.parametrize("cause", [18, 19, 34])
def test_sip_trunk_without_any_answer_is_ill(cause: int) -> None:
    assert judge(record(cause=cause)).outcome is CallOutcome.TRUNK_FAILURE


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (302, CallOutcome.UNAVAILABLE),
        (499, CallOutcome.UNAVAILABLE),
        (555, CallOutcome.CONGESTION),
        (699, CallOutcome.DECLINED),
    ],
)
def test_unlisted_code_is_taken_by_its_class_and_said(code: int, outcome: CallOutcome) -> None:
    result = result_of("u", record(sip_code=code, cause=127))
    assert result.outcome is outcome
    assert result.detail == f"unlisted code: SIP {code}, cause 127"


def test_unlisted_cause_is_said() -> None:
    assert not judge(record(cause=99, technology="IAX2")).known


def test_text_of_another_technology_is_no_sip_code() -> None:
    assert CallRecord.parse("17|486||||100.000||PJSIP").sip_code == 486
    assert CallRecord.parse("17|486||||100.000||DAHDI").sip_code is None


def test_answered_wins_over_every_code() -> None:
    assert judge(record(answered=1.0, sip_code=486, cause=17)).outcome is CallOutcome.ANSWERED


def test_picked_up_and_gone_before_the_dialplan_began() -> None:
    assert judge(record(sip_code=200, cause=16)).outcome is CallOutcome.ANSWERED


def test_our_own_refusals() -> None:
    assert not_placed("u", "why").outcome is CallOutcome.NOT_PLACED
    assert unknown("u").outcome is CallOutcome.UNKNOWN


OLD = "16|200|100.0|100.0|104.0|104.1|SUCCESS|PJSIP"


def test_records_made_before_messages_had_steps_are_still_read() -> None:
    """An upgrade finds such ones in the journal."""
    found = CallRecord.parse(OLD)
    assert (found.listened_s, found.steps, found.handover, found.machine) == (4.0, (), None, None)
    assert found == CallRecord.parse(OLD + "||||")
    assert found == CallRecord.parse(OLD + "|||~~~~|~")


def test_a_record_tells_steps_flags_and_machine() -> None:
    found = CallRecord.parse(OLD + "|main.1.pays.yes~meter.none..~meter.*..|co|~~~~|MACHINE~MAXWORDS-3-3")
    assert found.steps == (
        StepDone("main", "1", "pays", "yes"),
        StepDone("meter", "none"),
        StepDone("meter", "*"),
    )
    assert (found.confirmed, found.opt_out) == (True, True)
    assert found.machine == Machine("machine", "MAXWORDS-3-3")
    result = result_of("u", found)
    assert (result.steps, result.confirmed, result.opt_out, result.machine) == (found.steps, True, True, found.machine)


def test_every_hand_over_of_a_call_is_told() -> None:
    steps = "queue:operators~TIMEOUT~90.0~~97.5&number:74950000001~BUSY~98.0~~99.0&"
    found = CallRecord.parse(f"{OLD}|||{steps}~~~~|~")  # the words after the last one were heard to their end
    assert found.handovers_before == (Handover("queue:operators", HandoverResult.TIMEOUT, 7.5),)
    assert found.handover == Handover("number:74950000001", HandoverResult.BUSY, 1.0)
    found = CallRecord.parse(f"{OLD}|||{steps}sip:a@b:5060~~99.0~99.5~|~")
    assert [one.result for one in found.handovers_before] == [HandoverResult.TIMEOUT, HandoverResult.BUSY]
    assert found.handover is not None
    assert found.handover.result is HandoverResult.TALKED


@pytest.mark.parametrize(
    ("text", "handover"),
    [
        ("queue:operators~~101.5~103.0~", Handover("queue:operators", HandoverResult.TALKED, 1.5, 1.1)),
        ("queue:operators~TIMEOUT~100.0~~103.5", Handover("queue:operators", HandoverResult.TIMEOUT, 3.5)),
        ("queue:operators~~101.0~~", Handover("queue:operators", HandoverResult.GAVE_UP, 3.1)),
        ("queue:operators~JOINEMPTY~101.0~~101.0", Handover("queue:operators", HandoverResult.NOBODY)),
        ("number:74950000001~BUSY~101.0~~102.0", Handover("number:74950000001", HandoverResult.BUSY, 1.0)),
        ("number:74950000001~ANSWER~101.0~102.0~103.0", Handover("number:74950000001", HandoverResult.TALKED, 1, 1)),
        ("sip:a@b.example:5060~CHANUNAVAIL~101.0~~101.0", Handover("sip:a@b.example:5060", HandoverResult.FAILED)),
        ("number:78090000001~NOTALLOWED~101.0~~101.0", Handover("number:78090000001", HandoverResult.NOT_ALLOWED)),
    ],
)
def test_every_end_of_a_hand_over(text: str, handover: Handover) -> None:
    assert CallRecord.parse(f"{OLD}|||{text}|~").handover == handover


@pytest.mark.parametrize("steps", ["main", "main.1", "main.1.a.b.c"])
def test_a_step_that_is_not_whole_is_an_error(steps: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any ValueError will do
        CallRecord.parse(f"{OLD}|{steps}||~~~~|~")
