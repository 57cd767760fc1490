"""The record that the PBX makes of an ended call: the same text in its event and in the call journal."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from dialer.calls import Handover, HandoverResult, Machine, StepDone

#: Fields of the record as config/asterisk/pbx/extensions.conf.j2 writes them, and of those made before messages had
#: steps: a journal may hold such ones after an upgrade.
FIELDS, OLD_FIELDS = 12, 8
#: Between the steps, and between the parts of one thing; between the parts of a step; between hand-overs.
PARTS, WITHIN, HANDOVERS = "~", ".", "&"
CONFIRMED, OPT_OUT = "c", "o"
#: What app_queue and app_dial say at the end of a hand-over that did not come about.
_HANDOVER = {
    "": HandoverResult.GAVE_UP,
    "TIMEOUT": HandoverResult.TIMEOUT,
    "FULL": HandoverResult.FULL,
    "JOINEMPTY": HandoverResult.NOBODY,
    "LEAVEEMPTY": HandoverResult.NOBODY,
    "JOINUNAVAIL": HandoverResult.NOBODY,
    "LEAVEUNAVAIL": HandoverResult.NOBODY,
    "BUSY": HandoverResult.BUSY,
    "NOANSWER": HandoverResult.NO_ANSWER,
    "CANCEL": HandoverResult.GAVE_UP,
    "NOTALLOWED": HandoverResult.NOT_ALLOWED,
}


@dataclass(frozen=True, slots=True)
class CallRecord:
    """What the PBX knows of an ended call; times are seconds of its clock since 1970."""

    cause: int  # Q.850, 0 when there was none
    sip_code: int | None  # the last one that came, 1xx when the call was given up before a final one
    answered: float | None
    message_begins: float | None
    message_ends: float | None
    ended: float
    played_to_end: bool
    technology: str = ""
    steps: tuple[StepDone, ...] = ()
    confirmed: bool = False
    opt_out: bool = False
    handover: Handover | None = None
    #: Those before it, which came to nothing.
    handovers_before: tuple[Handover, ...] = ()
    machine: Machine | None = None

    @classmethod
    def parse(cls, text: str) -> CallRecord:
        """Read ``cause|sip|answered|begins|ends|ended|played|technology|steps|flags|handover|machine``.

        :raises ValueError: it is not such a record.
        """
        parts = text.split("|")
        if len(parts) == OLD_FIELDS:
            parts += [""] * (FIELDS - OLD_FIELDS)
        if len(parts) != FIELDS:
            raise ValueError(f"a call record has {FIELDS} fields, not {len(parts)}")
        cause, sip, answered, begins, ends, ended, played, technology, steps, flags, handover, machine = parts
        *before, last = _handovers(handover, float(ended)) or [None]
        return cls(
            cause=int(cause or 0),
            # Other technologies have a text of their own there, whose digits are no SIP code.
            sip_code=int(sip) if sip and technology == "PJSIP" else None,
            answered=float(answered) if answered else None,
            message_begins=float(begins) if begins else None,
            message_ends=float(ends) if ends else None,
            ended=float(ended),
            played_to_end=played == "SUCCESS",
            technology=technology,
            steps=tuple(_step(step) for step in steps.split(PARTS) if step),
            confirmed=CONFIRMED in flags,
            opt_out=OPT_OUT in flags,
            handover=last,
            handovers_before=tuple(filter(None, before)),
            machine=_machine(machine),
        )

    @property
    def listened_s(self) -> float:
        """Seconds of the message that the callee was there for, by the PBX's clock."""
        if self.message_begins is None:
            return 0.0
        until = self.ended if self.message_ends is None else self.message_ends
        return max(0.0, round(until - self.message_begins, 3))


def _step(text: str) -> StepDone:
    step, result, name, value = text.split(WITHIN)
    return StepDone(step, result, name, value)


def _handovers(text: str, call_ended: float) -> list[Handover | None]:
    """All of a call, the last one last; what was written after the last one is empty."""
    found = (_handover(one, call_ended) for one in text.split(HANDOVERS))
    return [one for one in found if one is not None]


def _handover(text: str, call_ended: float) -> Handover | None:
    """From ``to~status~waits since~connected~ended``; the last two are empty when it did not come to them."""
    to, status, since, connected, ended = (text.split(PARTS) + [""] * 5)[:5]
    if not to:
        return None
    end = float(ended) if ended else call_ended
    began = float(since) if since else end
    if connected:
        waited, talked = float(connected) - began, end - float(connected)
        return Handover(to, HandoverResult.TALKED, _seconds(waited), _seconds(talked))
    return Handover(to, _HANDOVER.get(status, HandoverResult.FAILED), _seconds(end - began))


def _seconds(value: float) -> float:
    return max(0.0, round(value, 3))


def _machine(text: str) -> Machine | None:
    status, _, cause = text.partition(PARTS)
    return Machine(status.lower(), cause) if status else None


def utc(seconds: float | None) -> dt.datetime | None:
    """Seconds since 1970 as an aware UTC time in whole milliseconds."""
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(round(seconds, 3), dt.UTC)
