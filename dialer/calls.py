"""The plain values that cross the border of this package: what to dial, and what came of it."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

#: Length of a call's uid. Asterisk refuses a ChannelId that is a prefix of a live one, so all have this length.
UID_LENGTH = 20


def new_uid() -> str:
    """A new call id: 12 hex digits of milliseconds and 8 random ones; sorts by time."""
    return f"{int(time.time() * 1000):012x}{os.urandom(4).hex()}"


class CallOutcome(StrEnum):
    """How a call ended, technically. Whether the person *heard* the message is the campaign's question."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    INVALID_NUMBER = "invalid_number"
    UNAVAILABLE = "unavailable"
    CONGESTION = "congestion"
    TRUNK_FAILURE = "trunk_failure"
    #: The call was provably never sent to the carrier.
    NOT_PLACED = "not_placed"
    #: The PBX died with the call: nobody can know.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One call to place. All values are ours (ids, digits, file stems), none a user's text."""

    uid: str
    number: str  # E.164 digits without plus
    trunk: str  # the trunk's name as in the rendered configuration
    template: str  # e.g. PJSIP/{number}@{trunk}
    caller_id: str  # digits, may be empty
    ring_s: int
    sound: str  # stem of the file in settings.sounds
    tag_attempt: bool = False  # send the uid to the carrier in a header: the rehearsal carrier only
    #: Channel variables; a message with steps comes in them (``campaigns.message.flow``).
    variables: Mapping[str, str] = field(default_factory=dict)
    claimed: float = field(default_factory=time.monotonic, compare=False)  # no INVITE long after the decision


class HandoverResult(StrEnum):
    """How the hand-over of a callee to somebody else ended."""

    TALKED = "talked"
    GAVE_UP = "gave_up"  # the callee hung up while he waited
    TIMEOUT = "timeout"  # nobody took the call in time
    NOBODY = "nobody"  # no operator is there
    FULL = "full"  # too many wait already
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    NOT_ALLOWED = "not_allowed"  # the trunk's rules forbid it now
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StepDone:
    """What the callee did at one step of the message, each time that it was spoken."""

    step: str
    result: str  # the key, or none, invalid, end (no keys asked for), gone (hung up within it)
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Handover:
    """Where the callee was handed over to, and what came of it."""

    to: str  # queue:operators, number:74950000001, sip:user@host:port
    result: HandoverResult
    waited_s: float = 0.0
    talked_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Machine:
    """What answered, as the PBX heard it."""

    status: str  # human, machine, doubtful
    cause: str = ""


@dataclass(frozen=True, slots=True)
class CallResult:
    """What came of one call; times are the PBX's clock, aware UTC."""

    uid: str
    outcome: CallOutcome
    sip_code: int | None = None
    cause: int | None = None  # Q.850
    answered_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    listened_s: float = 0.0
    played_to_end: bool = False
    detail: str = ""  # for trunk_failure: what the trunk said
    steps: tuple[StepDone, ...] = ()
    confirmed: bool = False  # by key
    opt_out: bool = False  # he wants no more calls
    handover: Handover | None = None  # the last one
    handovers_before: tuple[Handover, ...] = ()  # which came to nothing
    machine: Machine | None = None


@dataclass(frozen=True, slots=True)
class OpenCall:
    """An attempt without outcome, as the ledger knows it."""

    uid: str
    boot: str  # the PBX's boot id at the time of the claim
    claimed_at: dt.datetime


class CallLedger(Protocol):
    """What the gateway needs from its owner. Called from one thread of the gateway, never at the same time."""

    def record(self, results: Sequence[CallResult]) -> None:
        """Commit these outcomes. An outcome already recorded is left as it is. Raises when it could not commit."""

    def open_calls(self) -> Sequence[OpenCall]:
        """All attempts of this node without outcome."""

    def live(self, ringing: int, talking: int) -> None:
        """How many calls ring and talk now; a hint for pages, may be dropped."""
