"""From the codes of the outside world to our words: one table for SIP, one for Q.850.

SIP codes by RFC 3261 section 21; which cause Asterisk makes of them: res_pjsip.c ast_sip_hangup_sip2cause().
"""

from __future__ import annotations

from dataclasses import dataclass

from dialer.call_record import CallRecord
from dialer.calls import CallOutcome

SIP: dict[int, CallOutcome] = {
    400: CallOutcome.CONGESTION,
    401: CallOutcome.TRUNK_FAILURE,  # our password is refused
    402: CallOutcome.TRUNK_FAILURE,  # the carrier wants to be paid
    403: CallOutcome.DECLINED,
    404: CallOutcome.INVALID_NUMBER,
    407: CallOutcome.TRUNK_FAILURE,
    408: CallOutcome.NO_ANSWER,
    410: CallOutcome.INVALID_NUMBER,
    480: CallOutcome.UNAVAILABLE,
    484: CallOutcome.INVALID_NUMBER,
    486: CallOutcome.BUSY,
    487: CallOutcome.NO_ANSWER,  # our own giving up, confirmed
    488: CallOutcome.CONGESTION,
    500: CallOutcome.CONGESTION,
    502: CallOutcome.CONGESTION,
    503: CallOutcome.CONGESTION,
    504: CallOutcome.CONGESTION,
    600: CallOutcome.BUSY,
    603: CallOutcome.DECLINED,
    604: CallOutcome.INVALID_NUMBER,
    606: CallOutcome.CONGESTION,
    607: CallOutcome.DECLINED,
    608: CallOutcome.DECLINED,
}
#: A code that the table lacks is taken by its class; :attr:`Verdict.known` is then false.
SIP_CLASS: dict[int, CallOutcome] = {
    3: CallOutcome.UNAVAILABLE,
    4: CallOutcome.UNAVAILABLE,
    5: CallOutcome.CONGESTION,
    6: CallOutcome.DECLINED,
}
#: For technologies without SIP codes (DAHDI, OOH323, IAX2).
Q850: dict[int, CallOutcome] = {
    1: CallOutcome.INVALID_NUMBER,
    16: CallOutcome.NO_ANSWER,
    17: CallOutcome.BUSY,
    18: CallOutcome.NO_ANSWER,
    19: CallOutcome.NO_ANSWER,
    20: CallOutcome.UNAVAILABLE,
    21: CallOutcome.DECLINED,
    22: CallOutcome.INVALID_NUMBER,
    27: CallOutcome.CONGESTION,
    28: CallOutcome.INVALID_NUMBER,
    34: CallOutcome.CONGESTION,
    38: CallOutcome.CONGESTION,
    41: CallOutcome.CONGESTION,
    42: CallOutcome.CONGESTION,
    44: CallOutcome.CONGESTION,
    58: CallOutcome.CONGESTION,
    127: CallOutcome.NO_ANSWER,
}
#: A SIP call that ended so without any SIP answer, not even 100, found the trunk silent: 18 after SIP's own 32 s, 19
#: when we gave up before, 34 when its name could not be resolved, 3, 27 and 38 when the network refused.
SILENT_CAUSES = frozenset({3, 18, 19, 27, 34, 38})


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the call ended; ``known`` is false when no table has its code, which is worth a line in the log."""

    outcome: CallOutcome
    known: bool = True


def judge(record: CallRecord) -> Verdict:
    """Name the end of a call for which there was a channel."""
    if record.answered is not None:
        return Verdict(CallOutcome.ANSWERED)
    code = record.sip_code
    if code is None or code < 100:
        if record.technology == "PJSIP" and record.cause in SILENT_CAUSES:
            return Verdict(CallOutcome.TRUNK_FAILURE)
        outcome = Q850.get(record.cause)
        return Verdict(CallOutcome.UNAVAILABLE, known=False) if outcome is None else Verdict(outcome)
    if code < 200:
        # No final answer came: we gave up. (A carrier's own 480 shows as 480, ours as the 100 or 180 before it.)
        return Verdict(CallOutcome.NO_ANSWER)
    if code < 300:
        # Picked up and gone before the dialplan's first step, or in the moment when we gave up.
        return Verdict(CallOutcome.ANSWERED)
    outcome = SIP.get(code)
    if outcome is not None:
        return Verdict(outcome)
    return Verdict(SIP_CLASS.get(code // 100, CallOutcome.UNAVAILABLE), known=False)
