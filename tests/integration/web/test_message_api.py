"""Messages over the API, and test calls with them (N9, N15)."""

from __future__ import annotations

import datetime as dt
import io

import pytest

from campaigns import preparing, removal, store
from campaigns.models import Campaign, Contact, Preparation
from campaigns.states import CampaignState
from config import database
from tests.integration.web.conftest import ASSETS
from web import accounts, api_keys, live

MESSAGE = {
    "default_language": "ru",
    "variants": {
        "ru": [
            {"kind": "text", "text": "Ваш долг"},
            {"kind": "field", "column": "Сумма", "say": "money", "currency": "RUB"},
            {"kind": "text", "text": ", оплатите."},
        ]
    },
    "choice": {"keys": {"1": {"kind": "repeat"}, "9": {"kind": "opt_out"}}},
}
OWN = "+7 900 555-00-07"


@pytest.fixture
def api(app, key):
    client = app.test_client()

    def call(method: str, path: str, **more):
        return client.open(f"/api/v1{path}", method=method, headers=key, buffered=True, **more)

    return call


def test_n9_a_message_is_kept_told_and_removed(api, loaded):
    path = f"/campaigns/{loaded[0]}/message"
    assert api("GET", path).json["message"] is None
    put = api("PUT", path, json=MESSAGE)
    assert put.status_code == 200, put.text
    got = api("GET", path).json
    assert got["message"]["variants"]["ru"][1]["currency"] == "RUB"
    assert got["version"] == put.json["version"] != ""
    assert api("PUT", path, json=got["message"]).json["version"] == got["version"]
    progress = api("GET", f"{path}/progress").json
    assert (progress["pending"], progress["ready"], progress["problem"]) == (2, 0, "")
    assert (progress["until_start"], progress["fallbacks"]) == (False, {})
    assert api("DELETE", path).status_code == 204
    assert api("GET", path).json["message"] is None


def test_how_far_the_sound_of_a_campaign_is_that_is_over(app, api, manager, loaded):
    """Changed after its end: nothing is made before it is started again, and page and API say so."""
    number = loaded[0]
    assert api("PUT", f"/campaigns/{number}/message", json=MESSAGE).status_code == 200
    assert "Enough to begin at once" in manager.get(f"/campaigns/{number}").text
    passed_over = {"rhvoice: speech_engine_slow": 3}

    def over(session):
        session.get(Campaign, number).state = CampaignState.FINISHED
        session.add(Preparation(campaign_id=number, fallbacks=passed_over))

    with app.app_context():
        database.write(over)
    live.board.forget(number)
    progress = api("GET", f"/campaigns/{number}/message/progress").json
    assert (progress["ready"], progress["until_start"], progress["fallbacks"]) == (0, True, passed_over)
    assert "the rest is made once it is started again" in manager.get(f"/campaigns/{number}").text


def test_a_message_that_makes_no_sense_is_refused_with_its_place(api, loaded):
    path = f"/campaigns/{loaded[0]}/message"
    wrong = {**MESSAGE, "choice": {"keys": {"1": {"kind": "goto", "step": "nowhere"}}}}
    refused = api("PUT", path, json=wrong)
    assert (refused.status_code, refused.json["code"]) == (422, "input_wrong")
    assert "nowhere" in refused.text
    assert api("PUT", path, json={**MESSAGE, "default_language": "xx"}).status_code == 422
    endless = {"kind": "sound", "stem": "0" * 32, "seconds": float("inf")}  # JSON has no such number
    assert api("PUT", path, json={**MESSAGE, "variants": {"ru": [endless]}}).status_code == 422
    assert api("PUT", "/campaigns/99/message", json=MESSAGE).status_code == 404
    for code, named, more in (
        ("message_queue_unknown", "operators", {"after": {"kind": "transfer", "queue": "nowhere"}}),
        ("message_voice_unknown", "anna", {"voices": {"ru": "slt"}}),  # an English one
        ("message_voice_unknown", "anna", {"voices": {"ru": "nobody"}}),
    ):
        refused = api("PUT", path, json={**MESSAGE, **more})
        assert (refused.status_code, refused.json["code"]) == (422, code)
        assert named in refused.json["message"]
    assert api("GET", path).json["message"] is None


def test_n15_a_contact_is_heard_in_words_and_as_a_sound(app, api, loaded):
    number = loaded[0]
    contact = api("GET", f"/campaigns/{number}/contacts").json["items"][0]
    path = f"/campaigns/{number}/message/preview"
    said = api("POST", path, json={"message": MESSAGE, "contact_id": contact["id"]})
    assert said.status_code == 200, said.text
    assert said.json["words"]["main"] == "Ваш долг десять рублей пятьдесят копеек, оплатите."
    said = api("POST", path, json={"message": MESSAGE, "fields": {"Сумма": "21"}})
    assert "двадцать один рубль" in said.json["words"]["main"]
    refused = api("POST", path, json={"message": MESSAGE, "fields": {"Сумма": "долг"}})
    assert refused.json["code"] == "number_wrong"
    heard = api("POST", f"{path}.wav", json={"message": MESSAGE, "fields": {"Сумма": "21"}})
    assert heard.mimetype == "audio/wav"
    assert heard.data[:4] == b"RIFF"
    assert len(heard.data) > 16000  # more than a second


def test_sounds_and_voices(api, loaded):
    sound = (io.BytesIO((ASSETS / "sample_message.wav").read_bytes()), "привет.wav")
    made = api("POST", f"/campaigns/{loaded[0]}/message/sounds", data={"sound": sound})
    assert made.status_code == 201, made.text
    assert made.json["name"] == "привет.wav"
    block = {"kind": "sound", **made.json}
    assert api(
        "PUT", f"/campaigns/{loaded[0]}/message", json={"default_language": "ru", "variants": {"ru": [block]}}
    ).json
    voices = api("GET", "/voices").json["items"]
    assert {"ru", "en", "cs"} <= {voice["language"] for voice in voices}
    assert any(voice["low_quality"] for voice in voices)
    assert not any(voice["leaves_house"] for voice in voices)


def test_an_administrators_key_lets_texts_leave_the_house(app, api):
    assert api("GET", "/speech").json == {"texts": False, "personal": False}
    assert api("PUT", "/speech", json={"texts": True}).status_code == 403
    with app.app_context():
        boss = next(item for item in accounts.all_accounts() if item.username == "boss")
        headers = {"Authorization": f"Bearer {api_keys.create(boss, 'admin')}"}
    client = app.test_client()
    assert client.put("/api/v1/speech", json={"texts": True}, headers=headers).json == {
        "texts": True,
        "personal": False,
    }
    assert any(voice["leaves_house"] for voice in api("GET", "/voices").json["items"])


def test_a_test_call_is_none_of_the_campaigns(app, api, loaded, connected, sent):
    number = loaded[0]
    before = api("GET", f"/campaigns/{number}/counts").json
    made = api(
        "POST", f"/campaigns/{number}/message/test-call",
        json={"number": OWN, "message": MESSAGE, "fields": {"Сумма": "21"}},
    )  # fmt: skip
    assert made.status_code == 202, made.text
    trial = made.json
    assert (trial["stage"], trial["number"]) == ("preparing", "79005550007")
    assert ("campaigns.prepare", [trial["id"]]) in sent
    with app.app_context():
        preparing.run(trial["id"], lambda _campaign: None)
    path = f"/campaigns/{number}/message/test-call/{trial['id']}"
    assert api("GET", path).json["stage"] == "waiting"
    assert api("GET", f"/campaigns/{number}/counts").json == before
    assert [item["id"] for item in api("GET", "/campaigns").json["items"]] == [number]
    assert api("GET", f"/campaigns/{trial['id']}").status_code == 404
    assert api("GET", f"/campaigns/{number + 5}/message/test-call/{trial['id']}").json["code"] == "test_call_missing"


def test_a_test_call_that_cannot_be_made_says_why(app, api, loaded):
    path = f"/campaigns/{loaded[0]}/message/test-call"
    refused = api("POST", path, json={"number": OWN, "message": MESSAGE})
    assert refused.json["code"] == "start_refused"
    assert "not connected" in refused.json["message"]
    for code, row in (
        ("cell_too_long", {"Сумма": "9" * 70_000}),
        ("cell_too_long", {"С" * 70_000: "9"}),
        ("row_too_wide", {str(number): "9" for number in range(301)}),
    ):
        refused = api("POST", path, json={"number": OWN, "message": MESSAGE, "fields": row})
        assert (refused.status_code, refused.json["code"]) == (422, code)
        heard = api("POST", f"/campaigns/{loaded[0]}/message/preview", json={"message": MESSAGE, "fields": row})
        assert (heard.status_code, heard.json["code"]) == (422, code)
    assert api("POST", path, json={"number": "112", "message": MESSAGE}).json["code"] == "emergency_blocked"
    assert api("POST", path, json={"number": "долг"}).json["field"] == "number"
    assert api("POST", "/do-not-call", json={"number": OWN}).status_code == 201
    refused = api("POST", path, json={"number": OWN, "message": MESSAGE})
    assert (refused.status_code, refused.json["code"]) == (409, "test_call_do_not_call")


def test_a_test_call_with_a_value_that_cannot_be_said_fails(app, api, loaded, connected):
    path = f"/campaigns/{loaded[0]}/message/test-call"
    trial = api("POST", path, json={"number": OWN, "message": MESSAGE, "fields": {"Сумма": "много"}}).json
    with app.app_context():
        preparing.run(trial["id"], lambda _campaign: None)
    found = api("GET", f"{path}/{trial['id']}").json
    assert (found["stage"], found["problem"]) == ("failed", "number_wrong")
    assert "Сумма" in found["message"]


def test_test_calls_that_nobody_came_back_for_are_ended_and_removed(app, api, loaded, connected):
    trial = api("POST", f"/campaigns/{loaded[0]}/message/test-call", json={"number": OWN, "message": MESSAGE}).json[
        "id"
    ]

    def older(by: dt.timedelta):
        def work(session):
            campaign = session.get(Campaign, trial)
            campaign.created_at -= by

        database.write(work)

    with app.app_context():
        older(store.TRIAL_LATE)
        path = f"/campaigns/{loaded[0]}/message/test-call/{trial}"
        assert api("GET", path).json["problem"] == "test_call_late"  # before any sweep
        removal.end_trials()
        with database.read() as session:
            assert session.get(Campaign, trial).state == CampaignState.STOPPED
        older(removal.TRIAL_KEPT)
        removal.end_trials()
        assert removal.deleting() == [trial]
        removal.remove(trial)
        with database.read() as session:
            assert session.get(Campaign, trial) is None
            assert session.query(Contact).filter_by(campaign_id=trial).count() == 0
            assert session.query(Contact).filter_by(campaign_id=loaded[0]).count() == 2
