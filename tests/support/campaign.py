"""Campaigns for tests that dial for real."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from campaigns import service, sounds
from campaigns.errors import CampaignError
from campaigns.models import Campaign, Contact, ContactBase
from campaigns.states import BaseState
from campaigns.windows import CallingWindows
from config import database
from config.database import utcnow
from dialer.models import Trunk
from tests.support.audio import write_sweep
from tests.support.servers import wait_until

MESSAGE_S = 3.0


def make_campaign(stack: Any, numbers: Sequence[str], *, trunk_name: str = "rehearsal", **settings: Any) -> int:
    """A draft with these numbers and the sweep as its message, ready to start. :returns: its id."""
    sound = stack.settings.sounds / "5feeb.wav"
    if not sound.exists():
        write_sweep(sound, MESSAGE_S)
        sounds.keep(stack.settings.sounds, sound.stem)

    def work(session: database.Session) -> int:
        trunk = session.query(Trunk).filter_by(name=trunk_name).one()
        chosen = {"channel_limit": 30, "attempts": 1, "retry_s": 2, "ring_s": 12, "notification_s": 2.5, **settings}
        campaign = Campaign(
            name="Test",
            trunk_id=trunk.id,
            windows=CallingWindows.always().to_json(),
            sound=sound.stem,
            sound_s=MESSAGE_S,
            **chosen,
        )
        session.add(campaign)
        session.flush()
        base = ContactBase(campaign_id=campaign.id, filename="a.csv", path="a", sha256="0", state=BaseState.READY)
        base.rows = base.accepted = len(numbers)
        session.add(base)
        session.flush()
        session.add_all(
            Contact(campaign_id=campaign.id, base_id=base.id, line=line, number=number, due_at=utcnow())
            for line, number in enumerate(numbers, 1)
        )
        return campaign.id

    return database.write(work)


def start(campaign_id: int) -> None:
    """Start it, or let it go on, once its exchange is there; on a busy machine a sign of life of it may come late."""

    def started() -> bool:
        # A look first: each try takes the database's write lock, which the dial worker needs for its sign of life.
        if service.start_problems(campaign_id):
            return False
        with contextlib.suppress(CampaignError):
            service.start(campaign_id)
            return True
        return False

    wait_until(started, 90, "the dial worker's connection", every_s=0.2)


def hold_back(campaign_id: int, contacts: int) -> None:
    """So many, the last ones, are due only after :func:`let_go`: the campaign is not over before, however fast."""

    def work(session: database.Session) -> None:
        chosen = select(Contact).where(Contact.campaign_id == campaign_id).order_by(Contact.id.desc()).limit(contacts)
        for contact in session.scalars(chosen):
            contact.due_at = utcnow() + dt.timedelta(hours=1)

    database.write(work)


def let_go(campaign_id: int, contacts: int) -> None:
    """So many of those who were held back are due."""
    now = utcnow()

    def work(session: database.Session) -> None:
        held = (Contact.campaign_id == campaign_id, Contact.due_at > now + dt.timedelta(minutes=30))
        for contact in session.scalars(select(Contact).where(*held).order_by(Contact.id).limit(contacts)):
            contact.due_at = now

    database.write(work)
