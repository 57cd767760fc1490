"""Campaigns for tests that dial for real."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import soundfile

from campaigns.models import Campaign, Contact, ContactBase
from campaigns.states import BaseState
from campaigns.windows import CallingWindows
from config import database
from config.database import utcnow
from dialer.models import Trunk

#: A sweep from 300 to 1,500 Hz: no two moments are alike, so a recording of it shows which part was heard.
SWEEP_S = 3.0


def sweep(seconds: float = SWEEP_S, rate: int = 8000) -> np.ndarray[Any, Any]:
    """The test message, -1 to 1."""
    t = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * (300 * t + (1500 - 300) / (2 * seconds) * t * t)
    return 0.5 * np.sin(phase)


def make_campaign(stack: Any, numbers: Sequence[str], **settings: Any) -> int:
    """A draft with these numbers and the sweep as its message, ready to start. :returns: its id."""
    sound = stack.settings.sounds / "5feeb.wav"
    if not sound.exists():
        soundfile.write(sound, sweep(), 8000, subtype="PCM_16")

    def work(session: database.Session) -> int:
        trunk = session.query(Trunk).filter_by(kind="rehearsal").one()
        chosen = {"channel_limit": 30, "attempts": 1, "retry_s": 2, "ring_s": 12, "notification_s": 2.5, **settings}
        campaign = Campaign(
            name="Test",
            trunk_id=trunk.id,
            windows=CallingWindows.always().to_json(),
            sound=sound.stem,
            sound_s=SWEEP_S,
            **chosen,
        )
        session.add(campaign)
        session.flush()
        base = ContactBase(campaign_id=campaign.id, filename="a.csv", path="a", sha256="0", state=BaseState.READY)
        session.add(base)
        session.flush()
        session.add_all(
            Contact(campaign_id=campaign.id, base_id=base.id, line=line, number=number, due_at=utcnow())
            for line, number in enumerate(numbers, 1)
        )
        return campaign.id

    return database.write(work)
