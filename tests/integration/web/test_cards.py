"""The card of a call: what an operator sees of whom he talks with, on its page and over the API (N8)."""

from __future__ import annotations

import datetime as dt

import openpyxl
import pytest
from sqlalchemy import select, update

from campaigns import cards, do_not_call, outcomes, reports
from campaigns.message.blocks import Message
from campaigns.models import Attempt, Campaign, Contact, ContactBase
from campaigns.states import BaseState, CampaignState
from campaigns.windows import CallingWindows
from config import database
from config.audit import AuditEntry
from config.database import utcnow
from dialer.calls import CallOutcome, CallResult, Handover, HandoverResult, StepDone
from dialer.models import Node

MONEY = {"kind": "field", "column": "sum", "say": "money"}
MESSAGE = Message.model_validate(
    {
        "default_language": "en",
        "language_column": "lang",
        "name_column": "name",
        "variants": {
            "en": [{"kind": "text", "text": "You owe"}, MONEY | {"currency": "USD"}],
            "ru": [{"kind": "text", "text": "Ваш долг"}, MONEY | {"currency": "RUB"}],
        },
        "choice": {"keys": {"1": {"kind": "transfer", "otherwise": "later"}, "2": {"kind": "goto", "step": "meter"}}},
        "steps": {
            "later": {"variants": {"en": [{"kind": "text", "text": "We call you back."}]}},
            "meter": {
                "variants": {"en": [{"kind": "text", "text": "Type it."}]},
                "after": {"kind": "enter", "name": "reading", "then": "main"},
            },
        },
    }
)
FIELDS = {"name": "<b>Анна</b>", "sum": "10,50", "lang": "ru", "note": "call after six"}
UID = "c" * 20


def _rows(session, trunk_id, **changed):
    campaign = Campaign(
        name="Debts", state=CampaignState.RUNNING, trunk_id=trunk_id, message=MESSAGE.to_json(), message_version="v1",
        windows=CallingWindows.always().to_json(), **changed,
    )  # fmt: skip
    session.add(campaign)
    session.flush()
    base = ContactBase(campaign_id=campaign.id, filename="a.csv", path="a", sha256="0", state=BaseState.READY)
    session.add(base)
    session.flush()
    contact = Contact(
        campaign_id=campaign.id, base_id=base.id, line=1, number="79005550000", tries=2, fields=FIELDS, prepared="v1"
    )
    session.add(contact)
    session.flush()
    shared = {"campaign_id": campaign.id, "contact_id": contact.id, "trunk_id": trunk_id, "boot": "b"}
    shared["node_id"] = session.scalars(select(Node.id)).one()
    earlier = utcnow() - dt.timedelta(hours=1)
    session.add(Attempt(uid="b" * 20, number_of_attempt=1, claimed_at=earlier, disposition="busy", **shared))
    session.add(Attempt(uid=UID, number_of_attempt=2, claimed_at=utcnow(), open_for_contact=contact.id, **shared))
    return campaign.id


@pytest.fixture
def up(app, trunk_id) -> int:
    """A call that is up, the second one to this contact. :returns: its campaign."""
    with app.app_context():
        return database.write(lambda session: _rows(session, trunk_id))


def end(app) -> None:
    """He waited for an operator, then for a number, and was told that nobody is free."""
    now = utcnow()
    result = CallResult(
        UID,
        CallOutcome.ANSWERED,
        answered_at=now - dt.timedelta(seconds=60),
        ended_at=now,
        listened_s=30,
        steps=(StepDone("main", "1"), StepDone("later", "end")),
        handovers_before=(Handover("queue:operators", HandoverResult.TIMEOUT, 20.5),),
        handover=Handover("number:74950000001", HandoverResult.BUSY, 2.5),
        opt_out=True,
    )
    with app.app_context():
        database.write(lambda session: outcomes.record(session, [result], now))


@pytest.fixture
def api(app, key):
    return lambda path: app.test_client().get(f"/api/v1{path}", headers=key)


SO_FAR = "so_far=main.2..~meter.end.reading.4516~nothing.1..~main.<b>..~x"


def test_the_card_of_a_call_that_is_up(manager, up):
    page = manager.get(f"/cards/{UID}?{SO_FAR}").text
    for text in (
        *("+79005550000", "&lt;b&gt;Анна", "the call is up", "call after six", "Debts"),
        *("Ваш долг десять рублей пятьдесят копеек", "We call you back.", "Russian"),
        *("Beginning: 2", "<strong>4516</strong>", "Busy", "being made"),
    ):
        assert text in page
    for text in ("<b>", "nothing: ", "does not want to be called", "was changed since"):
        assert text not in page
    assert "Nothing is known yet" in manager.get(f"/cards/{UID}").text


def test_the_card_after_the_call(app, manager, up):
    end(app)
    page = manager.get(f"/cards/{UID}?{SO_FAR}").text
    assert "<strong>4516" not in page  # what the database knows counts
    for text in (
        "does not want to be called",
        "Nobody took the call in time",
        "waited 20.5 s",
        "later: said to its end",
    ):
        assert text in page
    with app.app_context():
        database.write(lambda session: session.execute(update(Campaign).values(message_version="v2")))
    assert "was changed since" in manager.get(f"/cards/{UID}").text


def test_the_open_card_loads_itself_again_once_the_call_has_ended(app, manager, up):
    """An operator has it open while he talks: what is told at the end of the call appears by itself."""
    address = f"/cards/{UID}/up"
    assert f'hx-get="{address}"' in manager.get(f"/cards/{UID}").text
    asked = manager.get(address)
    assert (asked.status_code, "HX-Refresh" in asked.headers) == (204, False)
    end(app)
    assert manager.get(address).headers["HX-Refresh"] == "true"
    assert address not in manager.get(f"/cards/{UID}").text
    assert manager.get("/cards/x/up").status_code == 404


def test_a_value_that_cannot_be_said_is_told(app, manager, up):
    with app.app_context():
        database.write(lambda session: session.execute(update(Contact).values(fields={"sum": "much"})))
    page = manager.get(f"/cards/{UID}")
    assert page.status_code == 200
    assert "this is not a number" in page.text


def test_the_card_over_the_api(app, api, up):
    card = api(f"/attempts/{UID}/card?so_far=main.2..").json
    assert (card["number"], card["name"], card["language"], card["up"]) == ("79005550000", "<b>Анна</b>", "ru", True)
    assert (card["campaign"], card["campaign_id"], card["address"]) == ("Debts", up, f"/cards/{UID}")
    assert card["said"][0] == {"step": "main", "words": "Ваш долг десять рублей пятьдесят копеек"}
    assert card["steps"] == [{"step": "main", "result": "2", "name": "", "value": ""}]
    assert [attempt["disposition"] for attempt in card["attempts"]] == ["busy", None]
    end(app)
    card = api(f"/attempts/{UID}/card").json
    assert [step["step"] for step in card["steps"]] == ["main", "later"]
    assert (card["do_not_call"], card["up"], card["fields"]) == (True, False, FIELDS)
    last = card["attempts"][-1]
    assert (last["handover"], last["handover_result"]) == ("number:74950000001", "busy")
    before = {"handover": "queue:operators", "handover_result": "timeout", "waited_s": 20.5}
    assert last["handovers_before"] == [before]
    counted = api(f"/campaigns/{up}/steps").json["handovers"]
    assert [(row["to"], row["result"], row["waited_s"], row["talked_s"]) for row in counted] == [
        ("number:74950000001", "busy", 2.5, 0.0),
        ("queue:operators", "timeout", 20.5, 0.0),
    ]


@pytest.mark.parametrize("uid", ["d" * 20, "x", "..", "C" * 20, "c" * 21])
def test_a_card_of_no_call_is_404(manager, api, up, uid):
    assert manager.get(f"/cards/{uid}").status_code == 404
    if uid != "..":
        assert api(f"/attempts/{uid}/card").json["code"] == "attempt_missing"


def test_who_looks_is_signed_in_and_on_the_audit_trail(app, manager, api, up):
    assert "/sign-in" in app.test_client().get(f"/cards/{UID}").headers["Location"]
    manager.get(f"/cards/{UID}")
    api(f"/attempts/{UID}/card")
    with app.app_context(), database.read() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.action == "card_opened")).all()
        assert [(row.who, row.kind, row.object_id) for row in rows] == [
            ("anna", "attempt", UID),
            ("anna (API)", "attempt", UID),
        ]
        assert rows[0].words == {"campaign": up}


def test_attempts_lead_to_their_cards(app, manager, up, tmp_path):
    end(app)
    with app.app_context():
        [contact_id] = [row.id for row in database.write(lambda session: session.execute(select(Contact.id)).all())]
        reports.write_workbook(up, tmp_path / "out.xlsx", zone="UTC", translate=str)
    page = manager.get(f"/campaigns/{up}/contacts/{contact_id}").text
    assert f'href="/cards/{UID}"' in page
    assert "queue operators: Nobody took the call in time; waited 20.5 s" in page
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    heading, _first, second = book["Attempts"].iter_rows(values_only=True)
    row = dict(zip(heading, second, strict=True))
    assert row["Card"] == f"/cards/{UID}"
    assert row["Hand-overs before it"] == "queue operators: Nobody took the call in time"
    book.close()


def test_where_people_open_the_pages_is_a_setting(app, up, monkeypatch):
    monkeypatch.setattr(cards.settings.get(), "public_url", "https://obzvon.example.net")
    with app.app_context():
        assert cards.address(UID) == f"https://obzvon.example.net/cards/{UID}"


def test_an_opt_out_in_a_test_call_leads_to_no_hidden_campaign(app, manager, api, trunk_id):
    with app.app_context():
        hidden = database.write(lambda session: _rows(session, trunk_id, test_of=77, created_by="anna"))
    assert "Test call of Debts" in manager.get(f"/cards/{UID}").text
    end(app)
    page = manager.get("/do-not-call").text
    assert "by key, in a test call" in page
    assert f"/campaigns/{hidden}" not in page
    [row] = api("/do-not-call").json["items"]
    assert (row["campaign_id"], row["test_call"], row["created_by"]) == (None, True, "anna")
    assert f"/campaigns/{hidden}" not in manager.get(f"/cards/{UID}").text


def test_a_campaign_that_is_gone_has_no_link(app, manager):
    with app.app_context():
        database.write(lambda session: do_not_call.note(session, {"79005550009": 99}, utcnow()))
    page = manager.get("/do-not-call").text
    assert "in campaign 99, which is deleted" in page
    assert "/campaigns/99" not in page
