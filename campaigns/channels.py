"""How many calls a campaign may add now: channels of campaign, trunk and node, shared among those that call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import ColumnElement, exists, false, func, or_, select, true
from sqlalchemy.orm import Session

from campaigns import prepared
from campaigns.errors import CampaignError
from campaigns.models import Attempt, Campaign, Contact
from campaigns.states import CampaignState, ContactState
from campaigns.windows import CallingWindows
from config.i18n import N_
from dialer.models import NODE_SILENT, Node, Trunk, trunk_node

SENTENCES = {
    "handover_needs_channels": N_(
        "The message hands over to a number, which takes a second channel: allow at least two channels."
    ),
}


class Locked(Protocol):
    """Rows of the campaign, its trunk and this node, locked."""

    @property
    def campaign(self) -> Any: ...
    @property
    def trunk(self) -> Any: ...
    @property
    def node(self) -> Any: ...


def free(session: Session, rows: Locked, now: dt.datetime) -> int:
    """Calls that this campaign may add here: free channels of campaign, trunk and node, less those kept for others."""
    counted = session.execute(
        select(Attempt.campaign_id, Attempt.trunk_id, Attempt.node_id, func.count())
        .where(Attempt.open_for_contact > 0)
        .group_by(Attempt.campaign_id, Attempt.trunk_id, Attempt.node_id)
    ).all()
    up = _Up(counted, _channels_of_calls(session, {row[0] for row in counted} | {rows.campaign.id}))
    others = _others_that_could_call(session, rows, now)
    on_same_trunk = [other for other in others if other.trunk_id == rows.trunk.id]
    here = [other for other in others if other.here]
    limit = min(rows.campaign.channel_limit, rows.trunk.channels)
    peers = _other_nodes(session, rows, now)
    left: int = min(
        limit - up.of(rows.campaign.id) - _kept_for_nodes(peers, limit, rows.campaign.id, up),
        rows.trunk.channels - up.of(trunk=rows.trunk.id) - _kept_for(on_same_trunk, rows.trunk.channels, up),
        rows.node.channels - up.of(node=rows.node.id) - _kept_for(here, rows.node.channels, up, rows.node.id),
    )
    return max(0, left) // up.channels_of_a_call(rows.campaign.id)


def problems(campaign: Campaign, trunk: Trunk | None) -> list[CampaignError]:
    """Fewer channels than one call takes: nobody would ever be called."""
    limit = min(campaign.channel_limit, trunk.channels) if trunk is not None else campaign.channel_limit
    if limit >= prepared.channels_of_a_call(campaign):
        return []
    sentence = SENTENCES["handover_needs_channels"]
    return [CampaignError("handover_needs_channels", sentence, field="channel_limit")]


def _channels_of_calls(session: Session, campaign_ids: set[int]) -> dict[int, int]:
    """Campaigns whose calls may take more than one channel, with how many."""
    query = select(Campaign.id, Campaign.message, Campaign.message_version)
    rows = session.execute(query.where(Campaign.id.in_(campaign_ids), Campaign.message.is_not(None)))
    return {row.id: prepared.channels_of_a_call(row) for row in rows}


class _Up:
    """Channels of open attempts, counted over all nodes."""

    def __init__(self, counted: Sequence[Any], channels: Mapping[int, int]) -> None:
        self._channels = channels
        self._counted = [(*ids, count * self.channels_of_a_call(ids[0])) for *ids, count in counted]

    def channels_of_a_call(self, campaign_id: int) -> int:
        return self._channels.get(campaign_id, 1)

    def of(self, campaign: int | None = None, trunk: int | None = None, node: int | None = None) -> int:
        """Those of this campaign, trunk and node; None means any."""
        wanted = (campaign, trunk, node)
        return sum(
            count
            for *ids, count in self._counted
            if all(want is None or want == has for want, has in zip(wanted, ids, strict=True))
        )


def _others_that_could_call(session: Session, rows: Locked, now: dt.datetime) -> list[Any]:
    """Other running campaigns that share this trunk or this node, with due contacts and an open window (N2)."""
    due = select(Contact.id).where(
        Contact.campaign_id == Campaign.id, Contact.state == ContactState.PENDING, Contact.due_at <= now
    )
    here = exists().where(trunk_node.c.trunk_id == Campaign.trunk_id, trunk_node.c.node_id == rows.node.id)
    others = session.execute(
        select(
            *(Campaign.id, Campaign.channel_limit, Campaign.windows, Campaign.timezone, Campaign.trunk_id),
            here.label("here"),
        )
        .join(Trunk, Trunk.id == Campaign.trunk_id)
        .where(
            Campaign.state == CampaignState.RUNNING,
            Campaign.id != rows.campaign.id,
            or_(Campaign.trunk_id == rows.trunk.id, here),
            Trunk.enabled,
            due.exists(),
        )
    )
    return [other for other in others if _is_open(other, now)]


def _kept_for(others: Sequence[Any], channels: int, up: _Up, node: int | None = None) -> int:
    """Of ``channels`` (a trunk's, or those of one node), what is left to the others, up to an equal share for each."""
    share = channels // (len(others) + 1)
    return int(
        sum(max(0, min(other.channel_limit - up.of(other.id), share - up.of(other.id, node=node))) for other in others)
    )


def _other_nodes(session: Session, rows: Locked, now: dt.datetime) -> Sequence[Any]:
    """The trunk's other nodes that can call now."""
    if rows.node.nodes_of_trunk == 1:
        return ()
    query = select(Node.id, Node.channels).join(trunk_node).where(trunk_node.c.trunk_id == rows.trunk.id)
    return session.execute(query.where(Node.id != rows.node.id, *can_call(now))).all()


def can_call(now: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    """Conditions on nodes: connected, heard of lately, not drained, and nothing in the way."""
    return Node.connected.is_(true()), Node.seen_at > now - NODE_SILENT, Node.draining.is_(false()), Node.problem == ""


def _kept_for_nodes(peers: Sequence[Any], limit: int, campaign_id: int, up: _Up) -> int:
    """Of a campaign's channels, those left to the trunk's other nodes: an equal share each, as far as they have room.

    Without it the node that hears first of a campaign would take it all.
    """
    share = limit // (len(peers) + 1)
    return int(
        sum(
            max(0, min(share - up.of(campaign_id, node=peer.id), peer.channels - up.of(node=peer.id))) for peer in peers
        )
    )


def _is_open(campaign: Any, now: dt.datetime) -> bool:
    try:
        return CallingWindows.from_json(campaign.windows).is_open(now, ZoneInfo(campaign.timezone))
    except (CampaignError, ZoneInfoNotFoundError, ValueError):
        return False  # its own claim says what is wrong with it
