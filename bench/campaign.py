"""Campaigns for the benchmarks: made by SQL, dialled by the product."""

from __future__ import annotations

import time

import numpy
import soundfile
from sqlalchemy import func, select

from bench.rig import Rig, wait_for
from campaigns import service
from campaigns.models import Attempt, Campaign, Contact, ContactBase
from campaigns.states import BaseState, CampaignState
from campaigns.windows import CallingWindows
from config import database
from config.database import Session, utcnow

CHUNK = 10_000


def silence(used: Rig, seconds: float) -> str:
    """A message that says nothing for so long. :returns: its name."""
    name = f"5ec{round(seconds * 1000):x}"
    soundfile.write(used.settings.sounds / f"{name}.wav", numpy.zeros(round(seconds * 8000)), 8000, subtype="PCM_16")
    return name


def make(used: Rig, sound: str, contacts: int, channels: int) -> int:
    """A draft with so many contacts that are due. :returns: its id."""

    def campaign(session: Session) -> tuple[int, int]:
        campaign = Campaign(
            name="bench",
            state=CampaignState.DRAFT,
            trunk_id=used.trunk_id,
            windows=CallingWindows.always().to_json(),
            sound=sound,
            channel_limit=channels,
            attempts=1,
        )
        session.add(campaign)
        session.flush()
        base = ContactBase(campaign_id=campaign.id, filename="b", path="b", sha256="0", state=BaseState.READY)
        session.add(base)
        session.flush()
        return campaign.id, base.id

    campaign_id, base_id = database.write(campaign)
    for first in range(0, contacts, CHUNK):
        rows = [
            {"campaign_id": campaign_id, "base_id": base_id, "line": i, "number": f"7900{i:07d}", "due_at": utcnow()}
            for i in range(first, min(first + CHUNK, contacts))
        ]
        database.write(lambda session, rows=rows: session.execute(Contact.__table__.insert(), rows))
    return campaign_id


def dial(campaign_id: int, calls: int, patience_s: float = 120) -> float:
    """Start the campaign and wait for its last outcome. :returns: seconds."""
    began = time.monotonic()
    service.start(campaign_id)
    wait_for(lambda: service.get(campaign_id).state == CampaignState.FINISHED, patience_s, "the campaign's end")
    seconds = time.monotonic() - began
    answered = outcomes(campaign_id).get("answered_not_heard", 0)
    if answered != calls:
        raise RuntimeError(f"only {answered} of {calls} calls were answered: the figure would mean nothing")
    return seconds


def outcomes(campaign_id: int) -> dict[str | None, int]:
    """Attempts of the campaign by disposition; None: still open."""
    with database.read() as session:
        query = select(Attempt.disposition, func.count()).where(Attempt.campaign_id == campaign_id)
        return {disposition: count for disposition, count in session.execute(query.group_by(Attempt.disposition))}


def ended(campaign_id: int) -> int:
    """Attempts of the campaign with an outcome."""
    return sum(count for disposition, count in outcomes(campaign_id).items() if disposition is not None)


def open_calls(campaign_id: int) -> int:
    """Attempts of the campaign without outcome."""
    query = select(func.count()).where(Attempt.open_for_contact > 0, Attempt.campaign_id == campaign_id)
    with database.read() as session:
        return int(session.execute(query).scalar_one())
