"""What the pages and the API read: lists with filters, sorting and pages. Nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from campaigns import exports as campaign_exports
from campaigns import store
from campaigns.base_loading import DUPLICATE
from campaigns.errors import CampaignError
from campaigns.models import Attempt, Campaign, Contact, ContactBase, DoNotCall, Export, RejectedRow
from campaigns.states import BaseState, CampaignState
from config import database
from config.i18n import N_
from dialer.models import Trunk, trunk_node

T = TypeVar("T")

#: Active first: what calls or waits for a decision stands above what is over (N12).
STATE_ORDER = (
    CampaignState.RUNNING,
    CampaignState.PAUSED,
    CampaignState.DRAFT,
    CampaignState.STOPPED,
    CampaignState.FINISHED,
)


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a list; pages count from 1."""

    items: Sequence[T]
    page: int
    per_page: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.per_page))

    @property
    def first(self) -> int:
        return (self.page - 1) * self.per_page + 1 if self.total else 0

    @property
    def last(self) -> int:
        return min(self.page * self.per_page, self.total)


def _page(session: Session, query: Select[Any], page: int, per_page: int) -> Page[Any]:
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    pages = max(1, -(-total // per_page))
    page = min(max(page, 1), pages)
    rows = session.execute(query.limit(per_page).offset((page - 1) * per_page)).all()
    items = [row[0] if len(row) == 1 else row for row in rows]
    return Page(items, page, per_page, total)


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


CAMPAIGN_SORTS = {
    "active": (
        case({state.value: index for index, state in enumerate(STATE_ORDER)}, value=Campaign.state, else_=9),
        Campaign.id.desc(),
    ),
    "name": (func.lower(Campaign.name), Campaign.id),
    "newest": (Campaign.id.desc(),),
    "oldest": (Campaign.id,),
}


def campaigns(
    *, state: str = "", name: str = "", sort: str = "active", page: int = 1, per_page: int = 20
) -> Page[Campaign]:
    """Campaigns that are not being deleted, without those of test calls."""
    query = select(Campaign).where(Campaign.state != CampaignState.DELETING, Campaign.test_of.is_(None))
    if state:
        query = query.where(Campaign.state == state)
    if name.strip():
        query = query.where(func.lower(Campaign.name).like(_like(name.strip().lower()), escape="\\"))
    query = query.order_by(*CAMPAIGN_SORTS.get(sort, CAMPAIGN_SORTS["active"]))
    with database.read() as session:
        return _page(session, query, page, per_page)


def trunk(trunk_id: int) -> Trunk:
    """One trunk.

    :raises CampaignError: trunk_missing.
    """
    with database.read() as session:
        found = session.get(Trunk, trunk_id)
    if found is None:
        raise CampaignError("trunk_missing", N_("There is no such trunk: choose another."), status=404)
    return found


def bases(campaign_id: int) -> list[ContactBase]:
    """The bases of a campaign, newest first."""
    with database.read() as session:
        return list(
            session.scalars(
                select(ContactBase)
                .where(ContactBase.campaign_id == campaign_id, ContactBase.state != BaseState.CANCELLED)
                .order_by(ContactBase.id.desc())
            )
        )


def base(campaign_id: int, base_id: int) -> ContactBase:
    """One base of this campaign.

    :raises CampaignError: base_missing.
    """
    with database.read() as session:
        found = session.get(ContactBase, base_id)
    if found is None or found.campaign_id != campaign_id:
        raise CampaignError("base_missing", N_("There is no such base; somebody may have deleted it."), status=404)
    return found


def rejected(base_id: int, *, code: str = "", page: int = 1, per_page: int = 50) -> Page[Rejected]:
    """Rows of a base that became no contact, in the order of the file."""
    query = select(RejectedRow).where(RejectedRow.base_id == base_id)
    if code:
        query = query.where(RejectedRow.code == code)
    with database.read() as session:
        found = _page(session, query.order_by(RejectedRow.line, RejectedRow.id), page, per_page)
        return Page(_with_words(session, found.items), found.page, found.per_page, found.total)


@dataclass(frozen=True)
class Rejected:
    """A row that became no contact; ``words`` fill the sentence of its code."""

    line: int
    code: str
    value: str
    words: dict[str, object]


def _with_words(session: Session, rows: Sequence[RejectedRow]) -> list[Rejected]:
    """A repeated number names the base and the line of the row that was kept: ``detail`` is ``base id:line``."""
    places = {row.id: row.detail.split(":") for row in rows if row.code == DUPLICATE and ":" in row.detail}
    ids = {int(base_id) for base_id, _line in places.values()}
    query = select(ContactBase.id, ContactBase.filename).where(ContactBase.id.in_(ids))
    names = {base_id: name for base_id, name in session.execute(query)} if ids else {}
    found = []
    for row in rows:
        words: dict[str, object] = {"detail": row.detail}
        if row.id in places:
            base_id, line = places[row.id]
            words = {"line": line, "filename": names.get(int(base_id), "?")}
        found.append(Rejected(row.line, row.code, row.value, words))
    return found


def rejected_codes(base_id: int) -> dict[str, int]:
    """How many rows were rejected for which reason, most first."""
    query = (
        select(RejectedRow.code, func.count())
        .where(RejectedRow.base_id == base_id)
        .group_by(RejectedRow.code)
        .order_by(func.count().desc(), RejectedRow.code)
    )
    with database.read() as session:
        return {code: count for code, count in session.execute(query)}


def contacts(
    campaign_id: int,
    *,
    state: str = "",
    number: str = "",
    base_id: int = 0,
    result: str = "",
    page: int = 1,
    per_page: int = 50,
) -> Page[Contact]:
    """Contacts of a campaign in the order in which they were loaded."""
    query = select(Contact).where(Contact.campaign_id == campaign_id)
    if state:
        query = query.where(Contact.state == state)
    if base_id:
        query = query.where(Contact.base_id == base_id)
    if result:
        query = query.where(Contact.last_disposition == result)
    digits = "".join(sign for sign in number if sign.isdigit())
    if digits:
        query = query.where(Contact.number.like(f"%{digits}%"))
    with database.read() as session:
        return _page(session, query.order_by(Contact.id), page, per_page)


def contact(campaign_id: int, contact_id: int) -> Contact:
    """One contact of this campaign.

    :raises CampaignError: contact_missing.
    """
    with database.read() as session:
        found = session.get(Contact, contact_id)
    if found is None or found.campaign_id != campaign_id:
        raise CampaignError("contact_missing", N_("There is no such contact."), status=404)
    return found


def attempts(
    campaign_id: int, *, disposition: str = "", page: int = 1, per_page: int = 50
) -> Page[tuple[Attempt, str]]:
    """Attempts of a campaign with the dialled number, newest first."""
    query = (
        select(Attempt, Contact.number)
        .join(Contact, Contact.id == Attempt.contact_id)
        .where(Attempt.campaign_id == campaign_id)
    )
    if disposition:
        query = query.where(Attempt.disposition == disposition)
    with database.read() as session:
        return _page(session, query.order_by(Attempt.claimed_at.desc(), Attempt.id.desc()), page, per_page)


def do_not_call(*, number: str = "", page: int = 1, per_page: int = 50) -> Page[DoNotCall]:
    """The do-not-call list, newest first; ``number`` is a part of one, in whatever way it is written."""
    query = select(DoNotCall)
    digits = "".join(sign for sign in number if sign.isdigit())
    if digits:
        query = query.where(DoNotCall.number.like(f"%{digits}%"))
    with database.read() as session:
        return _page(session, query.order_by(DoNotCall.created_at.desc(), DoNotCall.number), page, per_page)


def campaigns_there(rows: Sequence[DoNotCall]) -> set[int]:
    """Campaigns of these entries that still have a page."""
    ids = {row.campaign_id for row in rows if row.campaign_id}
    query = select(Campaign.id).where(Campaign.id.in_(ids), Campaign.state != CampaignState.DELETING)
    with database.read() as session:
        return set(session.scalars(query)) if ids else set()


def open_by_trunk() -> dict[int, int]:
    """How many calls are being made or up on each trunk."""
    query = select(Attempt.trunk_id, func.count()).where(Attempt.open_for_contact > 0).group_by(Attempt.trunk_id)
    with database.read() as session:
        return {trunk_id: count for trunk_id, count in session.execute(query)}


def open_by_node() -> dict[int, int]:
    """How many calls are being made or up on each node."""
    with database.read() as session:
        return store.open_counts(session, Attempt.node_id)


def trunks_by_node() -> dict[int, list[str]]:
    """Titles of the trunks that live on each node."""
    found: dict[int, list[str]] = {}
    query = select(trunk_node.c.node_id, Trunk.title, Trunk.name).join(Trunk, Trunk.id == trunk_node.c.trunk_id)
    with database.read() as session:
        for node_id, title, name in session.execute(query.order_by(Trunk.title, Trunk.name)):
            found.setdefault(node_id, []).append(title or name)
    return found


def export(campaign_id: int, export_id: int) -> Export:
    """One report of this campaign.

    :raises CampaignError: export_missing.
    """
    found = campaign_exports.get(export_id)
    if found.campaign_id != campaign_id:
        raise CampaignError("export_missing", N_("There is no such report: it may be over a week old."), status=404)
    return found
