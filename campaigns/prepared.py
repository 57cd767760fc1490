"""The claim's part of messages of blocks: who has his sound is called with it, who has not is prepared first.

Everything here runs inside the claim's transaction, with the campaign locked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import false, select, update
from sqlalchemy.orm import Session

from campaigns.errors import CampaignError
from campaigns.message import flow
from campaigns.message.blocks import Message
from campaigns.message.prompts import Prompts
from campaigns.models import Attempt, Contact
from campaigns.states import ContactState, Disposition
from config import settings

#: Contacts without their sound taken out of the way at once, and messages remembered.
PARK, MESSAGES_KEPT = 2000, 50
#: In place of the stem of a sound, where a message of blocks comes in the call's variables.
NO_SOUND = "none"

contacts = Contact.__table__
attempts = Attempt.__table__

_messages: dict[str, Message] = {}


def message_of(campaign: Any) -> Message | None:
    """The campaign's message of blocks; rows or ORM objects. Read once for each version."""
    if campaign.message is None:
        return None
    found = _messages.get(campaign.message_version)
    if found is None:
        found = Message.model_validate(campaign.message)
        if len(_messages) >= MESSAGES_KEPT:
            _messages.clear()
        _messages[campaign.message_version] = found
    return found


def park(session: Session, campaign: Any, due: Sequence[Any], now: dt.datetime) -> bool:
    """Take contacts without the sound of the present message out of the way, until they have it.

    More of them than were read at once: behind a changed message there may be a hundred thousand.

    :returns: whether there were any.
    """
    if campaign.message is None or all(contact.prepared == campaign.message_version for contact in due):
        return False
    unprepared = select(contacts.c.id).where(
        contacts.c.campaign_id == campaign.id,
        contacts.c.state == ContactState.PENDING,
        contacts.c.due_at <= now,
        contacts.c.prepared != campaign.message_version,
    )
    unprepare(session, session.execute(unprepared.order_by(contacts.c.due_at).limit(PARK)).scalars().all())
    return True


def unprepare(session: Session, contact_ids: Sequence[int]) -> None:
    """These are not called before they were prepared (anew); nothing happens to those whose call is up."""
    is_open = select(attempts.c.open_for_contact).where(attempts.c.open_for_contact.in_(contact_ids))
    ids = set(contact_ids) - set(session.execute(is_open).scalars())
    concerned = update(contacts).where(contacts.c.id.in_(ids), contacts.c.state == ContactState.PENDING)
    session.execute(concerned.values(due_at=None, prompts=None, prepared="", put_off=false()))


def variables(
    session: Session,
    campaign: Any,
    trunk: Any,
    chosen: Sequence[Any],
    has_piece: Callable[[str], bool],
    now: dt.datetime,
) -> tuple[list[tuple[Any, dict[str, str]]], dict[int, set[str]]]:
    """These contacts with the variables of their calls; and those whose pieces this node lacks, with the stems."""
    message = message_of(campaign)
    if message is None:
        return [(contact, {}) for contact in chosen], {}
    names = _names(session, message, chosen)
    ready: list[tuple[Any, dict[str, str]]] = []
    lacking: dict[int, set[str]] = {}
    for contact in chosen:
        prompts = Prompts.from_json(contact.prompts)
        missing = {stem for stem in prompts.stems() if not has_piece(stem)}
        if missing:
            lacking[contact.id] = missing
            continue
        try:
            about = around(campaign, trunk, contact.number, now, names.get(contact.id, ""))
            found = flow.variables(message, prompts.places, about)
        except CampaignError as error:  # found while preparing, unless the trunk was changed since
            _end(session, contact.id, campaign.message_version, error.code)
            continue
        ready.append((contact, found))
    return ready, lacking


def _names(session: Session, message: Message, chosen: Sequence[Any]) -> dict[int, str]:
    """What the operators' telephones show; asked for only where somebody may be handed over."""
    if not message.name_column or not flow.hands_to_queue(message):
        return {}
    query = select(contacts.c.id, contacts.c.fields).where(contacts.c.id.in_([contact.id for contact in chosen]))
    return {key: str((fields or {}).get(message.name_column, "")) for key, fields in session.execute(query)}


def around(campaign: Any, trunk: Any, number: str, now: dt.datetime, name: str = "") -> flow.Around:
    """What a call needs to know besides its message; campaign and trunk are rows or ORM objects."""
    return flow.Around(
        number=number,
        name=name,
        caller_id=campaign.caller_id or next(iter(trunk.caller_ids or ()), ""),
        region=campaign.region,
        zone=ZoneInfo(campaign.timezone),
        now=now,
        trunk=trunk.name,
        template=trunk.template,
        number_prefix=trunk.number_prefix,
        allowed_prefixes=tuple(trunk.allowed_prefixes or ()),
        costly_allowed=trunk.costly_allowed,
        sip_hosts=tuple(settings.get().sip_hosts.split(",")),
    )


def longest_s(campaign: Any) -> float | None:
    """The most that a call of this campaign is billed, where it has a message of blocks; row or ORM object.

    Its ``sound_s`` is the longest first step of all contacts prepared so far.
    """
    message = message_of(campaign)
    return None if message is None else flow.billed_s(message, campaign.sound_s)


def channels_of_a_call(campaign: Any) -> int:
    """Channels that one call of this campaign may take: a hand-over to a number is a second call on the same trunk."""
    message = message_of(campaign)
    return 2 if message is not None and flow.dials_out(message) else 1


def _end(session: Session, contact_id: int, version: str, code: str) -> None:
    values: dict[str, Any] = {"state": ContactState.NOT_REACHED, "due_at": None, "prompts": None, "prepared": version}
    values |= {"prepare_code": code, "last_disposition": Disposition.NOT_PREPARED}
    session.execute(update(contacts).where(contacts.c.id == contact_id).values(**values))
