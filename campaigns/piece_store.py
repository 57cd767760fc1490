"""This home's pieces of messages: which are needed, and how they keep within their limit (``tts.pieces``)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from campaigns.message.prompts import Prompts
from campaigns.models import Contact, SoundFile
from campaigns.states import ContactState
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
    """Keep the pieces within their limit; those due later are dropped before a limit is passed."""
    most, kept = most_bytes(), pieces()
    if kept.drop_unused(most, needed).now < most:
        return True
    if not database.write(_release_far):
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


def _release_far(session: Session) -> int:
    """Take back what was made for contacts that are due late: it is made again when their time comes."""
    far = (
        contacts.c.state == ContactState.PENDING,
        contacts.c.due_at > database.utcnow() + SOON,
        contacts.c.prompts.is_not(None),
    )
    latest = select(contacts.c.id).where(*far).order_by(contacts.c.due_at.desc()).limit(RELEASED)
    chosen = list(session.execute(latest).scalars())
    if chosen:
        session.execute(update(contacts).where(contacts.c.id.in_(chosen)).values(prompts=None, prepared=""))
    return len(chosen)


def forget(stems: set[str]) -> None:
    """Remove these pieces, unless somebody else hears the same words."""
    gone = sorted(stems - needed()) if stems else []
    if gone:
        pieces().drop(gone)
        database.write(
            lambda session: session.execute(delete(SoundFile).where(SoundFile.made, SoundFile.stem.in_(gone)))
        )
