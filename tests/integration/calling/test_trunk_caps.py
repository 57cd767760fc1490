"""Caps of a trunk's day: never passed whatever the calls do, counted once, shown, and over at midnight."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, func, select, update

from campaigns import service
from campaigns.eligibility import Rule
from campaigns.models import Contact
from campaigns.states import CampaignState, ContactState
from config import database
from config.database import utcnow
from dialer import trunk_caps
from dialer.calls import CallOutcome
from dialer.models import Trunk
from tests.integration.calling.rig import claim, contact_rows, ended, make, one

pytestmark = pytest.mark.usefixtures("app")

#: A message of 28 s is billed 30 s at most, so that two calls fill a minute.
SOUND_S = 28.0
LONGEST_S = 30


def cap(trunk_id=1, **values):
    database.write(lambda session: session.execute(update(Trunk).where(Trunk.id == trunk_id).values(**values)))


def used(trunk_id=1, now=None):
    with database.read() as session:
        return trunk_caps.used(session, trunk_id, now or utcnow())


def talk(requests, seconds, began=None):
    began = began or utcnow()
    return ended(
        requests, CallOutcome.ANSWERED, answered_at=began, ended_at=began + dt.timedelta(seconds=seconds), listened_s=9
    )


@pytest.mark.parametrize(
    "values",
    [
        {"minutes_per_day": 2},
        {"price_per_minute": 3.5, "spend_per_day": 7},
        {"minutes_per_day": 100, "price_per_minute": 1, "spend_per_day": 2},
    ],
)
def test_open_calls_count_as_if_each_heard_everything(values):
    """Two minutes are four calls of at most half a minute; the fifth waits until it is sure to fit."""
    cap(**values)
    campaign_id = make(contacts=9, channel_limit=9, sound_s=SOUND_S)
    first = claim(campaign_id).requests
    assert len(first) == 4
    assert claim(campaign_id).requests == []
    talk(first[:1], LONGEST_S)
    assert claim(campaign_id).requests == []
    ended(first[1:2], CallOutcome.BUSY)  # costs nothing: its share is free again
    second = claim(campaign_id).requests
    assert len(second) == 1
    talk([*first[2:], *second], LONGEST_S)
    assert used() == trunk_caps.Used(120, 4)
    assert claim(campaign_id).requests == []
    assert service.get(campaign_id).state == CampaignState.RUNNING


def test_without_a_cap_nothing_is_limited_and_all_the_same_counted():
    campaign_id = make(contacts=9, channel_limit=9, sound_s=SOUND_S)
    talk(claim(campaign_id).requests, 10.2)
    assert used() == trunk_caps.Used(99, 9)


def test_an_outcome_that_comes_twice_is_counted_once():
    campaign_id = make(contacts=1, sound_s=SOUND_S)
    requests = claim(campaign_id).requests
    talk(requests, 10)
    talk(requests, 10)
    assert used() == trunk_caps.Used(10, 1)


def test_two_campaigns_of_a_trunk_share_its_day():
    cap(minutes_per_day=2)
    one_, other = (make(contacts=9, channel_limit=9, sound_s=SOUND_S) for _ in range(2))
    taken = [len(claim(campaign_id).requests) for campaign_id in (one_, other, one_, other)]
    assert sum(taken) == 4


def test_of_a_cap_of_nothing_nobody_is_called():
    cap(minutes_per_day=0)
    assert claim(make(contacts=2, sound_s=SOUND_S)).requests == []


def test_it_goes_on_by_itself_the_next_day():
    """At midnight of the copy's zone; nobody's turn is lost."""
    cap(minutes_per_day=1)
    campaign_id = make(contacts=4, channel_limit=9, sound_s=SOUND_S)
    talk(claim(campaign_id).requests, LONGEST_S)
    assert claim(campaign_id).requests == []
    assert {contact.state for contact in contact_rows(campaign_id)[2:]} == {ContactState.PENDING}
    midnight = trunk_caps.next_day(utcnow())
    assert midnight.astimezone(ZoneInfo("Europe/Moscow")).time() == dt.time()
    assert claim(campaign_id, now=midnight - dt.timedelta(seconds=1)).requests == []
    assert len(claim(campaign_id, now=midnight).requests) == 2


def test_a_call_over_midnight_counts_on_the_day_of_its_answer():
    campaign_id = make(contacts=1, sound_s=SOUND_S)
    midnight = trunk_caps.next_day(utcnow())
    talk(claim(campaign_id).requests, 20, began=midnight - dt.timedelta(seconds=10))
    assert used() == trunk_caps.Used(20, 1)
    assert used(now=midnight) == trunk_caps.Used()


@pytest.mark.parametrize(
    ("values", "code", "cap_text"),
    [
        ({"minutes_per_day": 1}, "trunk_minutes_used_up", "1"),
        ({"price_per_minute": 2.0, "spend_per_day": 2.0}, "trunk_spend_used_up", "2.00"),
    ],
)
def test_the_reason_is_told(values, code, cap_text):
    """On the campaign's page, and for each contact by the same decision."""
    cap(**values)
    campaign_id = make(contacts=3, channel_limit=9, sound_s=SOUND_S)
    assert service.waits_for(service.get(campaign_id)) == []
    talk(claim(campaign_id).requests, LONGEST_S)
    [reason] = service.waits_for(service.get(campaign_id))
    assert reason.code == code
    assert reason.words["cap"] == cap_text
    last = contact_rows(campaign_id)[-1]
    verdict = service.why_not_called(last.id)
    assert (verdict.allowed, verdict.rule) == (False, Rule.CAP_REACHED)
    assert verdict.until == trunk_caps.next_day(utcnow())


def test_an_expensive_number_ends_blocked_unless_the_trunk_allows_it():
    """It was loaded while the trunk allowed it; the decision is made again before each call."""

    def number(value):
        def work(session):
            first = select(Contact.id).where(Contact.campaign_id == campaign_id).order_by(Contact.id).limit(1)
            contact = session.get(Contact, session.scalar(first))
            contact.number = value

        database.write(work)

    campaign_id = make(contacts=2, channel_limit=9)
    number("881612345678")
    assert len(claim(campaign_id).requests) == 1
    first, _other = contact_rows(campaign_id)
    assert (first.state, first.last_disposition) == (ContactState.NOT_REACHED, "blocked")
    cap(costly_allowed=True)
    campaign_id = make(contacts=2, channel_limit=9)
    number("881612345678")
    assert len(claim(campaign_id).requests) == 2


def test_usage_goes_with_its_trunk():
    """A trunk that nothing was dialled through, or whose campaigns are deleted, can be removed."""

    def work(session):
        now = utcnow()
        trunk_caps.add(session, [(2, now, now)])
        session.execute(delete(Trunk).where(Trunk.id == 2))

    database.write(work)
    assert one(select(func.count()).select_from(trunk_caps.TrunkUsage)) == 0
