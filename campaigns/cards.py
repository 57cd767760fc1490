"""The card of a call: all that who talks with the callee wants to know, under the call's own id.

The PBX names it to the operator's telephone with the call (header X-Obzvon-Card), with what the callee did so far: the
database learns that at the end of the call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from campaigns import message_editing, prepared, step_statistics
from campaigns.errors import CampaignError
from campaigns.message.blocks import Message
from campaigns.message.compose import language_of
from campaigns.models import Attempt, AttemptStep, Campaign, Contact, DoNotCall, FailedHandover
from config import audit, database, settings
from config.errors import ObzvonError
from config.i18n import N_
from dialer.calls import UID_LENGTH, StepDone

SENTENCES = {"attempt_missing": N_("There is no such call.")}

_UID = re.compile(rf"[0-9a-z]{{{UID_LENGTH}}}")
#: One step as the PBX writes it: ``step.result.name.value``.
_DONE = re.compile(
    r"([a-z][a-z0-9]{0,15})\.([0-9*#]|none|invalid|end)\.((?:[a-z][a-z0-9_]{0,29})?)\.((?:[0-9a-z][0-9a-z_]{0,29})?)"
)


@dataclass(frozen=True)
class Said:
    """Words of one step for this contact."""

    step: str
    words: str


@dataclass(frozen=True)
class Card:
    """A call, whom it went to, and what is known of him."""

    attempt: Attempt
    contact: Contact
    campaign: Campaign
    #: As the message's column of names says; '' without one.
    name: str
    #: The language in which he hears the message; '' when all hear one sound.
    language: str
    said: Sequence[Said]
    #: Why the words cannot be told.
    problem: ObzvonError | None
    #: The message is another one now than it was in this call.
    changed: bool
    #: What he did in this call, in order; while it is up as far as the PBX told.
    steps: Sequence[AttemptStep | StepDone]
    #: Every call to him in this campaign, this one among them, first to last.
    attempts: Sequence[Attempt]
    steps_of: Mapping[int, Sequence[AttemptStep]]
    failed_handovers: Mapping[int, Sequence[FailedHandover]]
    #: His number is on the do-not-call list.
    do_not_call: bool
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def up(self) -> bool:
        """The call has not ended."""
        return self.attempt.disposition is None

    @property
    def test_call(self) -> bool:
        """It tries a message: its own campaign is hidden."""
        return self.campaign.test_of is not None


def opened(uid: str, so_far: str = "") -> Card:
    """The card of this call, for somebody who looks at it: the audit trail says so.

    :param so_far: what the callee did, as the PBX told it with the call.
    :raises CampaignError: attempt_missing.
    """
    found = card(uid, so_far)
    audit.record("card_opened", "attempt", uid, campaign=found.campaign.id)
    return found


def is_up(uid: str) -> bool:
    """This call has not ended; what is looked at again and again is no entry of the audit trail.

    :raises CampaignError: attempt_missing.
    """
    return _rows(uid)[0].disposition is None


def card(uid: str, so_far: str = "") -> Card:
    """The card of this call.

    :raises CampaignError: attempt_missing.
    """
    attempt, contact, campaign, unwanted = _rows(uid)
    fields = {str(name): str(value) for name, value in (contact.fields or {}).items()}
    message = prepared.message_of(campaign)
    said, problem = _said(message, campaign, fields)
    attempts = step_statistics.attempts_of(contact.id)
    ids = [one.id for one in attempts]
    steps_of = step_statistics.of_attempts(ids)
    done: Sequence[AttemptStep | StepDone] = steps_of.get(attempt.id, [])
    if attempt.disposition is None and message is not None:
        done = read_steps(so_far, message)
    return Card(
        attempt=attempt,
        contact=contact,
        campaign=campaign,
        name=fields.get(message.name_column, "") if message is not None else "",
        language=language_of(message, fields) if message is not None else "",
        said=said,
        problem=problem,
        changed=message is not None and contact.prepared not in ("", campaign.message_version),
        steps=done,
        attempts=attempts,
        steps_of=steps_of,
        failed_handovers=step_statistics.failed_handovers(ids),
        do_not_call=unwanted,
        fields=fields,
    )


def address(uid: str) -> str:
    """Where the card of this call is; a path where nobody said how people reach the pages."""
    return f"{settings.get().public_url}/cards/{uid}"


def _rows(uid: str) -> tuple[Attempt, Contact, Campaign, bool]:
    missing = CampaignError("attempt_missing", SENTENCES["attempt_missing"], status=404)
    if not _UID.fullmatch(uid):
        raise missing
    with database.read() as session:
        attempt = session.query(Attempt).filter_by(uid=uid).one_or_none()
        contact = session.get(Contact, attempt.contact_id) if attempt is not None else None
        campaign = session.get(Campaign, attempt.campaign_id) if attempt is not None else None
        if attempt is None or contact is None or campaign is None:
            raise missing
        return attempt, contact, campaign, session.get(DoNotCall, contact.number) is not None


def _said(
    message: Message | None, campaign: Campaign, fields: Mapping[str, str]
) -> tuple[list[Said], ObzvonError | None]:
    """Words by step; a value that cannot be said is told instead."""
    if message is None:
        return [], None
    try:
        words = message_editing.preview_text(campaign.id, fields=fields)
    except ObzvonError as error:
        return [], error
    return [Said(step, words[step]) for step in message.all_steps() if words.get(step)], None


def read_steps(text: str, message: Message) -> list[StepDone]:
    """What the PBX told with the call; anything that this message cannot have brought about is left out."""
    found = []
    for row in text.split("~"):
        match = _DONE.fullmatch(row)
        if match and match[1] in message.all_steps():
            found.append(StepDone(match[1], match[2], match[3], match[4]))
    return found
