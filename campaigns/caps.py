"""How many calls a trunk's caps of the day allow now. Calls that are up count as if each heard its whole message."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns import machines, prepared
from campaigns.errors import CampaignError
from campaigns.models import Attempt, Campaign
from dialer import trunk_caps
from dialer.models import Trunk

#: Seconds that a call may last longer than its message: the way to the answer and from it is not billed.
MARGIN_S = 2


def longest_s(campaign: Any, trunk: Any) -> int:
    """The most that a call of this campaign through this trunk is billed; the dialplan hangs up after it."""
    of_blocks = prepared.longest_s(campaign)
    said_s = campaign.sound_s if of_blocks is None else of_blocks
    return math.ceil(said_s + machines.longest_s(campaign, trunk)) + MARGIN_S


def allowance(session: Session, trunk: Any, campaign: Any, now: dt.datetime) -> float:
    """Calls that may be added on this trunk so that the caps hold whatever the calls do; infinite without caps."""
    cap = trunk_caps.cap_s(trunk)
    if math.isinf(cap):
        return math.inf
    up = dict(
        session.execute(
            select(Attempt.campaign_id, func.count())
            .where(Attempt.open_for_contact > 0, Attempt.trunk_id == trunk.id)
            .group_by(Attempt.campaign_id)
        ).all()
    )
    columns = (Campaign.id, Campaign.sound_s, Campaign.message, Campaign.message_version)
    listening = (Campaign.machines, Campaign.machines_doubtful)
    calling = session.execute(select(*columns, *listening).where(Campaign.id.in_(list(up)))).all()
    promised = sum(longest_s(one, trunk) * up[one.id] for one in calling)
    left = cap - trunk_caps.used(session, trunk.id, now).seconds - promised
    return max(0, math.floor(left / longest_s(campaign, trunk)))


def reached(session: Session, campaign: Campaign, now: dt.datetime) -> CampaignError | None:
    """Why this campaign calls nobody more today, as a sentence; None while another call fits."""
    trunk = session.get(Trunk, campaign.trunk_id) if campaign.trunk_id else None
    if trunk is None:
        return None
    used = trunk_caps.used(session, trunk.id, now)
    if used.seconds + longest_s(campaign, trunk) <= trunk_caps.cap_s(trunk):
        return None
    words: dict[str, object] = {"trunk": trunk.title or trunk.name, "zone": str(trunk_caps.zone())}
    if trunk.minutes_per_day is not None and trunk_caps.cap_s(trunk) == trunk.minutes_per_day * 60:
        words |= {"used": f"{used.minutes():.1f}", "cap": str(trunk.minutes_per_day)}
        sentence = "Today's minutes of the trunk {trunk} are used up: {used} of {cap}."
        return CampaignError("trunk_minutes_used_up", sentence.format(**words), field="trunk_id", words=words)
    words |= {"used": f"{used.spend(trunk.price_per_minute):.2f}", "cap": f"{trunk.spend_per_day:.2f}"}
    sentence = "Today's money of the trunk {trunk} is used up: {used} of {cap}."
    return CampaignError("trunk_spend_used_up", sentence.format(**words), field="trunk_id", words=words)
