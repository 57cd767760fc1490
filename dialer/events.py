"""AMI messages as frozen values. Only what the gateway uses; everything else is None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dialer.call_record import CallRecord


@dataclass(frozen=True, slots=True)
class Answered:
    """The callee picked up; the message begins."""

    uid: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The hangup handler ran."""

    uid: str
    record: CallRecord


@dataclass(frozen=True, slots=True)
class OriginateFailed:
    """Asterisk gave up on an Originate, with a channel (an Ended comes too) or without one."""

    uid: str
    reason: int


@dataclass(frozen=True, slots=True)
class Booted:
    """The PBX has loaded everything."""


@dataclass(frozen=True, slots=True)
class ShuttingDown:
    """The PBX is going away."""


Event = Answered | Ended | OriginateFailed | Booted | ShuttingDown


def parse(message: Mapping[str, str]) -> Event | None:
    """Translate one AMI event.

    :raises ValueError: it is one of ours, and not as the dialplan writes it.
    """
    name = message.get("Event", "")
    if name == "UserEvent":
        return _user_event(message)
    if name == "OriginateResponse":
        if message.get("Response") != "Failure":
            return None
        return OriginateFailed(message.get("ActionID", ""), int(message.get("Reason", "") or 0))
    if name == "FullyBooted":
        return Booted()
    if name == "Shutdown":
        return ShuttingDown()
    return None


def _user_event(message: Mapping[str, str]) -> Event | None:
    name = message.get("UserEvent", "")
    if name == "ObzEnded":
        return Ended(message.get("Uniqueid", ""), CallRecord.parse(message.get("Record", "")))
    if name == "ObzAnswered":
        return Answered(message.get("Uniqueid", ""))
    return None
