"""Campaigns for tests that dial for real."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from campaigns import sounds
from campaigns.models import Campaign, Contact, ContactBase
from campaigns.states import BaseState
from campaigns.windows import CallingWindows
from config import database
from config.database import utcnow
from dialer.models import Trunk
from tests.support.audio import write_sweep

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
