"""Claims and outcomes on both databases: limits are counted, outcomes written once, nobody lost (I1 to I5)."""

import datetime as dt
import threading

import pytest
from flask import current_app
from pydantic import ValidationError
from sqlalchemy import func, select, update

from campaigns import outcomes, removal, service, store
from campaigns.models import Attempt, Campaign, Contact, ContactBase
from campaigns.states import BaseState, CampaignState, ContactState, Disposition
from campaigns.windows import CallingWindows
from config import database
from config.database import utcnow
from dialer.calls import CallOutcome, CallResult
from dialer.models import Node, Trunk
from tests.integration.calling.rig import ALWAYS, CLOSED, claim, contact_rows, ended, make, one, record

pytestmark = pytest.mark.usefixtures("app")


def test_i4_open_attempts_are_counted_against_the_channel_limit():
    campaign_id = make(contacts=10)
    first = claim(campaign_id)
    assert len(first.requests) == 3
    assert claim(campaign_id).requests == []
    ended(first.requests[:1], CallOutcome.BUSY)
    assert len(claim(campaign_id).requests) == 1


def test_i4_trunk_node_and_rate_limit_too():
    campaign_id = make(contacts=10, trunk=2, channel_limit=9)
    assert len(claim(campaign_id, rate=1).requests) == 1
    limited = claim(campaign_id, rate=0)
    assert limited.rate_limited
    assert len(claim(campaign_id).requests) == 3
    database.write(lambda session: session.execute(update(Node).values(channels=4)))
    assert claim(make(contacts=3)).requests == []


def test_two_campaigns_share_a_trunk_evenly():
    first, second = make(contacts=9, trunk=2, channel_limit=9), make(contacts=9, trunk=2, channel_limit=9)
    assert len(claim(first).requests) == 2
    assert len(claim(second).requests) == 2


def test_nothing_is_kept_for_a_campaign_whose_window_is_closed():
    make(contacts=9, trunk=2, channel_limit=9, windows=CLOSED)
    assert len(claim(make(contacts=9, trunk=2, channel_limit=9)).requests) == 4


def test_request_carries_what_the_dialer_needs():
    (request, *_) = claim(make(contacts=1, ring_s=17)).requests
    assert (request.number, request.trunk, request.caller_id) == ("79005550000", "t1", "74950000000")
    assert (request.ring_s, request.sound, request.tag_attempt) == (17, "ab", True)


def test_i1_concurrent_claims_never_share_a_contact_nor_pass_the_limit():
    campaign_id = make(contacts=40, channel_limit=20)
    taken, errors = [], []
    app = current_app._get_current_object()

    def worker():
        with app.app_context():
            try:
                taken.extend(claim(campaign_id, rate=3).requests)
            except Exception as exc:
                errors.append(exc)

    threads = [threading.Thread(target=worker) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len({request.number for request in taken}) == len(taken) == 20
    assert one(select(func.count()).select_from(Attempt).where(Attempt.open_for_contact > 0)) == 20


def test_i3_an_outcome_is_written_once():
    campaign_id = make(contacts=1)
    (request,) = claim(campaign_id).requests
    assert record(CallResult(request.uid, CallOutcome.BUSY, sip_code=486)).campaign_ids == {campaign_id}
    assert record(CallResult(request.uid, CallOutcome.ANSWERED, listened_s=9)) == outcomes.Recorded(set(), {})
    (contact,) = contact_rows(campaign_id)
    assert (contact.state, contact.attempts, contact.last_disposition) == (ContactState.PENDING, 1, Disposition.BUSY)
    assert one(select(Attempt.disposition)) == Disposition.BUSY


def test_i2_contact_ends_reached_or_given_up_and_the_campaign_finishes():
    campaign_id = make(contacts=2, attempts=1)
    good, bad = claim(campaign_id).requests
    ended([good], CallOutcome.ANSWERED, listened_s=4.2)
    ended([bad], CallOutcome.NO_ANSWER)
    assert [c.state for c in contact_rows(campaign_id)] == [ContactState.REACHED, ContactState.NOT_REACHED]
    claim(campaign_id)
    assert service.get(campaign_id).state == CampaignState.FINISHED


def test_not_finished_while_a_call_is_up_or_a_base_loads():
    campaign_id = make(contacts=1)
    requests = claim(campaign_id).requests
    claim(campaign_id)
    assert service.get(campaign_id).state == CampaignState.RUNNING
    ended(requests, CallOutcome.ANSWERED, listened_s=9)
    database.write(lambda s: s.execute(update(ContactBase).values(state=BaseState.LOADING)))
    claim(campaign_id)
    assert service.get(campaign_id).state == CampaignState.RUNNING


def test_trunk_failure_pauses_and_costs_nobody_an_attempt():
    campaign_id = make(contacts=3)
    requests = claim(campaign_id).requests
    ended(requests, CallOutcome.TRUNK_FAILURE, detail="t1: no such endpoint")
    campaign = service.get(campaign_id)
    assert (campaign.state, campaign.state_code) == (CampaignState.PAUSED, "trunk_failure")
    assert campaign.state_detail == "t1: no such endpoint"
    assert {(c.state, c.attempts) for c in contact_rows(campaign_id)} == {(ContactState.PENDING, 0)}


def test_ten_contacts_in_a_row_with_congestion_pause_and_are_given_back():
    campaign_id = make(contacts=12, channel_limit=12, attempts=1)
    requests = claim(campaign_id).requests
    ended(requests[:9], CallOutcome.CONGESTION, sip_code=503)
    assert service.get(campaign_id).state == CampaignState.RUNNING
    ended(requests[9:10], CallOutcome.CONGESTION, sip_code=503)
    campaign = service.get(campaign_id)
    assert (campaign.state, campaign.state_code) == (CampaignState.PAUSED, "trunk_congested")
    rows = contact_rows(campaign_id)[:10]
    assert {(c.state, c.attempts) for c in rows} == {(ContactState.PENDING, 0)}
    assert all(c.due_at is not None for c in rows)


def test_one_answer_in_between_shows_that_the_trunk_is_well():
    campaign_id = make(contacts=12, channel_limit=12, attempts=1)
    requests = claim(campaign_id).requests
    ended(requests[:9], CallOutcome.CONGESTION)
    ended(requests[9:10], CallOutcome.BUSY)
    ended(requests[10:], CallOutcome.CONGESTION)
    assert service.get(campaign_id).state == CampaignState.RUNNING


def test_not_placed_is_due_again_and_not_counted():
    campaign_id = make(contacts=1, attempts=1)
    ended(claim(campaign_id).requests, CallOutcome.NOT_PLACED)
    (contact,) = contact_rows(campaign_id)
    assert (contact.state, contact.attempts, contact.tries) == (ContactState.PENDING, 0, 1)
    again = claim(campaign_id, now=utcnow() + dt.timedelta(seconds=3)).requests
    assert len(again) == 1


def test_i6_unknown_waits_for_the_managers_decision():
    campaign_id = make(contacts=2, attempts=1)
    ended(claim(campaign_id).requests, CallOutcome.UNKNOWN)
    assert claim(campaign_id, now=utcnow() + dt.timedelta(days=9)).requests == []
    assert service.counts([campaign_id])[campaign_id].unknown == 2
    assert service.decide_unknown(campaign_id, redial=True) == 2
    database.write(lambda s: s.execute(update(Campaign).values(state=CampaignState.RUNNING)))
    assert len(claim(campaign_id).requests) == 2


def test_i5_nothing_is_claimed_outside_of_the_window():
    campaign_id = make(contacts=3, windows=CLOSED)
    assert claim(campaign_id).requests == []
    assert service.get(campaign_id).state == CampaignState.RUNNING


def test_i5_a_contacts_own_zone_counts_and_changed_windows_free_it():
    noon_utc = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
    database_now = CallingWindows.daily("09:00", "20:00").to_json()
    campaign_id = make(contacts=2, windows=database_now, zones=("Asia/Tokyo", "Europe/Moscow"))
    database.write(lambda s: s.execute(update(Contact).values(due_at=noon_utc)))
    assert [request.number for request in claim(campaign_id, now=noon_utc).requests] == ["79005550001"]
    tokyo = contact_rows(campaign_id)[0]
    assert (tokyo.put_off, tokyo.due_at) == (True, dt.datetime(2026, 11, 21, 0, 0, tzinfo=dt.UTC))
    form = service.CampaignForm(name="Test", trunk_id=1, windows=ALWAYS)
    service.update_settings(campaign_id, form)
    assert [request.number for request in claim(campaign_id).requests] == ["79005550000"]


def test_number_the_trunk_may_not_dial_ends_blocked():
    campaign_id = make(contacts=1, trunk=2)
    database.write(lambda s: s.execute(update(Trunk).values(allowed_prefixes=["1"])))
    assert claim(campaign_id).requests == []
    (contact,) = contact_rows(campaign_id)
    assert (contact.state, contact.last_disposition) == (ContactState.NOT_REACHED, Disposition.BLOCKED)


def test_pause_takes_effect_on_the_next_claim():
    campaign_id = make(contacts=9)
    claim(campaign_id)
    service.pause(campaign_id)
    assert claim(campaign_id).requests == []


def test_start_names_everything_that_is_missing():
    campaign_id = service.create(service.CampaignForm(name="New"))
    codes = {problem.code for problem in service.start_problems(campaign_id)}
    assert codes == {"trunk_not_chosen", "sound_missing", "no_contacts"}


def test_why_not_called_is_the_same_decision():
    campaign_id = make(contacts=1)
    (contact,) = contact_rows(campaign_id)
    assert service.why_not_called(contact.id).allowed
    claim(campaign_id)
    assert service.why_not_called(contact.id).rule == "attempt_open"


def test_removal_takes_only_what_is_being_deleted():
    """A second job for the same campaign may come to its end after the first, when the id could mean another."""
    campaign = make(1)
    removal.remove(campaign)
    with database.read() as session:
        contact = session.scalars(select(Contact)).one()
    database.write(lambda session: removal._delete_chunk(session, campaign, Contact, Contact.id == contact.id))
    database.write(lambda session: removal._delete_rest(session, campaign))
    assert service.get(campaign).id == campaign
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Contact)) == 1


def test_a_long_removal_gives_the_worker_back(monkeypatch):
    """Each sweep sends for it: without an end of each run they would take one worker after another until it is done."""
    campaign_id = make(contacts=7)
    service.stop(campaign_id)
    service.delete(campaign_id)
    monkeypatch.setattr(removal, "CHUNK", 3)
    monkeypatch.setattr(removal, "RUN_S", 0.0)
    left = [7]
    while removal.deleting():
        removal.remove(campaign_id)
        left.append(one(select(func.count()).select_from(Contact)))
    assert left == [7, 4, 1, 0, 0]


@pytest.mark.parametrize(
    "values", [{"region": "ZZ"}, {"region": "AQ"}, {"timezone": "Europe"}, {"timezone": "x" * 5000}]
)
def test_a_campaign_names_a_region_and_a_zone_that_exist(values):
    with pytest.raises(ValidationError):
        service.CampaignForm(name="Test", **values)


def test_a_contact_with_an_odd_zone_has_the_campaigns():
    assert [store.zone_of(name) for name in ("Europe", "x" * 5000, "Mars/Base", "")] == [None] * 4
