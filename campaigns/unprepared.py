"""Which contacts have no sound of their campaign's present message yet, and how many have it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns import piece_store
from campaigns.models import Attempt, Contact, ContactBase
from campaigns.states import BaseState, ContactState
from config import database

contacts = Contact.__table__
attempts = Attempt.__table__


def _ready_bases(campaign_id: int) -> Any:
    return select(ContactBase.id).where(ContactBase.campaign_id == campaign_id, ContactBase.state == BaseState.READY)


def _is_open() -> Any:
    return select(attempts.c.id).where(attempts.c.open_for_contact == contacts.c.id).exists()


def next_ones(session: Session, campaign_id: int, version: str, failed: Collection[int], limit: int) -> Sequence[Any]:
    """Contacts without the files of the present message: those that wait for them, then those due soon again.

    :param failed: ids of those that were tried already.
    """
    common = select(contacts.c.id, contacts.c.base_id, contacts.c.fields).where(
        contacts.c.campaign_id == campaign_id,
        contacts.c.state == ContactState.PENDING,
        contacts.c.base_id.in_(_ready_bases(campaign_id)),
    )
    if failed:
        common = common.where(contacts.c.id.not_in(failed))
    waiting = common.where(contacts.c.due_at.is_(None), ~_is_open()).order_by(contacts.c.id).limit(limit)
    found = session.execute(waiting).all()
    if found:
        return found
    soon = database.utcnow() + piece_store.SOON
    again = common.where(contacts.c.due_at < soon, contacts.c.prepared != version)
    return session.execute(again.order_by(contacts.c.due_at).limit(limit)).all()


def count_ready(session: Session, campaign_id: int, version: str, most: int) -> int:
    """Contacts that can be called within the hour with the sound that they have; counted to ``most``."""
    found = select(contacts.c.id).where(
        contacts.c.campaign_id == campaign_id,
        contacts.c.state == ContactState.PENDING,
        contacts.c.due_at < database.utcnow() + piece_store.SOON,
        contacts.c.prepared == version,
    )
    return int(session.scalar(select(func.count()).select_from(found.limit(most).subquery())) or 0)


def lacks(session: Session, campaign_id: int, version: str, ahead: int) -> bool:
    """Whether somebody has no sound yet, and fewer than ``ahead`` have it."""
    if count_ready(session, campaign_id, version, ahead) >= ahead:
        return False
    pending = select(contacts.c.id).where(
        contacts.c.campaign_id == campaign_id, contacts.c.state == ContactState.PENDING
    )
    due = contacts.c.due_at < database.utcnow() + piece_store.SOON
    waiting = pending.where(contacts.c.due_at.is_(None), ~_is_open())
    again = pending.where(due, contacts.c.prepared != version)
    return any(session.execute(query.limit(1)).first() for query in (waiting, again))


def parked(campaign_id: int) -> Any:
    """Ids of contacts that wait for their sound: pending, not due, no call up, and their base is ready."""
    return select(contacts.c.id).where(
        contacts.c.campaign_id == campaign_id,
        contacts.c.state == ContactState.PENDING,
        contacts.c.due_at.is_(None),
        contacts.c.base_id.in_(_ready_bases(campaign_id)),
        ~_is_open(),
    )
