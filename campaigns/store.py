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

from campaigns.eligibility import CampaignRules, ContactFacts, Rule, may_call
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
    by_campaign: dict[int, int] = {}
    on_trunk = on_node = 0
    counted = session.execute(
        select(Attempt.campaign_id, Attempt.trunk_id, Attempt.node_id, func.count())
        .where(Attempt.open_for_contact > 0)
        .group_by(Attempt.campaign_id, Attempt.trunk_id, Attempt.node_id)
    )
    for campaign_id, trunk_id, node_id, count in counted:
        by_campaign[campaign_id] = by_campaign.get(campaign_id, 0) + count
        on_trunk += count if trunk_id == rows.trunk.id else 0
        on_node += count if node_id == rows.node.id else 0
    free: int = min(
        rows.campaign.channel_limit - by_campaign.get(rows.campaign.id, 0),
        rows.trunk.channels - on_trunk - _kept_for_others(session, rows, by_campaign, now),
        rows.node.channels - on_node,
    )
    return max(0, free)


def _kept_for_others(session: Session, rows: _Locked, by_campaign: dict[int, int], now: dt.datetime) -> int:
    """Channels of the trunk left to other campaigns that could call now, up to an equal share for each (N2)."""
    due = select(Contact.id).where(
        Contact.campaign_id == Campaign.id, Contact.state == ContactState.PENDING, Contact.due_at <= now
    )
    others = session.execute(
        select(Campaign.id, Campaign.channel_limit, Campaign.windows, Campaign.timezone).where(
            Campaign.state == CampaignState.RUNNING,
            Campaign.trunk_id == rows.trunk.id,
            Campaign.id != rows.campaign.id,
            due.exists(),
        )
    )
    calling = [
        other
        for other in others
        if CallingWindows.from_json(other.windows).is_open(now, ZoneInfo(other.timezone))
    ]  # fmt: skip
    share = rows.trunk.channels // (len(calling) + 1)
    kept = (max(0, min(other.channel_limit, share) - by_campaign.get(other.id, 0)) for other in calling)
    return int(sum(kept))


def rules_of(campaign: Any, trunk: Any) -> CampaignRules:
    """The campaign as the decision sees it; rows or ORM objects."""
    return CampaignRules(
        running=campaign.state == CampaignState.RUNNING,
        attempts=campaign.attempts,
        windows=CallingWindows.from_json(campaign.windows),
        zone=ZoneInfo(campaign.timezone),
        allowed_prefixes=tuple(trunk.allowed_prefixes or ()) if trunk is not None else (),
    )


def zone_of(name: str | None) -> ZoneInfo | None:
    """A contact's own zone; None when it has none or its name is not known any more."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def claim(session: Session, campaign_id: int, capacity: Capacity, now: dt.datetime) -> Claim:
    """Take due contacts for dialling: insert their attempts and return the calls to place after the commit.

    Nothing may be placed when the transaction fails. A campaign with nothing left becomes finished here.
    """
    rows = _lock(session, campaign_id, capacity.node_id)
    if rows is None or not rows.trunk.enabled:
        return Claim()
    free = min(_free_channels(session, rows, now), BATCH)
    if free <= 0:
        return Claim()
    by_rate = capacity.by_rate(rows.trunk.id, rows.trunk.cps, rows.node.cps)
    wanted = min(free, by_rate)
    if wanted <= 0:
        return Claim(trunk_id=rows.trunk.id, rate_limited=True)
    if _all_wait_for_window(session, rows, now):
        return Claim()
    due = _due(session, campaign_id, now, SCAN if _looks_beyond(rows) else wanted)
    if not due:
        _finish_if_done(session, campaign_id, now)
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


def _all_wait_for_window(session: Session, rows: _Locked, now: dt.datetime) -> bool:
    """The window is closed and no base has zones of its own: nobody need be looked at."""
    windows = CallingWindows.from_json(rows.campaign.windows)
    opens = windows.next_open(now, ZoneInfo(rows.campaign.timezone))
    if opens is None or opens == now:
        return False
    layouts = session.execute(select(ContactBase.layout).where(ContactBase.campaign_id == rows.campaign.id)).scalars()
    return not any((layout or {}).get("zone_column") is not None for layout in layouts)


def _looks_beyond(rows: _Locked) -> bool:
    """Whether due contacts may be refused one by one (own zones, closed windows, prefixes), so that more are read."""
    windows = CallingWindows.from_json(rows.campaign.windows)
    return windows.weekly != CallingWindows.always().weekly or bool(windows.exceptions or rows.trunk.allowed_prefixes)


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
    return {Rule.PREFIX_NOT_ALLOWED: Disposition.BLOCKED, Rule.WINDOW_CLOSED: Disposition.EXPIRED}.get(rule)


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


def _finish_if_done(session: Session, campaign_id: int, now: dt.datetime) -> None:
    """Finished: no contact is pending (an open attempt keeps its contact pending) and no base is on its way."""
    pending = select(Contact.id).where(Contact.campaign_id == campaign_id, Contact.state == ContactState.PENDING)
    loading = select(ContactBase.id).where(
        ContactBase.campaign_id == campaign_id, ContactBase.state.in_([BaseState.WAITING, BaseState.LOADING])
    )
    if session.execute(pending.limit(1)).first() or session.execute(loading.limit(1)).first():
        return
    session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state == CampaignState.RUNNING)
        .values(state=CampaignState.FINISHED, finished_at=now, state_code="", state_detail="")
    )


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


def node_lives(session: Session, node_id: int, boot: str | None, now: dt.datetime) -> None:
    """The dial worker's sign of life; ``boot`` is None while it has no connection to its PBX."""
    values: dict[str, Any] = {"connected": boot is not None, "seen_at": now}
    if boot is not None:
        values["boot"] = boot
    session.execute(update(Node).where(Node.id == node_id).values(**values))


def node_calls(session: Session, node_id: int, ringing: int, talking: int, now: dt.datetime) -> None:
    """How many calls of the node ring and talk now, for the pages."""
    session.execute(update(Node).where(Node.id == node_id).values(ringing=ringing, talking=talking, seen_at=now))
