"""What callees did, and the do-not-call list, on pages, over the API and in the report."""

from __future__ import annotations

import datetime as dt

import openpyxl
import pytest
from sqlalchemy import select

from campaigns import bases, do_not_call, outcomes, reports
from campaigns.message.blocks import Message
from campaigns.models import Attempt, Campaign, Contact, ContactBase
from campaigns.states import BaseState, CampaignState
from campaigns.windows import CallingWindows
from config import database
from config.database import utcnow
from config.i18n import translator
from dialer.calls import CallOutcome, CallResult, Handover, HandoverResult, StepDone
from dialer.models import Node
from tests.integration.web.conftest import BASE
from web import queries

WORDS = {"en": [{"kind": "text", "text": "Hello."}]}


@pytest.fixture
def api(app, key):
    client = app.test_client()

    def call(method: str, path: str, **more):
        return client.open(f"/api/v1{path}", method=method, headers=key, buffered=True, **more)

    return call


@pytest.fixture
def called(app, trunk_id) -> tuple[int, int]:
    """A campaign with a message and one contact, who was handed over. :returns: their ids."""

    def work(session):
        message = Message.model_validate({"default_language": "en", "variants": WORDS})
        campaign = Campaign(
            name="Debts",
            state=CampaignState.RUNNING,
            trunk_id=trunk_id,
            message=message.to_json(),
            windows=CallingWindows.always().to_json(),
        )
        session.add(campaign)
        session.flush()
        base = ContactBase(campaign_id=campaign.id, filename="a.csv", path="a", sha256="0", state=BaseState.READY)
        session.add(base)
        session.flush()
        contact = Contact(campaign_id=campaign.id, base_id=base.id, line=1, number="79005550000", tries=1)
        session.add(contact)
        session.flush()
        node = session.scalars(select(Node)).one()
        session.add(
            Attempt(
                uid="u" * 20,
                campaign_id=campaign.id,
                contact_id=contact.id,
                open_for_contact=contact.id,
                number_of_attempt=1,
                trunk_id=trunk_id,
                node_id=node.id,
                boot="b",
                claimed_at=utcnow(),
            )
        )
        return campaign.id, contact.id

    with app.app_context():
        ids = database.write(work)
        now = utcnow()
        result = CallResult(
            "u" * 20,
            CallOutcome.ANSWERED,
            answered_at=now - dt.timedelta(seconds=60),
            ended_at=now,
            listened_s=3,
            steps=(StepDone("main", "1", "pays", "yes"), StepDone("meter", "end", "reading", "4516")),
            handover=Handover("queue:operators", HandoverResult.TALKED, 2.5, 40.0),
        )
        database.write(lambda session: outcomes.record(session, [result], now))
    return ids


def test_the_contacts_page_tells_what_he_did(manager, called):
    campaign_id, contact_id = called
    page = manager.get(f"/campaigns/{campaign_id}/contacts/{contact_id}").text
    for text in (
        "Beginning: 1, pays = yes",
        "meter: said to its end, reading = 4516",
        "Handed over to queue operators: Talked",
        "waited 2.5 s",
        "talked 40 s",
        "key or conversation",
    ):
        assert text in page


def test_the_campaigns_page_counts_it(manager, called):
    campaign_id, _ = called
    assert f"/campaigns/{campaign_id}/steps" in manager.get(f"/campaigns/{campaign_id}").text
    part = manager.get(f"/campaigns/{campaign_id}/steps").text
    assert "pays = yes" in part
    assert "4516" not in part  # typed numbers are counted together
    assert "queue operators" in part
    assert "with every repeat" in part


def test_the_api_tells_the_same(api, called):
    campaign_id, contact_id = called
    [attempt] = api("GET", f"/campaigns/{campaign_id}/contacts/{contact_id}").json["history"]
    assert [step["step"] for step in attempt["steps"]] == ["main", "meter"]
    assert (attempt["handover"], attempt["handover_result"]) == ("queue:operators", "talked")
    assert (attempt["waited_s"], attempt["talked_s"], attempt["reached_by"]) == (2.5, 40.0, "key")
    [listed] = api("GET", f"/campaigns/{campaign_id}/attempts").json["items"]
    assert listed == {**attempt, "number": "79005550000"}
    counted = api("GET", f"/campaigns/{campaign_id}/steps").json
    assert counted["steps"] == [
        {"step": "main", "result": "1", "name": "pays", "value": "yes", "count": 1},
        {"step": "meter", "result": "end", "name": "reading", "value": "", "count": 1},
    ]
    assert counted["handovers"] == [
        {"to": "queue:operators", "result": "talked", "count": 1, "waited_s": 2.5, "talked_s": 40.0}
    ]
    assert counted["reached_by"] == {"key": 1}


def test_the_report_tells_it_in_the_readers_language(app, called, tmp_path):
    campaign_id, _ = called
    target = tmp_path / "out.xlsx"
    with app.app_context():
        reports.write_workbook(campaign_id, target, zone="Europe/Moscow", translate=translator("ru"))
    book = openpyxl.load_workbook(target)
    lines = list(book["Попытки"].iter_rows(values_only=True))
    row = dict(zip(lines[0], lines[1], strict=True))
    assert (row["Переведён на"], row["Итог перевода"]) == ("очередь operators", "Поговорили")
    assert (row["Секунд ожидания"], row["Секунд разговора"]) == (2.5, 40)
    assert row["Шаги"] == "Начало: 1, pays = yes; meter: сказан до конца, reading = 4516"
    summary = [cell for line in book["Сводка"].iter_rows(values_only=True) for cell in line if cell]
    assert "Начало: 1, pays = yes" in summary
    assert "очередь operators: Поговорили" in summary
    assert "Hello." in summary  # what the message says
    book.close()


def test_the_list_on_its_page(manager):
    assert manager.post("/do-not-call", {"number": "12"}).status_code == 422
    refused = manager.post("/do-not-call", {"number": "12", "comment": "<b>letter</b>"}).text
    assert 'value="12"' in refused
    assert "&lt;b&gt;letter" in refused
    manager.post("/do-not-call", {"number": "8 900 555-00-00", "comment": "by letter"})
    page = manager.get("/do-not-call").text
    assert "+79005550000" in page
    assert "by letter" in page
    assert "anna" in page
    assert "No number fits this filter" in manager.get("/do-not-call?number=11").text
    assert manager.post("/do-not-call/remove", {"number": "+79005550000"}).status_code == 302
    assert manager.post("/do-not-call/remove", {"number": "+79005550000"}).status_code == 404


def test_the_list_over_the_api(api):
    made = api("POST", "/do-not-call", json={"number": "+7 900 555-00-00", "comment": "by letter"})
    assert made.status_code == 201
    assert (made.json["number"], made.json["created_by"]) == ("79005550000", "anna")
    assert api("GET", "/do-not-call?number=5550000").json["total"] == 1
    assert api("POST", "/do-not-call", json={"number": "x"}).json["code"] == "do_not_call_number_wrong"
    assert api("DELETE", "/do-not-call/+79005550000").status_code == 204
    assert api("DELETE", "/do-not-call/+79005550000").json["code"] == "do_not_call_missing"
    assert api("GET", "/do-not-call").json["total"] == 0


def test_a_base_rejects_numbers_on_the_list(app, manager, campaign_id, tmp_path):
    source = tmp_path / "base.csv"
    source.write_text(BASE, encoding="utf-8")
    with app.app_context():
        do_not_call.add("+79005550001")
        base_id = bases.add(campaign_id, source, "base.csv")
        bases.load_waiting(campaign_id)
        assert queries.rejected_codes(base_id)["do_not_call"] == 1
        base = queries.base(campaign_id, base_id)
        assert (base.accepted, base.rejected, base.duplicates) == (1, 3, 1)
    page = manager.get(f"/campaigns/{campaign_id}/bases/{base_id}/rejected").text
    assert "This number is on the do-not-call list." in page
