"""Calls that somebody else earns from: which numbers are dialled, how much a day may cost, whose number is shown.

The caps themselves: tests/integration/calling/test_trunk_caps.py. Kinds of numbers:
tests/unit/campaigns/test_phone_numbers.py.
"""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import update

from campaigns import bases, service
from campaigns.models import Campaign
from config import database
from config.database import utcnow
from dialer import trunk_caps
from dialer.models import Node, Trunk

EXPENSIVE = ["881612345678", "78095000000", "447012345678", "979123456789"]


@pytest.fixture
def administrators_key(app) -> dict[str, str]:
    from web import accounts, api_keys

    with app.app_context():
        boss = next(item for item in accounts.all_accounts() if item.username == "boss")
        return {"Authorization": f"Bearer {api_keys.create(boss, 'test')}"}


def _trunk(**values) -> None:
    database.write(lambda session: session.execute(update(Trunk).values(**values)))


@pytest.mark.parametrize("allowed", [False, True])
def test_expensive_numbers_are_rejected_rows_unless_the_trunk_allows_them(app, manager, campaign_id, tmp_path, allowed):
    source = tmp_path / "list.csv"
    source.write_text("Телефон\n79005550000\n" + "".join(f"+{number}\n" for number in EXPENSIVE))
    with app.app_context():
        _trunk(costly_allowed=allowed)
        base_id = bases.add(campaign_id, source, "list.csv")
        bases.load_waiting(campaign_id)
        rejected = bases.rejected_rows(base_id)
        counts = service.counts([campaign_id])[campaign_id]
    assert counts.contacts == (5 if allowed else 1)
    assert [row.code for row in rejected] == ([] if allowed else ["premium_blocked"] * 4)
    if not allowed:
        page = manager.get(f"/campaigns/{campaign_id}/bases/{base_id}/rejected").text
        assert "satellite numbers are refused" in page


def test_the_page_and_the_api_set_caps_and_show_what_is_used(app, admin, administrators_key, trunk_id):
    form = {
        **{"title": "Rehearsal carrier", "channels": "10", "cps": "5", "enabled": "1", "minutes_per_day": "30"},
        **{"price_per_minute": "1,5", "spend_per_day": "40", "costly_allowed": "1", "caller_ids": "74950000000"},
    }
    assert admin.post(f"/trunks/{trunk_id}", form).status_code == 302
    now = utcnow()
    with app.app_context():
        database.write(lambda s: trunk_caps.add(s, [(trunk_id, now, now + dt.timedelta(seconds=90))]))
    shown = app.test_client().get(f"/api/v1/trunks/{trunk_id}", headers=administrators_key).json
    assert (shown["minutes_per_day"], shown["price_per_minute"], shown["spend_per_day"]) == (30, 1.5, 40)
    assert (shown["minutes_today"], shown["calls_today"], shown["spend_today"]) == (1.5, 1, 2.25)
    assert shown["costly_allowed"] is True
    assert "Used today: 1.5 minutes in 1 calls. Cost: 2.25." in admin.get(f"/trunks/{trunk_id}").text
    assert 'data-minutes="1.5">1.5 / 30' in admin.get("/trunks").text
    admin.post("/locale", {"locale": "ru"})
    assert 'data-minutes="1.5">1,5 / 30<div class="text-secondary small">2,25 / 40,00' in admin.get("/trunks").text
    admin.post(f"/trunks/{trunk_id}", {**form, "minutes_per_day": "", "spend_per_day": "", "costly_allowed": ""})
    shown = app.test_client().get(f"/api/v1/trunks/{trunk_id}", headers=administrators_key).json
    assert (shown["minutes_per_day"], shown["spend_per_day"], shown["costly_allowed"]) == (None, None, False)


def test_money_needs_a_price(app, admin, administrators_key, trunk_id):
    """A cap that could not be counted would be none."""
    form = {"title": "t", "channels": "10", "cps": "5", "spend_per_day": "40"}
    answer = admin.post(f"/trunks/{trunk_id}", form)
    assert answer.status_code == 422
    assert "Give the price of a minute as well" in answer.text
    body = {"title": "t", "host": "sip.example", "spend_per_day": 40}
    answer = app.test_client().post("/api/v1/trunks", json=body, headers=administrators_key)
    assert (answer.status_code, answer.json["code"]) == (422, "trunk_price_missing")
    assert answer.json["field"] == "price_per_minute"
    for value in ("-1", "inf", "nan", "x"):
        assert admin.post(f"/trunks/{trunk_id}", {**form, "minutes_per_day": value}).status_code == 422


def test_a_campaign_at_the_cap_says_so_on_its_page(app, manager, connected, loaded, trunk_id):
    campaign_id, _base = loaded
    manager.post(f"/campaigns/{campaign_id}/start")
    with app.app_context():
        _trunk(minutes_per_day=0)
    page = manager.get(f"/campaigns/{campaign_id}").text
    assert 'data-code="trunk_minutes_used_up"' in page
    assert "Calling goes on after midnight" in page


def test_an_exchange_with_too_many_rights_is_told(app, manager, loaded):
    """On the trunks' page, and as what stands in the way of a start."""

    def work(session) -> None:
        session.execute(update(Node).values(connected=False, seen_at=utcnow(), trouble="ami_rights_too_many"))

    campaign_id, _base = loaded
    with app.app_context():
        database.write(work)
    assert "may do more than it must" in manager.get("/nodes").text
    manager.post(f"/campaigns/{campaign_id}/start")
    page = manager.get(f"/campaigns/{campaign_id}").text
    assert 'data-code="ami_rights_too_many"' in page


def test_a_caller_id_of_somebody_else_is_refused(app, manager, key, campaign_id, trunk_id):
    """At the form, at the API, and at Start when it was put into the database by another way."""
    body = {"name": "x", "trunk_id": trunk_id, "caller_id": "79005550001"}
    answer = app.test_client().post("/api/v1/campaigns", json=body, headers=key)
    assert answer.json["code"] == "caller_id_not_owned"
    form = {**body, "region": "RU", "timezone": "UTC", "channel_limit": "1", "attempts": "1", "w-0-day": "0"}
    assert "one of the trunk" in manager.post("/campaigns", {**form, "w-0-from": "09:00", "w-0-to": "10:00"}).text
    with app.app_context():
        database.write(lambda session: session.execute(update(Campaign).values(caller_id="79005550001")))
        assert "caller_id_not_owned" in {problem.code for problem in service.start_problems(campaign_id)}
