"""The hot SQL of calling: claim due contacts, record outcomes, count. Core statements, no ORM objects.

Every function here runs inside a writing transaction of the caller (``config.database.write``), which on SQLite holds
the write lock from its beginning; on MariaDB the rows are locked explicitly, always in the order campaign, trunk, node,
attempt, contact.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Row, bindparam, false, func, insert, select, true, update
from sqlalchemy.orm import Session

from campaigns import caps
from campaigns.eligibility import CampaignRules, ContactFacts, Rule, may_call
from campaigns.errors import CampaignError
from campaigns.models import Attempt, Campaign, Contact, ContactBase
from campaigns.states import BaseState, CampaignState, ContactState, Disposition
from campaigns.windows import CallingWindows
from dialer.calls import CallRequest, OpenCall, new_uid
from dialer.models import Node, Trunk, TrunkKind

#: Contacts looked at in one transaction: keeps the write lock short when many are outside of their window.
SCAN = 500
#: Most calls claimed at once, so that Stop takes effect within the time of one batch.
BATCH = 100

#: Table objects of the mapped classes, for Core statements.
attempts = Attempt.__table__
contacts = Contact.__table__


@dataclass(frozen=True)
class Capacity:
    """What the dial worker can take now: its node, the PBX it speaks to, and the calls its rates allow."""

    node_id: int
    boot: str
    #: (trunk id, its calls per second, the node's calls per second) -> calls that may start now.
    by_rate: Callable[[int, float, float], int]


@dataclass
class Claim:
    """What a claim brought: calls to place, and whether more could be had at once."""

    requests: list[CallRequest] = field(default_factory=list)
    trunk_id: int = 0
    more: bool = False
    rate_limited: bool = False


@dataclass(frozen=True)
class _Locked:
    campaign: Row[Any]
    trunk: Row[Any]
    node: Row[Any]


def _lock(session: Session, campaign_id: int, node_id: int) -> _Locked | None:
    """The campaign, its trunk and node, locked; None when it does not dial through this node now."""
    campaign = session.execute(
        select(Campaign.__table__).where(Campaign.id == campaign_id).with_for_update()
    ).one_or_none()
    if campaign is None or campaign.state != CampaignState.RUNNING or campaign.trunk_id is None:
        return None
    trunk = session.execute(select(Trunk.__table__).where(Trunk.id == campaign.trunk_id).with_for_update()).one()
    if trunk.node_id != node_id:
        return None
    node = session.execute(select(Node.__table__).where(Node.id == node_id).with_for_update()).one()
    return _Locked(campaign, trunk, node)


def open_counts(session: Session, column: Any) -> dict[int, int]:
    """Attempts without outcome by ``column``. ``> 0`` rather than IS NOT NULL, which SQLite cannot look up."""
    rows = session.execute(select(column, func.count()).where(Attempt.open_for_contact > 0).group_by(column))
    return {key: count for key, count in rows}


def _free_channels(session: Session, rows: _Locked, now: dt.datetime) -> int:
    """Channels that this campaign may take now: free ones of campaign, trunk and node, less those kept for others."""
    counted = session.execute(
        select(Attempt.campaign_id, Attempt.trunk_id, Attempt.node_id, func.count())
        .where(Attempt.open_for_contact > 0)
        .group_by(Attempt.campaign_id, Attempt.trunk_id, Attempt.node_id)
    ).all()
    up: dict[int, int] = {}
    for campaign_id, _, _, count in counted:
        up[campaign_id] = up.get(campaign_id, 0) + count
    on_trunk = sum(count for _, trunk_id, _, count in counted if trunk_id == rows.trunk.id)
    on_node = sum(count for _, _, node_id, count in counted if node_id == rows.node.id)
    others = _others_that_could_call(session, rows, now)
    on_same_trunk = [other for other in others if other.trunk_id == rows.trunk.id]
    free: int = min(
        rows.campaign.channel_limit - up.get(rows.campaign.id, 0),
        rows.trunk.channels - on_trunk - _kept_for(on_same_trunk, rows.trunk.channels, up),
        rows.node.channels - on_node - _kept_for(others, rows.node.channels, up),
    )
    return max(0, free)


def _others_that_could_call(session: Session, rows: _Locked, now: dt.datetime) -> list[Any]:
    """Other running campaigns of the node with due contacts and an open window (N2)."""
    due = select(Contact.id).where(
        Contact.campaign_id == Campaign.id, Contact.state == ContactState.PENDING, Contact.due_at <= now
    )
    others = session.execute(
        select(Campaign.id, Campaign.channel_limit, Campaign.windows, Campaign.timezone, Campaign.trunk_id)
        .join(Trunk, Trunk.id == Campaign.trunk_id)
        .where(
            Campaign.state == CampaignState.RUNNING,
            Campaign.id != rows.campaign.id,
            Trunk.node_id == rows.node.id,
            Trunk.enabled,
            due.exists(),
        )
    )
    return [other for other in others if _is_open(other, now)]


def _kept_for(others: Sequence[Any], channels: int, up: dict[int, int]) -> int:
    """Of ``channels``, those left to the others, up to an equal share for each."""
    share = channels // (len(others) + 1)
    return int(sum(max(0, min(other.channel_limit, share) - up.get(other.id, 0)) for other in others))


def rules_of(campaign: Any, trunk: Any) -> CampaignRules:
    """The campaign as the decision sees it; rows or ORM objects."""
    return CampaignRules(
        running=campaign.state == CampaignState.RUNNING,
        attempts=campaign.attempts,
        windows=CallingWindows.from_json(campaign.windows),
        zone=ZoneInfo(campaign.timezone),
        allowed_prefixes=tuple(trunk.allowed_prefixes or ()) if trunk is not None else (),
        costly_allowed=trunk is not None and trunk.costly_allowed,
    )


def zone_of(name: str | None) -> ZoneInfo | None:
    """A contact's own zone; None when it has none or its name is not known any more."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def claim(session: Session, campaign_id: int, capacity: Capacity, clock: Callable[[], dt.datetime]) -> Claim:
    """Take due contacts for dialling: insert their attempts and return the calls to place after the commit.

    Nothing may be placed when the transaction fails. A campaign with nothing left becomes finished here.

    :param clock: asked once the locks are held: waiting for them may take longer than the window is open.
    """
    rows = _lock(session, campaign_id, capacity.node_id)
    if rows is None:
        return Claim()
    now = clock()
    if _finish_if_done(session, campaign_id, now):
        return Claim()
    if not rows.trunk.enabled:
        pause(session, {campaign_id}, "trunk_switched_off", rows.trunk.name)
        return Claim()
    free = min(_free_channels(session, rows, now), BATCH)
    if free > 0:
        free = int(min(free, caps.allowance(session, rows.trunk, rows.campaign.sound_s, now)))
    if free <= 0:
        return Claim()
    by_rate = capacity.by_rate(rows.trunk.id, rows.trunk.cps, rows.node.cps)
    wanted = min(free, by_rate)
    if wanted <= 0:
        return Claim(trunk_id=rows.trunk.id, rate_limited=True)
    own_zones = _has_own_zones(session, campaign_id)
    if not own_zones and _waits_for_window(rows.campaign, now):
        return Claim()
    # More are read than wanted only where some of them may be refused one by one.
    due = _due(session, campaign_id, now, SCAN if own_zones or rows.trunk.allowed_prefixes else wanted)
    if not due:
        return Claim()
    chosen, seen = _choose(session, rows, due, wanted, now)
    requests = _insert_attempts(session, rows, chosen, capacity, now)
    return Claim(
        requests,
        trunk_id=rows.trunk.id,
        more=len(requests) < wanted and seen > len(chosen),
        rate_limited=len(requests) == by_rate < free,
    )


def _due(session: Session, campaign_id: int, now: dt.datetime, limit: int) -> list[Any]:
    columns = (
        contacts.c.id,
        contacts.c.number,
        contacts.c.timezone,
        contacts.c.attempts,
        contacts.c.tries,
        contacts.c.due_at,
    )
    due = select(*columns).where(
        contacts.c.campaign_id == campaign_id,
        contacts.c.state == ContactState.PENDING,
        contacts.c.due_at <= now,
    )
    return list(session.execute(due.order_by(contacts.c.due_at, contacts.c.id).limit(limit)))


def _is_open(campaign: Any, now: dt.datetime) -> bool:
    try:
        return CallingWindows.from_json(campaign.windows).is_open(now, ZoneInfo(campaign.timezone))
    except (CampaignError, ZoneInfoNotFoundError, ValueError):
        return False  # its own claim says what is wrong with it


def _waits_for_window(campaign: Any, now: dt.datetime) -> bool:
    """The campaign's own window is closed, and opens again."""
    opens = CallingWindows.from_json(campaign.windows).next_open(now, ZoneInfo(campaign.timezone))
    return opens is not None and opens != now


def _has_own_zones(session: Session, campaign_id: int) -> bool:
    """Whether a base of the campaign has a column with time zones."""
    layouts = session.execute(select(ContactBase.layout).where(ContactBase.campaign_id == campaign_id)).scalars()
    return any((layout or {}).get("zone_column") is not None for layout in layouts)


def _choose(
    session: Session, rows: _Locked, due: Sequence[Any], wanted: int, now: dt.datetime
) -> tuple[list[Any], int]:
    """Those that may be called, at most ``wanted``; the others are put off or ended with their reason."""
    rules = rules_of(rows.campaign, rows.trunk)
    chosen: list[Any] = []
    put_off: list[dict[str, Any]] = []
    ended: list[dict[str, Any]] = []
    seen = 0
    for contact in due:
        if len(chosen) == wanted:
            break
        seen += 1
        facts = ContactFacts(contact.number, contact.attempts, contact.due_at, zone_of(contact.timezone))
        verdict = may_call(facts, rules, now)
        if verdict.allowed:
            chosen.append(contact)
        elif verdict.until is not None:
            put_off.append({"b_id": contact.id, "b_due": verdict.until})
        else:
            ended.append({"b_id": contact.id, "b_last": _ended_as(verdict.rule)})
    if put_off:
        session.execute(
            update(contacts)
            .where(contacts.c.id == bindparam("b_id"))
            .values(due_at=bindparam("b_due"), put_off=true()),
            put_off,
        )
    if ended:
        session.execute(
            update(contacts)
            .where(contacts.c.id == bindparam("b_id"))
            .values(
                due_at=None,
                state=ContactState.NOT_REACHED,
                last_disposition=func.coalesce(bindparam("b_last"), contacts.c.last_disposition),
            ),
            ended,
        )
    return chosen, seen


def _ended_as(rule: Rule) -> str | None:
    """How a contact that may never be called is named; None keeps the disposition of its last attempt."""
    return {
        Rule.PREFIX_NOT_ALLOWED: Disposition.BLOCKED,
        Rule.COSTLY_NUMBER: Disposition.BLOCKED,
        Rule.WINDOW_CLOSED: Disposition.EXPIRED,
    }.get(rule)


def _insert_attempts(
    session: Session, rows: _Locked, chosen: Sequence[Any], capacity: Capacity, now: dt.datetime
) -> list[CallRequest]:
    if not chosen:
        return []
    campaign, trunk = rows.campaign, rows.trunk
    caller_id = campaign.caller_id or next(iter(trunk.caller_ids or ()), "")
    requests = [
        CallRequest(
            uid=new_uid(),
            number=f"{trunk.number_prefix}{contact.number}",
            trunk=trunk.name,
            template=trunk.template,
            caller_id=caller_id,
            ring_s=campaign.ring_s,
            sound=campaign.sound,
            tag_attempt=trunk.kind == TrunkKind.REHEARSAL,
        )
        for contact in chosen
    ]
    session.execute(
        insert(attempts),
        [
            {
                "uid": request.uid,
                "campaign_id": campaign.id,
                "contact_id": contact.id,
                "open_for_contact": contact.id,
                "number_of_attempt": contact.tries + 1,
                "trunk_id": trunk.id,
                "node_id": capacity.node_id,
                "boot": capacity.boot,
                "claimed_at": now,
            }
            for request, contact in zip(requests, chosen, strict=True)
        ],
    )
    session.execute(
        update(contacts)
        .where(contacts.c.id == bindparam("b_id"))
        .values(due_at=None, put_off=false(), tries=contacts.c.tries + 1),
        [{"b_id": contact.id} for contact in chosen],
    )
    return requests


def pause(session: Session, campaign_ids: set[int], code: str, detail: str) -> None:
    """Pause these campaigns, if they run, with the reason that the page shows."""
    session.execute(
        update(Campaign)
        .where(Campaign.id.in_(campaign_ids), Campaign.state == CampaignState.RUNNING)
        .values(state=CampaignState.PAUSED, state_code=code, state_detail=detail[:300])
    )


def _finish_if_done(session: Session, campaign_id: int, now: dt.datetime) -> bool:
    """Finished: no contact is pending (an open attempt keeps its contact pending) and no base is on its way."""
    pending = select(Contact.id).where(Contact.campaign_id == campaign_id, Contact.state == ContactState.PENDING)
    loading = select(ContactBase.id).where(
        ContactBase.campaign_id == campaign_id, ContactBase.state.in_([BaseState.WAITING, BaseState.LOADING])
    )
    if session.execute(pending.limit(1)).first() or session.execute(loading.limit(1)).first():
        return False
    session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state == CampaignState.RUNNING)
        .values(state=CampaignState.FINISHED, finished_at=now, state_code="", state_detail="")
    )
    return True


def running_on_node(session: Session, node_id: int) -> list[int]:
    """Running campaigns that dial through this node, those with the fewest open calls first."""
    rows = session.execute(
        select(Campaign.id)
        .join(Trunk, Trunk.id == Campaign.trunk_id)
        .where(Campaign.state == CampaignState.RUNNING, Trunk.node_id == node_id)
    )
    up = open_counts(session, Attempt.campaign_id)
    return sorted(rows.scalars(), key=lambda campaign_id: up.get(campaign_id, 0))


def open_calls(session: Session, node_id: int) -> list[OpenCall]:
    """Every attempt of the node without outcome."""
    rows = session.execute(
        select(Attempt.uid, Attempt.boot, Attempt.claimed_at).where(
            Attempt.open_for_contact > 0, Attempt.node_id == node_id
        )
    )
    return [OpenCall(uid, boot, claimed_at) for uid, boot, claimed_at in rows]


def node_lives(session: Session, node_id: int, boot: str | None, now: dt.datetime, trouble: str = "") -> None:
    """The dial worker's sign of life; ``boot`` is None while it has no connection to its PBX or must not use it."""
    values: dict[str, Any] = {"connected": boot is not None, "seen_at": now, "trouble": trouble}
    if boot is not None:
        values["boot"] = boot
    session.execute(update(Node).where(Node.id == node_id).values(**values))


def node_calls(session: Session, node_id: int, ringing: int, talking: int) -> None:
    """How many calls of the node ring and talk now, for the pages."""
    session.execute(update(Node).where(Node.id == node_id).values(ringing=ringing, talking=talking))
