"""Folds the events of one call into its state and, at its end, into one CallResult. Pure: times come in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dialer.call_record import CallRecord, utc
from dialer.calls import CallOutcome, CallResult
from dialer.disposition import Verdict, judge


class CallState(StrEnum):
    RINGING = "ringing"  # from the moment it is handed over until somebody answers
    TALKING = "talking"


@dataclass(slots=True)
class TrackedCall:
    """One call that the gateway follows. Times are monotonic seconds."""

    uid: str
    boot: str
    since: float
    state: CallState = CallState.RINGING
    #: When Asterisk told that its Originate failed; the hangup handler's record is waited for.
    failed_at: float | None = None
    failed_reason: int = 0

    def answered(self) -> None:
        """Somebody picked up. Arrives once, or again after an adoption."""
        self.state = CallState.TALKING

    def originate_failed(self, reason: int, now: float) -> None:
        """The Originate came to nothing; the first report counts."""
        if self.failed_at is None:
            self.failed_at, self.failed_reason = now, reason


def result_of(uid: str, record: CallRecord) -> CallResult:
    """The result of a call that the PBX has made a record of."""
    verdict = judge(record)
    return CallResult(
        uid=uid,
        outcome=verdict.outcome,
        sip_code=record.sip_code,
        cause=record.cause or None,
        answered_at=utc(record.answered),
        ended_at=utc(record.ended),
        listened_s=record.listened_s,
        played_to_end=record.played_to_end,
        detail=_detail(verdict, record),
        steps=record.steps,
        confirmed=record.confirmed,
        opt_out=record.opt_out,
        handover=record.handover,
        handovers_before=record.handovers_before,
        machine=record.machine,
    )


def _detail(verdict: Verdict, record: CallRecord) -> str:
    if not verdict.known:
        return f"unlisted code: SIP {record.sip_code}, cause {record.cause}"
    if verdict.outcome is CallOutcome.TRUNK_FAILURE:
        return f"the trunk refused: SIP {record.sip_code}" if record.sip_code else "the trunk did not answer"
    return ""


def no_channel(uid: str, reason: int) -> CallResult:
    """Asterisk could not even make a channel: the trunk does not exist or is unreachable."""
    return CallResult(
        uid=uid,
        outcome=CallOutcome.TRUNK_FAILURE,
        detail=f"the trunk does not exist or is unreachable (reason {reason})",
    )


def not_placed(uid: str, why: str) -> CallResult:
    """The call never went out."""
    return CallResult(uid=uid, outcome=CallOutcome.NOT_PLACED, detail=why)


def unknown(uid: str) -> CallResult:
    """The PBX died with the call."""
    return CallResult(uid=uid, outcome=CallOutcome.UNKNOWN, detail="the PBX restarted during the call")
