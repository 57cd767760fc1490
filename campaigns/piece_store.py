"""This home's pieces of messages: which are needed, and how they keep within their limit (``tts.pieces``)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from campaigns.message.prompts import Prompts
from campaigns.models import Attempt, Campaign, Contact, SoundFile
from campaigns.states import CampaignState, ContactState
from config import database, settings
from tts.pieces import Pieces

#: Whoever is due within this time counts as needed now.
SOON = dt.timedelta(hours=1)
#: Contacts whose pieces are given up at once.
RELEASED = 5000

contacts = Contact.__table__


def pieces() -> Pieces:
    """This home's pieces."""
    return Pieces(settings.get().played)


def most_bytes() -> int:
    """Their limit."""
    return settings.get().speech_cache_mb * 2**20


def make_room() -> bool:
    """Keep the pieces within their limit; those of stopped campaigns, and those due later, make room for the others."""
    most, kept = most_bytes(), pieces()
    if kept.drop_unused(most, needed).now < most:
        return True
    if not database.write(_release):
        return False
    return kept.drop_unused(most, needed).now < most


def needed() -> set[str]:
    """Files that a contact still to be called, or a call that is up, may need."""
    query = select(contacts.c.prompts).where(contacts.c.state == ContactState.PENDING, contacts.c.prompts.is_not(None))
    found: set[str] = set()
    with database.read() as session:
        for prompts in session.execute(query.execution_options(yield_per=1000)).scalars():
            found |= Prompts.from_json(prompts).stems()
    return found


def _release(session: Session) -> int:
    """Take back what was made for contacts of stopped campaigns, and then for those that are due late.

    It is made again when they are started, or when their time comes.
    """
    stopped = select(Campaign.id).where(Campaign.state.in_([CampaignState.STOPPED, CampaignState.DELETING]))
    is_open = select(Attempt.id).where(Attempt.open_for_contact == contacts.c.id).exists()
    waiting = (contacts.c.state == ContactState.PENDING, contacts.c.prompts.is_not(None))
    for which in (
        select(contacts.c.id).where(*waiting, contacts.c.campaign_id.in_(stopped), ~is_open),
        select(contacts.c.id)
        .where(*waiting, contacts.c.due_at > database.utcnow() + SOON)
        .order_by(contacts.c.due_at.desc()),
    ):
        chosen = list(session.execute(which.limit(RELEASED)).scalars())
        if chosen:
            session.execute(update(contacts).where(contacts.c.id.in_(chosen)).values(prompts=None, prepared=""))
            return len(chosen)
    return 0


def forget(stems: set[str]) -> None:
    """Remove these pieces, unless somebody else hears the same words."""
    gone = sorted(stems - needed()) if stems else []
    if gone:
        pieces().drop(gone)
        database.write(
            lambda session: session.execute(delete(SoundFile).where(SoundFile.made, SoundFile.stem.in_(gone)))
        )
