"""The words of the Excel report, marked for translation."""

from __future__ import annotations

from campaigns import speaking
from campaigns.bases import ROW_SENTENCES
from campaigns.message import compose, flow
from campaigns.states import CampaignState, ContactState, Disposition, ReachedBy
from config.i18n import N_
from dialer.calls import HandoverResult
from tts import phrases
from tts.engines import speech

CAMPAIGN_STATES: dict[str, str] = {
    CampaignState.DRAFT: N_("Draft"),
    CampaignState.RUNNING: N_("Running"),
    CampaignState.PAUSED: N_("Paused"),
    CampaignState.FINISHED: N_("Finished"),
    CampaignState.STOPPED: N_("Stopped"),
    CampaignState.DELETING: N_("Being deleted"),
}

RESULTS: dict[str, str] = {
    ContactState.REACHED: N_("Reached"),
    ContactState.NOT_REACHED: N_("Not reached"),
    ContactState.PENDING: N_("Still to call"),
    ContactState.UNKNOWN: N_("Unknown"),
}

DISPOSITIONS: dict[str, str] = {
    Disposition.REACHED: N_("Reached"),
    Disposition.NOT_HEARD: N_("Answered, not heard"),
    Disposition.BUSY: N_("Busy"),
    Disposition.NO_ANSWER: N_("No answer"),
    Disposition.DECLINED: N_("Declined"),
    Disposition.INVALID_NUMBER: N_("Invalid number"),
    Disposition.UNAVAILABLE: N_("Unavailable"),
    Disposition.CONGESTION: N_("Congestion"),
    Disposition.TRUNK_FAILURE: N_("Trunk failure"),
    Disposition.NOT_PLACED: N_("Not placed"),
    Disposition.EXPIRED: N_("Expired"),
    Disposition.BLOCKED: N_("Not allowed on the trunk"),
    Disposition.NOT_PREPARED: N_("Message not prepared"),
    Disposition.DO_NOT_CALL: N_("Do not call"),
    Disposition.MACHINE: N_("Answering machine"),
    Disposition.UNKNOWN: N_("Unknown"),
}

#: What answered, as it was heard.
MACHINES: dict[str, str] = {
    "human": N_("A person"),
    "machine": N_("Answering machine"),
    "doubtful": N_("Doubtful"),
}

REACHED_BY: dict[str, str] = {
    ReachedBy.TIME: N_("time of listening"),
    ReachedBy.PHRASE: N_("key phrase"),
    ReachedBy.KEY: N_("key or conversation"),
}

HANDOVERS: dict[str, str] = {
    HandoverResult.TALKED: N_("Talked"),
    HandoverResult.GAVE_UP: N_("Hung up while waiting"),
    HandoverResult.TIMEOUT: N_("Nobody took the call in time"),
    HandoverResult.NOBODY: N_("No operator was there"),
    HandoverResult.FULL: N_("Too many were waiting"),
    HandoverResult.BUSY: N_("Busy"),
    HandoverResult.NO_ANSWER: N_("No answer"),
    HandoverResult.NOT_ALLOWED: N_("Not allowed on the trunk"),
    HandoverResult.FAILED: N_("Failed"),
}

#: What a callee did at a step, by ``attempt_step.result``; a key stands for itself.
STEP_RESULTS: dict[str, str] = {
    "none": N_("no key"),
    "invalid": N_("a key or number that means nothing"),
    "end": N_("said to its end"),
    "gone": N_("hung up within it"),
}
#: The first step of a message, and a queue as the place of a hand-over.
BEGINNING = N_("Beginning")
QUEUE = N_("queue {name}")

#: An attempt without outcome.
IN_PROGRESS = N_("In progress")

#: Why a contact's message could not be prepared, by ``contact.prepare_code``.
PREPARE: dict[str, str] = {**phrases.SENTENCES, **speech.SENTENCES, **flow.SENTENCES, **compose.SENTENCES}
PREPARE |= speaking.SENTENCES

#: Why a row of a base became no contact.
REASONS: dict[str, str] = ROW_SENTENCES

SHEET_SUMMARY = N_("Summary")
SHEET_CONTACTS = N_("Contacts")
SHEET_ATTEMPTS = N_("Attempts")
SHEET_REJECTED = N_("Rejected rows")

# Column headings; {zone} is the name of the zone in which the times are given.
LINE = N_("Line")
BASE = N_("Base")
NUMBER = N_("Number")
ZONE = N_("Zone")
RESULT = N_("Result")
ATTEMPTS = N_("Attempts")
LAST_DISPOSITION = N_("Last disposition")
NOT_SAID = N_("Why its message was not prepared")
LISTENED = N_("Seconds listened")
FIRST_CALL = N_("First call ({zone})")
LAST_CALL = N_("Last call ({zone})")
ATTEMPT = N_("Attempt")
COUNTED = N_("Counted")
CALLED = N_("Called ({zone})")
ANSWERED = N_("Answered ({zone})")
ENDED = N_("Ended ({zone})")
DISPOSITION = N_("Disposition")
SIP_CODE = N_("SIP code")
CAUSE = N_("Cause (Q.850)")
DETAIL = N_("Detail")
MACHINE = N_("What answered")
MACHINE_CAUSE = N_("Cause of that")
REACHED_HOW = N_("Reached by")
HANDED_TO = N_("Handed over to")
HANDOVER = N_("Result of the hand-over")
WAITED = N_("Seconds waited")
TALKED = N_("Seconds talked")
HANDED_BEFORE = N_("Hand-overs before it")
STEPS = N_("Steps")
CARD = N_("Card")
REASON = N_("Reason")
CODE = N_("Code")
CELL = N_("Cell as sent")
YES = N_("Yes")
NO = N_("No")

# The summary sheet.
CAMPAIGN = N_("Campaign")
STATE = N_("State")
MESSAGE = N_("Message")
STARTED = N_("Started ({zone})")
FINISHED = N_("Finished ({zone})")
WRITTEN = N_("Report written ({zone})")
ROWS = N_("Rows in the bases")
REJECTED = N_("Rejected")
DUPLICATES = N_("Duplicates")
CONTACTS = N_("Contacts")
SHARE = N_("Share")
COUNT = N_("Count")
BY_DISPOSITION = N_("Attempts by disposition")
BY_REACHED = N_("Reached, by what")
BY_STEP = N_("What callees did at each step")
BY_HANDOVER = N_("Hand-overs")
COMMENT = N_("Comment")
ACCEPTED = N_("Contacts accepted")
