"""What a manager does with campaigns in the pages."""

from __future__ import annotations

import io
import re

import pytest

from campaigns import bases, service
from campaigns.models import Attempt, Campaign, Contact
from campaigns.states import CampaignState
from config import database
from config.database import utcnow
from dialer.calls import new_uid
from dialer.models import Node
from tests.integration.web.conftest import ASSETS, BASE
from web import live

FORM = {
    "name": "Долги",
    "region": "RU",
    "timezone": "Asia/Yekaterinburg",
    "channel_limit": "12",
    "attempts": "2",
    "ring_s": "25",
    "ring_s-unit": "s",
    "notification_s": "4,5",
    "notification_s-unit": "s",
    "retry_s": "1.5",
    "retry_s-unit": "h",
    "retry_busy_s": "5",
    "retry_busy_s-unit": "min",
    "w-0-day": ["0", "1", "4"],
    "w-0-from": "09:00",
    "w-0-to": "13:00",
    "w-3-day": ["0"],
    "w-3-from": "14:00",
    "w-3-to": "00:00",
    "w-4-from": "",
    "w-4-to": "",
    "x-0-date": "2026-12-31",
    "x-0-from": "10:00",
    "x-0-to": "15:00",
    "x-1-date": "2027-01-01",
    "x-1-from": "",
    "x-1-to": "",
}


def connect(app) -> None:
    """The exchange is there."""

    def work(session):
        node = session.query(Node).one()
        node.connected, node.seen_at = True, utcnow()

    with app.app_context():
        database.write(work)


def test_a_new_campaign_is_saved_as_it_was_typed(app, manager, trunk_id):
    sound = (io.BytesIO((ASSETS / "sample_message.wav").read_bytes()), "привет.wav")
    answer = manager.post("/campaigns", {**FORM, "trunk_id": str(trunk_id), "sound": sound})
    assert answer.status_code == 302, answer.text
    number = int(answer.headers["Location"].rsplit("/", 1)[1])
    with app.app_context():
        made = service.get(number)
    assert (made.name, made.timezone, made.channel_limit, made.attempts) == ("Долги", "Asia/Yekaterinburg", 12, 2)
    assert (made.ring_s, made.notification_s, made.retry_s, made.retry_busy_s) == (25, 4.5, 5400, 300)
    assert made.retry_failed_s is None
    assert made.sound_name == "привет.wav"
    assert made.created_by == "anna"
    assert made.windows == {
        "weekly": [
            {"days": [0, 1, 4], "from": "09:00", "to": "13:00"},
            {"days": [0], "from": "14:00", "to": "24:00"},
        ],
        "exceptions": [
            {"date": "2026-12-31", "windows": [{"from": "10:00", "to": "15:00"}]},
            {"date": "2027-01-01", "windows": []},
        ],
    }
    page = manager.get(f"/campaigns/{number}/edit").text
    assert 'value="1.5"' not in page  # 5400 s are shown as 90 minutes
    assert re.search(r'name="retry_s"[^>]*value="90"', page)
    assert "2027-01-01" in page


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "  "}, "name"),
        ({"attempts": "0"}, "attempts"),
        ({"attempts": "many"}, "attempts"),
        ({"ring_s": "x"}, "ring_s"),
        ({"channel_limit": ""}, "channel_limit"),
        ({"timezone": "Mars"}, "timezone"),
        ({"trunk_id": "777"}, "trunk_id"),
        ({"w-0-to": "08:00"}, "windows"),
    ],
)
def test_errors_stand_at_their_fields_and_nothing_typed_is_lost(manager, change, field):
    for locale, other in (("en", "Долги"), ("ru", "Долги")):
        manager.post("/locale", {"locale": locale})
        answer = manager.post("/campaigns", {**FORM, **change})
        assert answer.status_code == 422
        if field != "windows":
            assert f'id="e-{field}"' in answer.text, answer.text
        if "name" not in change:
            assert other in answer.text
        assert "2027-01-01" in answer.text
    assert "Not saved" not in answer.text, "an English sentence on a Russian page"


def test_a_bad_sound_is_refused_with_a_sentence_and_the_campaign_stays(app, manager):
    answer = manager.post("/campaigns", {**FORM, "sound": (io.BytesIO(b"no sound at all"), "x.wav")})
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith("/edit")
    page = manager.get(answer.headers["Location"]).text
    assert "x.wav" in page
    assert "not its message" in page


def test_start_says_what_is_missing_then_runs_pauses_resumes_stops(app, manager, loaded, sent):
    number, _base = loaded
    page = manager.get(f"/campaigns/{number}").text
    assert 'data-code="node_not_connected"' in page
    manager.post(f"/campaigns/{number}/start")
    assert "not connected" in manager.get(f"/campaigns/{number}").text
    connect(app)
    live.board.forget(number)
    assert 'class="badge bg-green-lt"' in manager.get("/trunks").text
    assert "start-problems" not in manager.get(f"/campaigns/{number}/parts/state").text
    for order, state in (("start", "running"), ("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        answer = manager.post(f"/campaigns/{number}/{order}", {"next": "list"})
        assert answer.headers["Location"] == "/campaigns"
        with app.app_context():
            assert service.get(number).state == state
    assert ("campaigns.dial", [number]) in sent
    assert manager.post(f"/campaigns/{number}/delete").headers["Location"] == "/campaigns"
    assert manager.get(f"/campaigns/{number}").status_code == 404


def test_a_closed_window_and_an_ill_trunk_are_told(app, manager, loaded):
    number, _base = loaded
    connect(app)
    tomorrow = (utcnow().weekday() + 3) % 7

    def close(session):
        campaign = session.get(Campaign, number)
        campaign.windows = {"weekly": [{"days": [tomorrow], "from": "09:00", "to": "10:00"}], "exceptions": []}
        campaign.state = CampaignState.RUNNING

    with app.app_context():
        database.write(close)
    live.board.forget(number)
    assert "outside the calling windows" in manager.get(f"/campaigns/{number}").text

    def ill(session):
        campaign = session.get(Campaign, number)
        campaign.state, campaign.state_code, campaign.state_detail = "paused", "trunk_congested", "rehearsal"

    with app.app_context():
        database.write(ill)
    live.board.forget(number)
    page = manager.get(f"/campaigns/{number}").text
    assert 'data-code="trunk_congested"' in page
    assert "the trunk rehearsal is ill" in page


def test_a_base_is_looked_at_changed_and_loaded(app, manager, campaign_id, sent):
    upload = manager.post(
        f"/campaigns/{campaign_id}/bases",
        {"file": (io.BytesIO(BASE.encode("cp1251")), "C:\\lists\\база.csv"), "comment": "декабрь"},
    )
    place = upload.headers["Location"]
    page = manager.get(place).text
    assert "cp1251" in page
    assert "+79005550000" in page
    assert 'data-code="number_missing">The row has no phone number.' in page
    other = manager.get(place + "?phone_column=2").text
    assert 'class="text-success">+79005550000' in page
    assert 'class="text-success">' not in other
    answer = manager.post(place, {"phone_column": "0", "header_line": "1"})
    assert answer.headers["Location"] == f"/campaigns/{campaign_id}"
    assert ("campaigns.load_bases", [campaign_id]) in sent
    assert manager.get(place).status_code == 404, "the upload is gone once it is a base"
    with app.app_context():
        bases.load_waiting(campaign_id)
    listed = manager.get(f"/campaigns/{campaign_id}/bases/list").text
    assert "база.csv" in listed
    assert "декабрь" in listed

    again = manager.post(
        f"/campaigns/{campaign_id}/bases", {"file": (io.BytesIO(BASE.encode("cp1251")), "again.csv")}
    ).headers["Location"]
    refused = manager.post(again)
    assert refused.status_code == 409
    assert 'data-code="base_already_loaded"' in refused.text
    assert "Load it again" in refused.text
    assert manager.post(again, {"again": "1"}).status_code == 302


def test_a_file_that_is_no_list_is_refused_with_a_sentence(manager, campaign_id):
    place = manager.post(
        f"/campaigns/{campaign_id}/bases", {"file": (io.BytesIO(b"\x89PNG\r\n\x1a\n" + bytes(99)), "x.csv")}
    ).headers["Location"]
    answer = manager.get(place)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert manager.post(f"{place}/drop").status_code == 302
    assert manager.get(place).status_code == 404


def test_an_upload_belongs_to_its_campaign_and_tokens_are_no_paths(app, manager, campaign_id):
    with app.app_context():
        other = service.create(service.CampaignForm(name="other"))
    place = manager.post(f"/campaigns/{campaign_id}/bases", {"file": (io.BytesIO(b"79005550000\n"), "x.txt")})
    token = place.headers["Location"].rsplit("/", 1)[1]
    assert manager.get(f"/campaigns/{other}/bases/new/{token}").status_code == 404
    assert manager.get(f"/campaigns/{campaign_id}/bases/new/..%2F..%2Fsecrets.json").status_code == 404


def test_rejected_rows_with_reasons_and_as_a_file(manager, loaded):
    number, base = loaded
    page = manager.get(f"/campaigns/{number}/bases/{base}/rejected").text
    for code in ("number_missing", "emergency_blocked", "duplicate_in_campaign"):
        assert code in page
    assert "line 2 of base.csv" in page
    only = manager.get(f"/campaigns/{number}/bases/{base}/rejected?code=emergency_blocked").text
    assert "Emergency numbers are never called." in only
    assert 'data-label="Reason">The row has no phone number.' not in only
    assert re.search(r'data-code="number_missing">The row has no phone number\. <span', only), "the filter says it too"
    file = manager.get(f"/campaigns/{number}/bases/{base}/rejected.csv")
    assert file.headers["Content-Disposition"].startswith("attachment")
    text = file.data.decode("utf-8-sig")
    assert text.splitlines()[0] == "Line;Value;Code;Reason"
    assert ";emergency_blocked;" in text
    assert manager.get(f"/campaigns/{number + 1}/bases/{base}/rejected").status_code == 404


def test_a_contact_tells_its_attempts_and_why_it_is_not_called(app, manager, loaded):
    number, _base = loaded

    def work(session):
        contact = session.query(Contact).order_by(Contact.id).first()
        contact.attempts = 1
        node, campaign = session.query(Node).one(), session.get(Campaign, number)
        session.add(
            Attempt(
                uid=new_uid(),
                campaign_id=number,
                contact_id=contact.id,
                number_of_attempt=1,
                trunk_id=campaign.trunk_id,
                node_id=node.id,
                boot="b",
                claimed_at=utcnow(),
                ended_at=utcnow(),
                disposition="busy",
                sip_code=486,
            )
        )
        return contact.id

    with app.app_context():
        contact = database.write(work)
    page = manager.get(f"/campaigns/{number}/contacts/{contact}").text
    assert "The campaign is not running." in page
    assert "Busy" in page
    assert "486" in page
    assert "Иванов" in page
    assert manager.get(f"/campaigns/{number + 1}/contacts/{contact}").status_code == 404


def test_the_decision_on_unknown_contacts(app, manager, loaded):
    number, _base = loaded

    def work(session):
        for contact in session.query(Contact):
            contact.state, contact.due_at = "unknown", None

    with app.app_context():
        database.write(work)
    live.board.forget(number)
    assert "Call them again" in manager.get(f"/campaigns/{number}").text
    manager.post(f"/campaigns/{number}/unknown", {"redial": "1"})
    with app.app_context():
        assert service.counts([number])[number].pending == 2


def test_the_list_is_filtered_sorted_paged_and_says_what_to_do_when_empty(app, manager):
    assert "Make the first campaign" in manager.get("/campaigns").text
    with app.app_context():
        ids = [service.create(service.CampaignForm(name=f"c{n:02d}_%")) for n in range(25)]

        def work(session):
            session.get(Campaign, ids[3]).state = "running"
            session.get(Campaign, ids[4]).state = "finished"

        database.write(work)
    first = manager.get("/campaigns").text
    shown = [int(number) for number in re.findall(r'data-campaign="(\d+)"', first)]
    assert shown[0] == ids[3]
    assert len(shown) == 20
    assert "page=2" in first
    second = manager.get("/campaigns?page=2").text
    assert re.findall(r'data-campaign="(\d+)"', second)[-1] == str(ids[4])
    assert re.findall(r'data-campaign="(\d+)"', manager.get("/campaigns?name=C07").text) == [str(ids[7])]
    assert len(re.findall(r"data-campaign=", manager.get("/campaigns?name=_%25").text)) == 20
    assert "No campaign fits" in manager.get("/campaigns?name=nothing").text
    alone = manager.get("/campaigns?state=running", headers={"HX-Request": "true", "HX-Target": "campaign-list"}).text
    assert "<html" not in alone
    assert re.findall(r'data-campaign="(\d+)"', alone) == [str(ids[3])]


def test_markup_in_names_stays_text(manager):
    place = manager.post("/campaigns", {**FORM, "name": "<script>alert(1)</script>"}).headers["Location"]
    for path in ("/campaigns", place, place + "/edit"):
        assert "<script>alert" not in manager.get(path).text


def test_reports_are_asked_for_and_fetched(app, manager, loaded, sent):
    from campaigns import exports

    number, _base = loaded
    manager.post(f"/campaigns/{number}/exports")
    export = next(arguments[0] for name, arguments in sent if name == "campaigns.write_export")
    assert 'data-state="waiting"' in manager.get(f"/campaigns/{number}/exports").text
    with app.app_context():
        exports.run(export)
    assert 'data-state="ready"' in manager.get(f"/campaigns/{number}/exports").text
    file = manager.get(f"/campaigns/{number}/exports/{export}")
    assert file.data.startswith(b"PK")
    assert ".xlsx" in file.headers["Content-Disposition"]
    assert manager.get(f"/campaigns/{number + 1}/exports/{export}").status_code == 404


def test_trunks_are_added_changed_and_deleted_without_telling_the_secret(app, admin):
    form = {"title": "Оператор", "name": "op", "kind": "sip", "template": "PJSIP/{number}@{trunk}", "channels": "30"}
    form |= {"cps": "2,5", "port": "5060", "username": "u1", "secret": "s3cret", "register": "1", "enabled": "1"}
    wrong = admin.post("/trunks", {**form, "host": "no host!"})
    assert wrong.status_code == 422
    assert 'id="e-host"' in wrong.text
    assert "s3cret" not in wrong.text
    form |= {"host": "sip.example.net", "caller_ids": "+7 495 000-00-01\n74950000002", "allowed_prefixes": "79, 374"}
    assert admin.post("/trunks", form).headers["Location"] == "/trunks"
    page = admin.get("/trunks").text
    number = int(re.search(r"/trunks/(\d+)\">[^<]*<svg(?:(?!/trunks/).)*\Z", page, re.S)[1])
    edit = admin.get(f"/trunks/{number}").text
    assert "s3cret" not in edit
    assert "74950000001\n74950000002" in edit
    assert admin.post(f"/trunks/{number}", {**form, "secret": "", "channels": "31"}).status_code == 302
    from web import queries

    with app.app_context():
        trunk = queries.trunk(number)
        assert (trunk.channels, trunk.cps, trunk.allowed_prefixes) == (31, 2.5, ["79", "374"])
        assert trunk.secret_encrypted
    assert admin.post(f"/trunks/{number}/delete").headers["Location"] == "/trunks"
