"""This home's pieces of messages: which are needed, and how they keep within their limit (``tts.pieces``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from campaigns.message.blocks import Message
from campaigns.message.prompts import Prompts
from campaigns.models import Attempt, Campaign, Contact, Preparation, SoundFile
from campaigns.states import CampaignState, ContactState
from config import database, settings
from config.i18n import N_
from tts.loudness import RATE_HZ
from tts.pieces import Pieces

#: What a campaign that does not run is told when it has no room.
GIVEN_UP = "speech_cache_for_running"
SENTENCES = {
    GIVEN_UP: N_(
        "Campaigns that call need the room for spoken pieces of messages: the sound of this one is made when it is"
        " started."
    ),
}
#: Whoever is due within this time counts as needed now.
SOON = dt.timedelta(hours=1)
#: Contacts whose pieces are given up at once.
RELEASED = 5000
#: Campaigns that do not run have sound made while all that is needed takes less than this share of the limit. The rest
#: is for those that call, so that what was given up for them is not made again at once.
SHARE_AT_REST = 0.75
#: So much of the limit is given up at once.
SHARE_RELEASED = 0.1
BYTES_OF_A_SECOND = RATE_HZ * 2
#: In this order their sound is given up for those that call.
AT_REST = (
    (CampaignState.STOPPED, CampaignState.FINISHED, CampaignState.DELETING),
    (CampaignState.DRAFT,),
    (CampaignState.PAUSED,),
)

contacts = Contact.__table__


def pieces() -> Pieces:
    """This home's pieces."""
    return Pieces(settings.get().played)


def most_bytes() -> int:
    """Their limit."""
    return settings.get().speech_cache_mb * 2**20


def make_room() -> bool:
    """Keep the pieces within their limit; those of campaigns that do not run, and those due later, make room."""
    most, kept = most_bytes(), pieces()
    now = kept.drop_unused(most, needed).now
    while now >= most and database.write(_release_at_rest):
        before, now = now, kept.drop_unused(most, needed).now
        if now == before:  # used a moment ago: later
            break
    if now >= most and database.write(_release_late):
        now = kept.drop_unused(most, needed).now
    return now < most


def has_room_at_rest() -> bool:
    """Whether a campaign that does not run may have sound made."""
    most, kept = most_bytes(), pieces()
    mark = int(most * SHARE_AT_REST)
    if kept.is_small(mark) or kept.size() < mark:
        return True
    return kept.size(needed()) < mark and kept.drop_unused(most, needed).now < most


def needed() -> set[str]:
    """Files that a contact still to be called, or a call that is up, may need."""
    query = select(contacts.c.prompts).where(contacts.c.state == ContactState.PENDING, contacts.c.prompts.is_not(None))
    found: set[str] = set()
    with database.read() as session:
        for prompts in session.execute(query.execution_options(yield_per=1000)).scalars():
            found |= Prompts.from_json(prompts).stems()
    return found


def _release_at_rest(session: Session) -> int:
    """Take back what was made for contacts of campaigns that do not run; it is made again when they are started."""
    is_open = select(Attempt.id).where(Attempt.open_for_contact == contacts.c.id).exists()
    for states in AT_REST:
        rows = session.execute(select(Campaign.id, Campaign.message).where(Campaign.state.in_(states))).all()
        # Where all hear the same, nothing would be won.
        ids = [row.id for row in rows if row.message is None or Message.model_validate(row.message).personal]
        held = select(contacts.c.id, contacts.c.campaign_id, contacts.c.prompts).where(
            contacts.c.state == ContactState.PENDING,
            contacts.c.prompts.is_not(None),
            contacts.c.campaign_id.in_(ids),
            ~is_open,
        )
        chosen = _enough(session.execute(held.limit(RELEASED)).all())
        if chosen:
            concerned = {row.campaign_id for row in chosen}
            told = update(Preparation).where(Preparation.campaign_id.in_(concerned))
            session.execute(told.values(problem=GIVEN_UP, words=None))
            _give_up(session, [row.id for row in chosen])
            return len(chosen)
    return 0


def _enough(rows: Sequence[Any]) -> list[Any]:
    """As many of them as make some room, not more: what they had would have to be made again."""
    chosen, seconds = [], 0.0
    for row in rows:
        chosen.append(row)
        seconds += Prompts.from_json(row.prompts).seconds
        if seconds * BYTES_OF_A_SECOND > most_bytes() * SHARE_RELEASED:
            break
    return chosen


def _release_late(session: Session) -> int:
    """Take back what was made for contacts that are due late; it is made again when their time comes."""
    held = select(contacts.c.id).where(
        contacts.c.state == ContactState.PENDING,
        contacts.c.prompts.is_not(None),
        contacts.c.due_at > database.utcnow() + SOON,
    )
    chosen = list(session.scalars(held.order_by(contacts.c.due_at.desc()).limit(RELEASED)))
    _give_up(session, chosen)
    return len(chosen)


def _give_up(session: Session, contact_ids: list[int]) -> None:
    session.execute(update(contacts).where(contacts.c.id.in_(contact_ids)).values(prompts=None, prepared=""))


def forget(stems: set[str]) -> None:
    """Remove these pieces, unless somebody else hears the same words."""
    gone = sorted(stems - needed()) if stems else []
    if gone:
        pieces().drop(gone)
        database.write(
            lambda session: session.execute(delete(SoundFile).where(SoundFile.made, SoundFile.stem.in_(gone)))
        )
