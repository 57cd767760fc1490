"""Deleting a campaign: hidden at once, its rows removed in small transactions so that others go on dialling."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from campaigns.models import Attempt, Campaign, Contact, ContactBase, RejectedRow
from campaigns.states import CampaignState
from campaigns.store import TRIAL_LATE
from config import database

CHUNK = 2000
BREATHE_S = 0.02
#: Seconds of one run, a little less than between two sweeps, each of which sends for the next: otherwise every sweep
#: would put one more worker to the same removal, and none would be left to prepare contacts that are called now.
RUN_S = 8.0
TRIAL_KEPT = dt.timedelta(days=1)


def remove(campaign_id: int) -> None:
    """Remove rows of a campaign in state ``deleting`` for some seconds, and in the end the campaign itself.

    May be stopped and run again at any point; the sweep sends for it until it is gone.
    """
    ends = time.monotonic() + RUN_S
    if not database.write(lambda session: _is_deleting(session, campaign_id)):
        return
    bases = select(ContactBase.id).where(ContactBase.campaign_id == campaign_id)
    for model, condition in (
        (Attempt, Attempt.campaign_id == campaign_id),
        (Contact, Contact.campaign_id == campaign_id),
        (RejectedRow, RejectedRow.base_id.in_(bases)),
    ):
        while database.write(lambda session, m=model, c=condition: _delete_chunk(session, campaign_id, m, c)):  # type: ignore[misc]
            time.sleep(BREATHE_S)
            if time.monotonic() > ends:
                return
    database.write(lambda session: _delete_rest(session, campaign_id))


def _is_deleting(session: Session, campaign_id: int) -> bool:
    campaign = session.get(Campaign, campaign_id)
    return campaign is not None and campaign.state == CampaignState.DELETING


def _delete_chunk(session: Session, campaign_id: int, model: Any, condition: Any) -> int:
    if not _is_deleting(session, campaign_id):
        return 0
    ids = session.execute(select(model.id).where(condition).limit(CHUNK)).scalars().all()
    if ids:
        session.execute(delete(model).where(model.id.in_(ids)))
    return len(ids)


def _delete_rest(session: Session, campaign_id: int) -> None:
    if not _is_deleting(session, campaign_id):  # another job was faster
        return
    session.execute(delete(ContactBase).where(ContactBase.campaign_id == campaign_id))
    session.execute(delete(Campaign).where(Campaign.id == campaign_id))


def deleting() -> list[int]:
    """Campaigns whose removal is not done."""
    with database.read() as session:
        return list(session.execute(select(Campaign.id).where(Campaign.state == CampaignState.DELETING)).scalars())


def end_trials() -> None:
    """End test calls (``campaigns.trial_calls``) that nobody came back for; those of yesterday are to be removed."""
    now = database.utcnow()
    with database.read() as session:
        if session.execute(select(Campaign.id).where(Campaign.test_of.is_not(None)).limit(1)).first() is None:
            return

    def work(session: Session) -> None:
        up = select(Attempt.campaign_id).where(Attempt.open_for_contact > 0)
        trials = update(Campaign).where(Campaign.test_of.is_not(None), Campaign.id.not_in(up))
        late = trials.where(Campaign.created_at < now - TRIAL_LATE, Campaign.state == CampaignState.RUNNING)
        session.execute(late.values(state=CampaignState.STOPPED))
        old = trials.where(Campaign.created_at < now - TRIAL_KEPT, Campaign.state != CampaignState.RUNNING)
        session.execute(old.values(state=CampaignState.DELETING))

    database.write(work)
