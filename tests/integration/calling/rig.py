"""Campaigns, claims and outcomes for the tests of this folder."""

import datetime as dt

from sqlalchemy import select

from campaigns import outcomes, store
from campaigns.models import Campaign, Contact, ContactBase
from campaigns.states import BaseState, CampaignState
from campaigns.windows import CallingWindows
from config import database
from config.database import utcnow
from dialer.calls import CallResult

ALWAYS = CallingWindows.always().to_json()
#: Opens in a month.
CLOSED = {
    "weekly": [],
    "exceptions": [
        {
            "date": (utcnow() + dt.timedelta(days=30)).date().isoformat(),
            "windows": [{"from": "10:00", "to": "11:00"}],
        }
    ],
}


def make(contacts=5, *, trunk=None, zones=(), **settings):
    """A running campaign with due contacts. :returns: its id."""

    def work(session):
        campaign = Campaign(
            name="Test", state=CampaignState.RUNNING, trunk_id=trunk or 1, windows=settings.pop("windows", ALWAYS),
            sound="ab", **{"channel_limit": 3, "retry_s": 60, "notification_s": 4, **settings},
        )  # fmt: skip
        session.add(campaign)
        session.flush()
        base = ContactBase(
            campaign_id=campaign.id, filename="a.csv", path="a", sha256="0", state=BaseState.READY,
            layout={"zone_column": 2} if zones else {},
        )  # fmt: skip
        session.add(base)
        session.flush()
        session.add_all(
            Contact(
                campaign_id=campaign.id, base_id=base.id, line=i, number=f"7900555{i:04d}", due_at=utcnow(),
                timezone=zones[i % len(zones)] if zones else None,
            )
            for i in range(contacts)
        )  # fmt: skip
        return campaign.id

    return database.write(work)


def claim(campaign_id, rate=1000, now=None):
    capacity = store.Capacity(1, "boot", lambda *_: rate)
    return database.write(lambda session: store.claim(session, campaign_id, capacity, (lambda: now) if now else utcnow))


def record(*results):
    return database.write(lambda session: outcomes.record(session, results, utcnow()))


def ended(requests, outcome, **more):
    return record(*[CallResult(request.uid, outcome, **more) for request in requests])


def one(query):
    with database.read() as session:
        return session.execute(query).scalar_one()


def contact_rows(campaign_id):
    with database.read() as session:
        return (
            session.execute(select(Contact).where(Contact.campaign_id == campaign_id).order_by(Contact.id))
            .scalars()
            .all()
        )
