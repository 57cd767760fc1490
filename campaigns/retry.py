"""What an outcome means for the contact: reached, called again at a time, or given up. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from campaigns.machines import Heard, nothing_said
from campaigns.states import ContactState, Disposition, ReachedBy
from dialer.calls import CallOutcome, CallResult, HandoverResult

#: A call that never left us is tried again soon, but not in a hot loop: the pause doubles each time, seven times.
NOT_PLACED_PAUSE = dt.timedelta(seconds=2)
NOT_PLACED_DOUBLED = 7

_SAME_NAME = {
    CallOutcome.BUSY: Disposition.BUSY,
    CallOutcome.NO_ANSWER: Disposition.NO_ANSWER,
    CallOutcome.DECLINED: Disposition.DECLINED,
    CallOutcome.INVALID_NUMBER: Disposition.INVALID_NUMBER,
    CallOutcome.UNAVAILABLE: Disposition.UNAVAILABLE,
    CallOutcome.CONGESTION: Disposition.CONGESTION,
    CallOutcome.TRUNK_FAILURE: Disposition.TRUNK_FAILURE,
    CallOutcome.NOT_PLACED: Disposition.NOT_PLACED,
    CallOutcome.UNKNOWN: Disposition.UNKNOWN,
}

#: These use up none of the contact's attempts: the person's phone was never asked.
UNCOUNTED = frozenset({Disposition.TRUNK_FAILURE, Disposition.NOT_PLACED})


#: After these the number is not called again.
FINAL = frozenset({Disposition.INVALID_NUMBER, Disposition.DO_NOT_CALL})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A campaign's attempts per number and the seconds between them."""

    attempts: int
    retry_s: int
    busy_s: int | None = None
    no_answer_s: int | None = None
    failed_s: int | None = None

    def pause(self, disposition: Disposition) -> dt.timedelta:
        """Time until the next attempt after this disposition."""
        own = {
            Disposition.BUSY: self.busy_s,
            Disposition.NO_ANSWER: self.no_answer_s,
            Disposition.UNAVAILABLE: self.no_answer_s,
            Disposition.NOT_HEARD: None,
            Disposition.MACHINE: None,
        }.get(disposition, self.failed_s)
        return dt.timedelta(seconds=self.retry_s if own is None else own)


@dataclass(frozen=True, slots=True)
class Next:
    """The contact after an attempt: its state, and when it is due again if it is still pending."""

    state: ContactState
    due_at: dt.datetime | None
    counted: bool


def reached_by(result: CallResult, notification_s: float, phrase_s: float | None = None) -> ReachedBy | None:
    """What made the callee count as reached (N14); None: nothing did.

    :param phrase_s: where the message's key phrase ends; it stands in the place of the notification time.
    """
    if result.outcome is not CallOutcome.ANSWERED or nothing_said(result):
        return None
    talked = result.handover is not None and result.handover.result is HandoverResult.TALKED
    if result.confirmed or talked:
        return ReachedBy.KEY
    if result.played_to_end or result.listened_s >= (notification_s if phrase_s is None else phrase_s):
        return ReachedBy.TIME if phrase_s is None else ReachedBy.PHRASE
    return None


def disposition_of(result: CallResult, notification_s: float, phrase_s: float | None = None) -> Disposition:
    """Name the outcome; who asks for no more calls before he heard the message is not reached, and done with."""
    if result.outcome is CallOutcome.ANSWERED:
        if reached_by(result, notification_s, phrase_s):
            return Disposition.REACHED
        if nothing_said(result) and result.machine is not None and result.machine.status == Heard.MACHINE:
            return Disposition.MACHINE
        return Disposition.DO_NOT_CALL if result.opt_out else Disposition.NOT_HEARD
    return _SAME_NAME[result.outcome]


def after(
    disposition: Disposition,
    attempts_before: int,
    policy: RetryPolicy,
    ended_at: dt.datetime,
    uncounted_before: int = 0,
) -> Next:
    """Decide what follows.

    :param attempts_before: counted attempts before this one.
    :param uncounted_before: attempts before this one that did not count.
    """
    if disposition is Disposition.REACHED:
        return Next(ContactState.REACHED, None, counted=True)
    if disposition is Disposition.UNKNOWN:
        return Next(ContactState.UNKNOWN, None, counted=True)
    if disposition is Disposition.NOT_PLACED:
        pause = NOT_PLACED_PAUSE * 2 ** min(uncounted_before, NOT_PLACED_DOUBLED)
        return Next(ContactState.PENDING, ended_at + pause, counted=False)
    if disposition in UNCOUNTED:
        return Next(ContactState.PENDING, ended_at + policy.pause(disposition), counted=False)
    if disposition in FINAL or attempts_before + 1 >= policy.attempts:
        return Next(ContactState.NOT_REACHED, None, counted=True)
    return Next(ContactState.PENDING, ended_at + policy.pause(disposition), counted=True)
