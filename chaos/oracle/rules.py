"""What the product promises about outcomes and retries, said a second time: from its documents, not from its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REACHED, NOT_HEARD, BUSY, NO_ANSWER = "reached", "answered_not_heard", "busy", "no_answer"
DECLINED, INVALID, UNAVAILABLE, CONGESTION = "declined", "invalid_number", "unavailable", "congestion"
TRUNK_FAILURE, NOT_PLACED, UNKNOWN = "trunk_failure", "not_placed", "unknown"
#: Of contacts that were given up without a call.
BLOCKED, EXPIRED, NOT_PREPARED = "blocked", "expired", "not_prepared"

#: Of a callee who asked for no more calls, and of contacts whose number is on that list.
DO_NOT_CALL = "do_not_call"

ANSWERED = frozenset({REACHED, NOT_HEARD, DO_NOT_CALL})
#: Nobody calls again after these.
LAST = frozenset({REACHED, INVALID, UNKNOWN, DO_NOT_CALL})
#: How a contact may end that is not called (any more).
WITHOUT_A_CALL = frozenset({BLOCKED, EXPIRED, NOT_PREPARED, DO_NOT_CALL})
#: The carrier never saw the call.
NEVER_SENT = frozenset({TRUNK_FAILURE, NOT_PLACED})
#: The carrier saw the call, and nobody picked up.
REFUSED = frozenset({BUSY, NO_ANSWER, DECLINED, INVALID, UNAVAILABLE, CONGESTION})
OF_ATTEMPTS = ANSWERED | NEVER_SENT | REFUSED | {UNKNOWN}

#: Contact states.
PENDING, CONTACT_REACHED, NOT_REACHED, CONTACT_UNKNOWN = "pending", "reached", "not_reached", "unknown"
FINAL = frozenset({CONTACT_REACHED, NOT_REACHED, CONTACT_UNKNOWN})

#: The rehearsal carrier: last two digits -> what an unanswered call of that number is.
_UNANSWERED = {
    "01": BUSY,
    "02": NO_ANSWER,
    "03": INVALID,
    "04": DECLINED,
    "05": CONGESTION,
    "10": UNAVAILABLE,
    "11": BUSY,
    "14": BUSY,
    "15": NO_ANSWER,
}
#: The codes with which those end that never pick up.
SIP_CODES = {"01": 486, "03": 404, "04": 603, "05": 503, "10": 480, "14": 486}


def unanswered_as(number: str) -> str:
    """What an unanswered call to this number of the rehearsal carrier must be called."""
    return _UNANSWERED.get(number[-2:], NO_ANSWER)


def counts(disposition: str, counted: bool) -> bool:
    """Whether ``counted`` may stand beside this disposition. Congestion is given back when the trunk itself is ill."""
    if disposition == CONGESTION:
        return True
    return counted == (disposition not in NEVER_SENT)


def pause_s(campaign: Mapping[str, Any], disposition: str, uncounted_before: int) -> float:
    """The least time between the end of an attempt and the next one."""
    if disposition == NOT_PLACED:
        return float(2 * 2 ** min(uncounted_before, 7))
    column = {
        BUSY: "retry_busy_s",
        NO_ANSWER: "retry_no_answer_s",
        UNAVAILABLE: "retry_no_answer_s",
        NOT_HEARD: "retry_s",
    }.get(disposition, "retry_failed_s")
    own = campaign.get(column)
    return float(campaign["retry_s"] if own is None else own)


def heard_s(campaign: Mapping[str, Any]) -> float:
    """How long a person must have been connected to be called reached: the notification time, or the whole message."""
    notification, sound = float(campaign["notification_s"]), float(campaign["sound_s"] or 0.0)
    return min(notification, sound) if sound > 0 else notification
