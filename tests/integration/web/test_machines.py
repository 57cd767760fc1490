"""What is done with answering machines, in pages and API: settings of campaigns and trunks, and what came of calls."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from campaigns import service
from campaigns.machines import MachinePolicy
from campaigns.models import Attempt, Contact
from config import database
from config.database import utcnow
from dialer.calls import new_uid
from tests.integration.web.test_campaign_pages import FORM
from web import accounts, api_keys, queries


@pytest.fixture
def api(app):
    """The API with an administrator's key."""
    with app.app_context():
        boss = next(item for item in accounts.all_accounts() if item.username == "boss")
        headers = {"Authorization": f"Bearer {api_keys.create(boss, 'test')}"}
    client = app.test_client()
    return lambda method, path, **more: client.open(f"/api/v1{path}", method=method, headers=headers, **more)


def test_a_campaign_says_what_is_done_with_machines(app, manager, campaign_id):
    """Off for all that say nothing; kept as chosen; a choice that does not exist is refused at its field."""
    with app.app_context():
        assert service.get(campaign_id).machines == MachinePolicy.OFF
    chosen = {**FORM, "machines": "leave", "machines_doubtful": "key"}
    assert manager.post(f"/campaigns/{campaign_id}", chosen).status_code == 302
    with app.app_context():
        campaign = service.get(campaign_id)
        assert (campaign.machines, campaign.machines_doubtful) == ("leave", "key")
    page = manager.get(f"/campaigns/{campaign_id}/edit").text
    assert re.search(r'<option value="leave" selected>', page)
    assert re.search(r'<option value="key" selected>', page)
    wrong = manager.post(f"/campaigns/{campaign_id}", {**FORM, "machines": "shout"})
    assert wrong.status_code == 422
    assert 'id="e-machines"' in wrong.text


def test_the_same_over_the_api(api, campaign_id):
    known = api("GET", f"/campaigns/{campaign_id}").json
    assert (known["machines"], known["machines_doubtful"]) == ("off", "human")
    body = {"name": "x", "machines": "retry", "machines_doubtful": "key"}
    assert api("PUT", f"/campaigns/{campaign_id}", json=body).status_code == 200
    assert api("GET", f"/campaigns/{campaign_id}").json["machines"] == "retry"
    assert api("PUT", f"/campaigns/{campaign_id}", json={**body, "machines": "shout"}).status_code == 422


def test_parameters_of_a_trunk(app, admin, trunk_id):
    """Only what differs from the usual is kept; limits hold; what was typed stays, with its sentence."""
    form = {"title": "R", "channels": "9", "cps": "2", "enabled": "1"}
    assert (
        admin.post(f"/trunks/{trunk_id}", {**form, "amd.greeting_ms": "1800", "amd.most_words": "4"}).status_code == 302
    )
    with app.app_context():
        assert queries.trunk(trunk_id).amd == {"greeting_ms": 1800}
    page = admin.get(f"/trunks/{trunk_id}").text
    assert re.search(r'name="amd.greeting_ms"[^>]*value="1800"', page)
    wrong = admin.post(f"/trunks/{trunk_id}", {**form, "amd.total_ms": "99", "amd.greeting_ms": "1700"})
    assert wrong.status_code == 422
    assert 'id="e-amd.total_ms"' in wrong.text
    assert re.search(r'name="amd.greeting_ms"[^>]*value="1700"', wrong.text)
    short = admin.post(f"/trunks/{trunk_id}", {**form, "amd.total_ms": "1000", "amd.after_greeting_ms": "1000"})
    assert "must be longer than the silence" in short.text
    assert admin.post(f"/trunks/{trunk_id}", form).status_code == 302
    with app.app_context():
        assert queries.trunk(trunk_id).amd is None


def test_parameters_of_a_trunk_over_the_api(api, trunk_id):
    """All of them are told; left out at a change, they stay."""
    assert api("GET", f"/trunks/{trunk_id}").json["amd"]["greeting_ms"] == 2000
    form = {"title": "R", "amd": {"greeting_ms": 1800}}
    assert api("PUT", f"/trunks/{trunk_id}", json=form).json["amd"]["greeting_ms"] == 1800
    assert api("PUT", f"/trunks/{trunk_id}", json={"title": "S"}).json["amd"]["greeting_ms"] == 1800
    wrong = api("PUT", f"/trunks/{trunk_id}", json={"title": "S", "amd": {"greeting_ms": 1}})
    assert wrong.status_code == 422
    assert "greeting_ms" in wrong.text
    assert api("PUT", f"/trunks/{trunk_id}", json={"title": "S", "amd": {"shell": 1}}).status_code == 422


def test_what_answered_is_shown(app, api, manager, loaded):
    """At the contact and in the API, with the cause."""
    campaign_id, _base_id = loaded

    def work(session):
        contact = session.scalars(select(Contact).where(Contact.campaign_id == campaign_id)).first()
        session.add(
            Attempt(
                **{"uid": new_uid(), "campaign_id": campaign_id, "contact_id": contact.id, "number_of_attempt": 1},
                **{"trunk_id": 1, "node_id": 1, "boot": "b", "claimed_at": utcnow(), "answered_at": utcnow()},
                **{"disposition": "machine", "machine": "machine", "machine_cause": "MAXWORDS-5-4"},
            )
        )
        return contact.id

    with app.app_context():
        contact_id = database.write(work)
    page = manager.get(f"/campaigns/{campaign_id}/contacts/{contact_id}").text
    assert 'data-machine="machine"' in page
    assert "MAXWORDS-5-4" in page
    assert "Answering machine" in page
    [told] = api("GET", f"/campaigns/{campaign_id}/contacts/{contact_id}").json["history"]
    assert (told["disposition"], told["machine"], told["machine_cause"]) == ("machine", "machine", "MAXWORDS-5-4")
    assert api("GET", f"/campaigns/{campaign_id}/attempts?disposition=machine").json["total"] == 1
