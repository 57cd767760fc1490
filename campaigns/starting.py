"""Everything that could make a campaign fail, checked before it starts."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import channels, message_problems, sounds
from campaigns.errors import CampaignError
from campaigns.models import Campaign, Contact, ContactBase
from campaigns.states import BaseState, CampaignState, ContactState, Disposition
from campaigns.windows import CallingWindows
from config.database import utcnow
from config.settings import Settings
from dialer.models import Node, Trunk


def problems(session: Session, campaign: Campaign, settings: Settings) -> list[CampaignError]:
    """What is missing, most basic first; empty when it may start."""
    return [
        *_trunk_problems(session, campaign),
        *_channel_problems(session, campaign),
        *of_message(session, campaign, settings),
        *_list_problems(session, campaign),
    ]


def settings_problems(session: Session, campaign: Campaign) -> list[CampaignError]:
    """Those problems that a change of settings can make."""
    return [
        *_trunk_choice(session, campaign),
        *_window_problems(campaign),
        *_channel_problems(session, campaign),
    ]


def _channel_problems(session: Session, campaign: Campaign) -> list[CampaignError]:
    return channels.problems(campaign, session.get(Trunk, campaign.trunk_id) if campaign.trunk_id else None)


def _trunk_choice(session: Session, campaign: Campaign) -> list[CampaignError]:
    if campaign.trunk_id and session.get(Trunk, campaign.trunk_id):
        return []
    return [CampaignError("trunk_not_chosen", "Choose the trunk through which to call.", field="trunk_id")]


def _window_problems(campaign: Campaign) -> list[CampaignError]:
    windows = CallingWindows.from_json(campaign.windows)
    if windows.next_open(utcnow(), ZoneInfo(campaign.timezone)) is not None:
        return []
    return [CampaignError("no_windows", "There is no calling window: add the hours for calls.", field="windows")]


def _trunk_problems(session: Session, campaign: Campaign) -> list[CampaignError]:
    trunk = session.get(Trunk, campaign.trunk_id) if campaign.trunk_id else None
    if trunk is None:
        return _trunk_choice(session, campaign)
    found = []
    if not trunk.enabled:
        sentence = f"The trunk {trunk.name} is switched off: switch it on or choose another."
        found.append(CampaignError("trunk_disabled", sentence, field="trunk_id", words={"trunk": trunk.name}))
    if campaign.caller_id and campaign.caller_id not in (trunk.caller_ids or []):
        sentence = "This caller id is not one of the trunk's: choose one of them or add it to the trunk."
        found.append(CampaignError("caller_id_not_owned", sentence, field="caller_id"))
    return found + _node_problems(trunk.nodes)


def _node_problems(nodes: list[Node]) -> list[CampaignError]:
    """One node that can call is enough."""
    connected = [node for node in nodes if node.is_connected(utcnow())]
    if not connected:
        sentence = "The telephone exchange is not connected now: wait a moment, then look at the nodes page."
        trouble = next((node.trouble for node in nodes if node.trouble), "")
        return [CampaignError(trouble or "node_not_connected", sentence)]
    if all(node.draining for node in connected):
        sentence = "Every node of the trunk is being drained: take one back on the nodes page."
        return [CampaignError("nodes_draining", sentence)]
    return []


def of_message(session: Session, campaign: Campaign, settings: Settings) -> list[CampaignError]:
    """What is missing for what is said."""
    if campaign.message is not None:
        return message_problems.found(session, campaign, settings)
    if not campaign.sound:
        return [CampaignError("sound_missing", "Upload the message: a sound file.", field="sound")]
    if not sounds.has(settings.sounds, campaign.sound) and not sounds.is_kept(session, campaign.sound):
        return [CampaignError("sound_lost", "The message's sound file is gone: upload it again.", field="sound")]
    return []


def _list_problems(session: Session, campaign: Campaign) -> list[CampaignError]:
    found = _window_problems(campaign)
    if campaign.state == CampaignState.PAUSED:
        return found  # with nobody left it finishes at once, as it would have without the pause
    pending = select(Contact.id).where(Contact.campaign_id == campaign.id, Contact.state == ContactState.PENDING)
    if session.execute(pending.limit(1)).first():
        return found
    loading = select(ContactBase.id).where(
        ContactBase.campaign_id == campaign.id, ContactBase.state.in_([BaseState.WAITING, BaseState.LOADING])
    )
    if session.execute(loading.limit(1)).first():
        found.append(CampaignError("base_loading", "The base is still being loaded: wait until it is ready."))
    elif _unsaid(session, campaign):
        sentence = "The message can be said to none of the contacts: look at their reasons, and change it or the base."
        found.append(CampaignError("no_contacts_prepared", sentence, field="message"))
    else:
        found.append(CampaignError("no_contacts", "Nobody is left to call: add a base with numbers.", field="bases"))
    return found


def _unsaid(session: Session, campaign: Campaign) -> bool:
    """Whether there is somebody whose own data cannot be said."""
    query = select(Contact.id).where(
        Contact.campaign_id == campaign.id,
        Contact.state == ContactState.NOT_REACHED,
        Contact.last_disposition == Disposition.NOT_PREPARED,
    )
    return session.execute(query.limit(1)).first() is not None
