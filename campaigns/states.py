"""The states of campaigns, bases, contacts and attempts. Pure, so that rules can name them without the database."""

from __future__ import annotations

from enum import StrEnum


class CampaignState(StrEnum):
    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    DELETING = "deleting"  # hidden; a job removes its rows


class BaseState(StrEnum):
    WAITING = "waiting"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ContactState(StrEnum):
    PENDING = "pending"  # still to be called (yellow)
    REACHED = "reached"  # heard the message (green)
    NOT_REACHED = "not_reached"  # given up (red)
    UNKNOWN = "unknown"  # the PBX died with the call; a person decides (red, counted apart)


class Disposition(StrEnum):
    """How an attempt ended; the open attempt has none."""

    REACHED = "reached"
    NOT_HEARD = "answered_not_heard"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    INVALID_NUMBER = "invalid_number"
    UNAVAILABLE = "unavailable"
    CONGESTION = "congestion"
    TRUNK_FAILURE = "trunk_failure"
    NOT_PLACED = "not_placed"
    EXPIRED = "expired"  # no calling window is left in which it could be called
    BLOCKED = "blocked"  # the trunk may not dial this number
    NOT_PREPARED = "not_prepared"  # its own data cannot be said; it was not called
    DO_NOT_CALL = "do_not_call"  # the number is on the list of those that are never called, or came on it by this call
    MACHINE = "machine"  # an answering machine took the call, and nothing was said to it
    UNKNOWN = "unknown"


class ReachedBy(StrEnum):
    """What made a callee count as reached."""

    TIME = "time"  # he heard the message for the notification time, or to its end
    PHRASE = "phrase"  # he heard its key phrase to the end
    KEY = "key"  # he pressed the key that says so, or talked with whom he was handed over to


class ExportState(StrEnum):
    WAITING = "waiting"
    WORKING = "working"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
