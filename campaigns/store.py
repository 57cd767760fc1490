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

from campaigns import caps, channels, do_not_call, machines, prepared
from campaigns.eligibility import CampaignRules, ContactFacts, Rule, may_call
from campaigns.models import Attempt, Campaign, Contact, ContactBase
from campaigns.states import BaseState, CampaignState, ContactState, Disposition
from campaigns.windows import CallingWindows
from config import database
from dialer import pacing
from dialer.calls import CallRequest, OpenCall, new_uid
from dialer.models import Node, Trunk, TrunkKind, trunk_node

#: Contacts looked at in one transaction: keeps the write lock short when many are outside of their window.
SCAN = 500
#: A test call that was not made by then is given up.
TRIAL_LATE = dt.timedelta(minutes=3)
#: Most calls claimed at once, so that Stop takes effect within the time of one batch.
BATCH = 100

#: Tokens are counted by a clock in seconds since 1970, whose last digit is a quarter of a microsecond.
TOKEN_SLACK = 1e-4

#: Table objects of the mapped classes, for Core statements.
attempts = Attempt.__table__
contacts = Contact.__table__

#: One statement for all contacts of a claim: one for each was most of what a claim cost on MariaDB.
_TAKE = (
    update(contacts)
    .where(contacts.c.id.in_(bindparam("ids", expanding=True)))
    .values(due_at=None, put_off=false(), tries=contacts.c.tries + 1)
)


@dataclass(frozen=True)
class Capacity:
    """What the dial worker can take now: its node, the PBX it speaks to, and the calls its rate allows."""

    node_id: int
    boot: str
    #: The node's calls per second -> calls that may start now.
    by_rate: Callable[[float], int]
    #: The number under which this worker holds the node (``dialer.lease``).
    lease: int = 0
    #: Whether the PBX of this node has the message with this stem.
    has_sound: Callable[[str], bool] = lambda _stem: True
    #: The same for a piece of a message of blocks.
    has_piece: Callable[[str], bool] = lambda _stem: True


@dataclass
class Claim:
    """What a claim brought: calls to place, and whether more could be had at once."""

    requests: list[CallRequest] = field(default_factory=list)
    more: bool = False
    rate_limited: bool = False
    #: Where the trunk's rate is the limit: seconds until it allows the next call.
    wait_s: float = 0.0
    #: The stem of the message that this node lacks.
    lacks_sound: str | None = None
    #: Contacts whose pieces this node lacks, by id, with the stems of those.
    lacks_pieces: dict[int, set[str]] = field(default_factory=dict)
    #: Due contacts without the sound of the present message were found: they are to be prepared.
    parked: bool = False


@dataclass(frozen=True)
class _Locked:
    campaign: Row[Any]
    trunk: Row[Any]
    node: Row[Any]
    #: The database's clock, seconds since 1970; asked with the locks held.
    at: float
    #: Tokens of the trunk at that moment.
    tokens: float


def _lock(session: Session, campaign_id: int, capacity: Capacity) -> _Locked | None:
    """The campaign, its trunk and node, locked; None when it does not dial through this node and this worker now."""
    campaign = session.execute(
        select(Campaign.__table__).where(Campaign.id == campaign_id).with_for_update()
    ).one_or_none()
    if campaign is None or campaign.state != CampaignState.RUNNING or campaign.trunk_id is None:
        return None
    trunk = session.execute(select(Trunk.__table__).where(Trunk.id == campaign.trunk_id).with_for_update()).one()
    nodes = select(func.count()).where(trunk_node.c.trunk_id == trunk.id).correlate(None).scalar_subquery()
    clock = database.clock_of(session).label("clock")
    lives_here = select(Node.__table__, clock, nodes.label("nodes_of_trunk")).join(trunk_node)
    node = session.execute(
        lives_here.where(Node.id == capacity.node_id, trunk_node.c.trunk_id == trunk.id).with_for_update()
    ).one_or_none()
    if node is None or not _holds(node, capacity.lease):
        return None
    at = node.clock.timestamp()
    return _Locked(campaign, trunk, node, at, pacing.refill(trunk.tokens, trunk.tokens_at, at, trunk.cps))


def _holds(node: Any, lease: int) -> bool:
    """Whether the worker with this number speaks for the node at the moment in which its row was read."""
    return node.lease_number == lease and (node.lease_until is None or node.clock < node.lease_until)


class LeaseLostError(Exception):
    """Another dial worker speaks for the node now."""


def require_lease(session: Session, node_id: int, lease: int) -> None:
    """Lock the node's row, so that nobody takes the node over before this transaction ends.

    Not its time but its number counts here: as long as nobody has taken over, nobody else answers for its calls.

    :raises LeaseLostError: somebody has.
    """
    number = session.execute(select(Node.lease_number).where(Node.id == node_id).with_for_update()).scalar_one()
    if number != lease:
        raise LeaseLostError


def open_counts(session: Session, column: Any) -> dict[int, int]:
    """Attempts without outcome by ``column``. ``> 0`` rather than IS NOT NULL, which SQLite cannot look up."""
    rows = session.execute(select(column, func.count()).where(Attempt.open_for_contact > 0).group_by(column))
    return {key: count for key, count in rows}


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
    rows = _lock(session, campaign_id, capacity)
    if rows is None:
        return Claim()
    now = clock()
    refused = _refused(session, rows, capacity, now)
    if refused is not None:
        return refused
    free = min(channels.free(session, rows, now), BATCH)
    if free > 0:
        free = int(min(free, caps.allowance(session, rows.trunk, rows.campaign, now)))
    if free <= 0:
        return Claim()
    by_rate = min(capacity.by_rate(rows.node.cps), int(rows.tokens + TOKEN_SLACK))
    wanted = min(free, by_rate)
    if wanted <= 0:
        _spend(session, rows, 0)
        return Claim(rate_limited=True, wait_s=pacing.next_in(rows.tokens, rows.trunk.cps))
    own_zones = _has_own_zones(session, campaign_id)
    if not own_zones and _waits_for_window(rows.campaign, now):
        return Claim()
    # More are read than wanted only where some of them may be refused one by one.
    due = _due(session, campaign_id, now, SCAN if own_zones or rows.trunk.allowed_prefixes else wanted)
    parked = prepared.park(session, rows.campaign, due, now)
    if parked:
        due = [contact for contact in due if contact.prepared == rows.campaign.message_version]
    if not due:
        return Claim(parked=parked, more=parked)
    chosen, seen = _choose(session, rows, due, wanted, now)
    speakable, lacking = prepared.variables(session, rows.campaign, rows.trunk, chosen, capacity.has_piece, now)
    calls = _calls(rows, speakable)
    _insert_attempts(session, rows, calls, capacity, now)
    _spend(session, rows, len(calls))
    return Claim(
        [request for request, _contact in calls],
        more=parked or (len(calls) < wanted and seen > len(chosen)),
        rate_limited=len(calls) == by_rate < free,
        wait_s=pacing.next_in(rows.tokens - len(calls), rows.trunk.cps),
        lacks_pieces=lacking,
        parked=parked,
    )


def trial_is_late(campaign: Any, now: dt.datetime) -> bool:
    """A test call whose time went by: nobody stands beside his telephone any more. Row or ORM object."""
    return campaign.test_of is not None and now - campaign.created_at > TRIAL_LATE


def _refused(session: Session, rows: _Locked, capacity: Capacity, now: dt.datetime) -> Claim | None:
    """Nothing to claim, whatever is free: the campaign is done, its trunk is off, or this node must not or cannot."""
    if _finish_if_done(session, rows.campaign.id, now):
        return Claim()
    if not rows.trunk.enabled:
        pause(session, {rows.campaign.id}, "trunk_switched_off", rows.trunk.name)
        return Claim()
    if rows.node.draining or trial_is_late(rows.campaign, now):
        return Claim()
    if rows.campaign.message is None and not capacity.has_sound(rows.campaign.sound):
        return Claim(lacks_sound=rows.campaign.sound)
    return None


def _spend(session: Session, rows: _Locked, calls: int) -> None:
    """Take these calls off the trunk's tokens. Without calls only a clock that was set back is worth a write."""
    if calls or rows.at < (rows.trunk.tokens_at or 0.0):
        state = {"tokens": rows.tokens - calls, "tokens_at": rows.at}
        session.execute(update(Trunk).where(Trunk.id == rows.trunk.id).values(**state))


def _due(session: Session, campaign_id: int, now: dt.datetime, limit: int) -> list[Any]:
    columns = (
        contacts.c.id,
        contacts.c.number,
        contacts.c.timezone,
        contacts.c.attempts,
        contacts.c.tries,
        contacts.c.due_at,
        contacts.c.prepared,
        contacts.c.prompts,
    )
    due = select(*columns).where(
        contacts.c.campaign_id == campaign_id,
        contacts.c.state == ContactState.PENDING,
        contacts.c.due_at <= now,
    )
    return list(session.execute(due.order_by(contacts.c.due_at, contacts.c.id).limit(limit)))


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
    unwanted = do_not_call.among(session, [contact.number for contact in due])
    chosen: list[Any] = []
    put_off: list[dict[str, Any]] = []
    ended: list[dict[str, Any]] = []
    seen = 0
    for contact in due:
        if len(chosen) == wanted:
            break
        seen += 1
        facts = ContactFacts(
            contact.number,
            contact.attempts,
            contact.due_at,
            zone_of(contact.timezone),
            do_not_call=contact.number in unwanted,
        )
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
        Rule.DO_NOT_CALL: Disposition.DO_NOT_CALL,
        Rule.WINDOW_CLOSED: Disposition.EXPIRED,
    }.get(rule)


def _calls(rows: _Locked, speakable: Sequence[tuple[Any, dict[str, str]]]) -> list[tuple[CallRequest, Any]]:
    """The calls to these contacts, with their variables."""
    campaign, trunk = rows.campaign, rows.trunk
    return [
        (
            CallRequest(
                uid=new_uid(),
                number=f"{trunk.number_prefix}{contact.number}",
                trunk=trunk.name,
                template=trunk.template,
                caller_id=campaign.caller_id or next(iter(trunk.caller_ids or ()), ""),
                ring_s=campaign.ring_s,
                sound=campaign.sound if campaign.message is None else prepared.NO_SOUND,
                tag_attempt=trunk.kind == TrunkKind.REHEARSAL,
                variables=variables | machines.variables(campaign, trunk, contact.prompts),
            ),
            contact,
        )
        for contact, variables in speakable
    ]


def _insert_attempts(
    session: Session, rows: _Locked, calls: Sequence[tuple[CallRequest, Any]], capacity: Capacity, now: dt.datetime
) -> None:
    if not calls:
        return
    session.execute(
        insert(attempts),
        [
            {
                "uid": request.uid,
                "campaign_id": rows.campaign.id,
                "contact_id": contact.id,
                "open_for_contact": contact.id,
                "number_of_attempt": contact.tries + 1,
                "trunk_id": rows.trunk.id,
                "node_id": capacity.node_id,
                "boot": capacity.boot,
                "claimed_at": now,
            }
            for request, contact in calls
        ],
    )
    session.execute(_TAKE, {"ids": [contact.id for _request, contact in calls]})


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
    """Running campaigns that may dial through this node, those with the fewest open calls first."""
    rows = session.execute(
        select(Campaign.id)
        .join(trunk_node, trunk_node.c.trunk_id == Campaign.trunk_id)
        .where(Campaign.state == CampaignState.RUNNING, trunk_node.c.node_id == node_id)
    )
    up = open_counts(session, Attempt.campaign_id)
    return sorted(rows.scalars(), key=lambda campaign_id: up.get(campaign_id, 0))


def nodes_of(session: Session, campaign_id: int, now: dt.datetime) -> list[str]:
    """Names of the nodes that this campaign can call through now."""
    query = select(Node.name).join(trunk_node).join(Campaign, Campaign.trunk_id == trunk_node.c.trunk_id)
    rows = session.execute(query.where(Campaign.id == campaign_id, *channels.can_call(now)).order_by(Node.id))
    return list(rows.scalars())


def open_calls(session: Session, node_id: int) -> list[OpenCall]:
    """Every attempt of the node without outcome."""
    rows = session.execute(
        select(Attempt.uid, Attempt.boot, Attempt.claimed_at).where(
            Attempt.open_for_contact > 0, Attempt.node_id == node_id
        )
    )
    return [OpenCall(uid, boot, claimed_at) for uid, boot, claimed_at in rows]


def node_lives(
    session: Session, node_id: int, lease: int, boot: str | None, now: dt.datetime, trouble: str = ""
) -> None:
    """The dial worker's sign of life; ``boot`` is None while it has no connection to its PBX or must not use it."""
    values: dict[str, Any] = {"connected": boot is not None, "seen_at": now, "trouble": trouble}
    if boot is not None:
        values["boot"] = boot
    session.execute(update(Node).where(Node.id == node_id, Node.lease_number == lease).values(**values))


def node_problem(session: Session, node_id: int, lease: int, code: str, detail: str) -> None:
    """Why the node claims nothing for a campaign; an empty code: all is well again."""
    values = {"problem": code, "problem_detail": detail[:300]}
    session.execute(update(Node).where(Node.id == node_id, Node.lease_number == lease).values(**values))


def node_calls(session: Session, node_id: int, lease: int, ringing: int, talking: int) -> None:
    """How many calls of the node ring and talk now, for the pages."""
    values = {"ringing": ringing, "talking": talking}
    session.execute(update(Node).where(Node.id == node_id, Node.lease_number == lease).values(**values))
