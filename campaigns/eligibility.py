"""May this contact be called now? The one place that decides; the page that says why asks the same function. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from campaigns.phone_numbers import is_costly
from campaigns.windows import CallingWindows


class Rule(StrEnum):
    """Why a contact may not be called now, in the order in which the rules are asked."""

    OK = "ok"
    CONTACT_FINAL = "contact_final"
    ATTEMPT_OPEN = "attempt_open"
    CAMPAIGN_NOT_RUNNING = "campaign_not_running"
    NOT_PREPARED = "not_prepared"
    NOT_PUBLISHED = "base_not_ready"
    ATTEMPTS_USED = "attempts_used"
    PREFIX_NOT_ALLOWED = "prefix_not_allowed"
    COSTLY_NUMBER = "costly_number"
    DO_NOT_CALL = "do_not_call"
    NOT_DUE = "not_due"
    WINDOW_CLOSED = "window_closed"
    CAP_REACHED = "cap_reached"


@dataclass(frozen=True, slots=True)
class CampaignRules:
    """What the decision needs to know of a campaign and its trunk."""

    running: bool
    attempts: int
    windows: CallingWindows
    zone: ZoneInfo
    allowed_prefixes: Sequence[str] = ()
    costly_allowed: bool = False
    #: When the trunk's caps of the day begin anew; None while they leave room.
    cap_until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What the decision needs to know of a contact."""

    number: str
    attempts: int
    due_at: dt.datetime | None
    zone: ZoneInfo | None = None
    final: bool = False
    open_attempt: bool = False
    #: Its message is made of blocks, and its sound is not there yet.
    unprepared: bool = False
    #: The number is on the do-not-call list.
    do_not_call: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Yes, or the first rule that says no and the next moment when it may become yes (None: not by waiting)."""

    allowed: bool
    rule: Rule
    until: dt.datetime | None = None


def may_call(contact: ContactFacts, campaign: CampaignRules, now: dt.datetime) -> Verdict:
    """Decide for one contact at ``now`` (aware UTC). Limits of channels and rates are not asked here."""
    refusal = _without_clock(contact, campaign)
    if refusal is not None:
        return Verdict(False, refusal)
    assert contact.due_at is not None
    if contact.due_at > now:
        return Verdict(False, Rule.NOT_DUE, contact.due_at)
    zone = contact.zone or campaign.zone
    opens = campaign.windows.next_open(now, zone)
    if opens != now:
        return Verdict(False, Rule.WINDOW_CLOSED, opens)
    if campaign.cap_until is not None:
        return Verdict(False, Rule.CAP_REACHED, campaign.cap_until)
    return Verdict(True, Rule.OK)


def _without_clock(contact: ContactFacts, campaign: CampaignRules) -> Rule | None:
    prefixes = campaign.allowed_prefixes
    refusals = (
        (Rule.CONTACT_FINAL, contact.final),
        (Rule.ATTEMPT_OPEN, contact.open_attempt),
        (Rule.CAMPAIGN_NOT_RUNNING, not campaign.running),
        (Rule.NOT_PREPARED, contact.unprepared),
        (Rule.NOT_PUBLISHED, contact.due_at is None),
        (Rule.ATTEMPTS_USED, contact.attempts >= campaign.attempts),
        (Rule.PREFIX_NOT_ALLOWED, bool(prefixes) and not contact.number.startswith(tuple(prefixes))),
        (Rule.COSTLY_NUMBER, not campaign.costly_allowed and is_costly(contact.number)),
        (Rule.DO_NOT_CALL, contact.do_not_call),
    )
    return next((rule for rule, applies in refusals if applies), None)
