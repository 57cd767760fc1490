"""What a report reads: pages of contacts, attempts and rejected rows, each a short query of its own.

Keyset pages, so that memory stays constant, a page costs the same at row ten and at row a million, and no transaction
stays open while a page is written. Every order is one that an index already has: ``(base_id, id)`` and
``(campaign_id, claimed_at, id)``; both databases keep the primary key at the end of every index.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, func, or_, select
from sqlalchemy.sql import Select

from campaigns.errors import CampaignError
from campaigns.message.blocks import FieldBlock, Message, SoundBlock, TextBlock
from campaigns.models import Attempt, Campaign, Contact, ContactBase, RejectedRow
from campaigns.states import BaseState
from config import database

#: Rows read at once.
PAGE = 2000


@dataclass(frozen=True)
class Overview:
    """The campaign, its bases and how much there is to write."""

    campaign: Campaign
    bases: Sequence[ContactBase]
    contacts: int
    attempts: int


def message_told(campaign: Campaign) -> str:
    """What is said first, in a line: words, [columns], and the names of sounds; or the name of the only sound."""
    if campaign.message is None:
        return campaign.sound_name
    message = Message.model_validate(campaign.message)
    parts = []
    for block in message.variants[message.default_language]:
        if isinstance(block, TextBlock):
            parts.append(block.text)
        elif isinstance(block, FieldBlock):
            parts.append(f"[{block.column}]")
        elif isinstance(block, SoundBlock):
            parts.append(f"♪ {block.name}")
    return " ".join(parts)[:1000]


@dataclass(frozen=True, slots=True)
class Calls:
    """The attempts of one contact together."""

    first_at: dt.datetime
    last_at: dt.datetime
    listened_s: float  # the longest


def overview(campaign_id: int) -> Overview:
    """Read what is small.

    :raises CampaignError: ``campaign_missing``.
    """
    with database.read() as session:
        campaign = session.get(Campaign, campaign_id)
        if campaign is None:
            raise CampaignError("campaign_missing", "There is no such campaign.", status=404)
        bases = session.execute(
            select(ContactBase)
            .where(ContactBase.campaign_id == campaign_id, ContactBase.state != BaseState.CANCELLED)
            .order_by(ContactBase.id)
        ).scalars()
        return Overview(
            campaign,
            list(bases),
            _count(session, Contact, campaign_id),
            _count(session, Attempt, campaign_id),
        )


def _count(session: Any, model: Any, campaign_id: int) -> int:
    query = select(func.count()).select_from(model).where(model.campaign_id == campaign_id)
    return int(session.execute(query).scalar_one())


def field_names(base_ids: Sequence[int], step: Callable[[int], None]) -> list[str]:
    """The columns of all bases together, each once, in the order in which they first appear in a contact.

    Reads all contacts: a row may have cells that the heading did not name, and the sheet's heading is written first.

    :param step: gets the number of contacts read, page by page.
    """
    names: dict[str, None] = {}
    for base_id in base_ids:
        query = select(Contact.id, Contact.fields).where(Contact.base_id == base_id).order_by(Contact.id)
        for page in _pages_by_id(query, Contact.id):
            for _, fields in page:
                if not names.keys() >= fields.keys():
                    names.update(dict.fromkeys(fields))
            step(len(page))
    return list(names)


def contacts(base_id: int) -> Iterator[list[tuple[Row[*tuple[Any, ...]], Calls | None]]]:
    """Pages of a base's contacts in the order of the file, each contact with its calls."""
    query = (
        select(
            Contact.id,
            Contact.line,
            Contact.number,
            Contact.fields,
            Contact.timezone,
            Contact.state,
            Contact.attempts,
            Contact.last_disposition,
            Contact.prepare_code,
            Contact.prepare_column,
        )
        .where(Contact.base_id == base_id)
        .order_by(Contact.id)
    )
    for page in _pages_by_id(query, Contact.id):
        calls = _calls(base_id, page[0].id, page[-1].id)
        yield [(row, calls.get(row.id)) for row in page]


def _calls(base_id: int, first_id: int, last_id: int) -> dict[int, Calls]:
    """The calls of this base's contacts between two ids."""
    query = (
        select(
            Contact.id,
            func.min(Attempt.claimed_at),
            func.max(Attempt.claimed_at),
            func.max(Attempt.listened_s),
        )
        .join(Attempt, Attempt.contact_id == Contact.id)
        .where(Contact.base_id == base_id, Contact.id.between(first_id, last_id))
        .group_by(Contact.id)
    )
    with database.read() as session:
        return {contact_id: Calls(first, last, heard) for contact_id, first, last, heard in session.execute(query)}


def attempts(campaign_id: int) -> Iterator[Sequence[Row[*tuple[Any, ...]]]]:
    """Pages of a campaign's attempts by the time of the claim."""
    query = (
        select(
            Attempt.id,
            Attempt.uid,
            Contact.number,
            Attempt.number_of_attempt,
            Attempt.counted,
            Attempt.claimed_at,
            Attempt.answered_at,
            Attempt.ended_at,
            Attempt.disposition,
            Attempt.sip_code,
            Attempt.cause,
            Attempt.listened_s,
            Attempt.machine,
            Attempt.machine_cause,
            Attempt.detail,
            Attempt.reached_by,
            Attempt.handover,
            Attempt.handover_result,
            Attempt.waited_s,
            Attempt.talked_s,
        )
        .join(Contact, Contact.id == Attempt.contact_id)
        .where(Attempt.campaign_id == campaign_id)
        .order_by(Attempt.claimed_at, Attempt.id)
        .limit(PAGE)
    )
    page = _page(query)
    while page:
        yield page
        last = page[-1]
        page = _page(
            query.where(
                # The first condition is implied by the second, but it is the one that an index can be entered with.
                Attempt.claimed_at >= last.claimed_at,
                or_(Attempt.claimed_at > last.claimed_at, Attempt.id > last.id),
            )
        )


def rejected(base_id: int) -> Iterator[Sequence[Row[*tuple[Any, ...]]]]:
    """Pages of a base's rejected rows by line."""
    query = (
        select(RejectedRow.id, RejectedRow.line, RejectedRow.code, RejectedRow.value, RejectedRow.detail)
        .where(RejectedRow.base_id == base_id)
        .order_by(RejectedRow.line, RejectedRow.id)
        .limit(PAGE)
    )
    page = _page(query)
    while page:
        yield page
        last = page[-1]
        later = or_(RejectedRow.line > last.line, RejectedRow.id > last.id)
        page = _page(query.where(and_(RejectedRow.line >= last.line, later)))


def _pages_by_id(query: Select[*tuple[Any, ...]], key: Any) -> Iterator[Sequence[Row[*tuple[Any, ...]]]]:
    page = _page(query.limit(PAGE))
    while page:
        yield page
        page = _page(query.where(key > page[-1].id).limit(PAGE))


def _page(query: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
    with database.read() as session:
        return session.execute(query).all()
