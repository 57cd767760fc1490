"""The JSON API does what the pages do, says what it refuses, and describes itself."""

from __future__ import annotations

import io
import json
import re

import pytest

from campaigns import bases
from tests.integration.web.conftest import ASSETS, BASE
from web import accounts, api_keys


@pytest.fixture
def api(app, key):
    """``api(method, path, …)`` with the manager's key; returns the answer."""
    client = app.test_client()

    def call(method: str, path: str, **more):
        return client.open(f"/api/v1{path}", method=method, headers=key, buffered=True, **more)

    return call


def test_without_a_key_nothing_is_told(app):
    client = app.test_client()
    for headers in ({}, {"Authorization": "Bearer obz_wrong"}, {"Authorization": "Basic YTpi"}):
        answer = client.get("/api/v1/campaigns", headers=headers)
        assert answer.status_code == 401
        assert answer.json["code"] == "not_signed_in"


def test_a_session_is_no_key(manager):
    """Otherwise another site could use the browser's session without a CSRF token."""
    assert manager.get("/api/v1/campaigns").status_code == 401


def test_a_revoked_key_and_a_disabled_account_are_refused(app, key, api):
    assert api("GET", "/campaigns").status_code == 200
    with app.app_context():
        anna = next(item for item in accounts.all_accounts() if item.username == "anna")
        second = api_keys.create(anna, "second")
        row = next(item for item in api_keys.of_account(anna.id) if item.name == "test")
        assert row.used_at is not None
        api_keys.revoke(row.id, anna.id)
        assert api("GET", "/campaigns").status_code == 401
        assert api_keys.owner(second) is not None
        accounts.set_active(anna.id, False, by=0)
        assert api_keys.owner(second) is None


def test_a_campaign_from_nothing_to_a_report(app, api, sent, trunk_id):
    made = api("POST", "/campaigns", json={"name": "Outage", "trunk_id": trunk_id, "channel_limit": 5})
    assert made.status_code == 201, made.text
    number = made.json["id"]
    assert made.json["state"] == "draft"
    assert made.json["created_by"] == "anna"

    changed = api("PATCH", f"/campaigns/{number}", json={"attempts": 2})
    assert (changed.json["attempts"], changed.json["channel_limit"]) == (2, 5)

    sound = (io.BytesIO((ASSETS / "sample_message.wav").read_bytes()), "hello.wav")
    with_sound = api("PUT", f"/campaigns/{number}/sound", data={"sound": sound})
    assert with_sound.json["sound_name"] == "hello.wav"
    assert with_sound.json["sound_s"] > 1

    seen = api("POST", f"/campaigns/{number}/bases/preview", data={"file": (io.BytesIO(BASE.encode()), "b.csv")})
    assert seen.status_code == 200, seen.text
    assert seen.json["layout"]["phone_column"] == 0
    assert seen.json["rows"][2]["code"] == "number_missing"

    base = api(
        "POST", f"/campaigns/{number}/bases", data={"file": (io.BytesIO(BASE.encode()), "b.csv"), "comment": "c"}
    )
    assert base.status_code == 201, base.text
    assert ("campaigns.load_bases", [number]) in sent
    with app.app_context():
        bases.load_waiting(number)
    loaded = api("GET", f"/campaigns/{number}/bases/{base.json['id']}").json
    assert (loaded["state"], loaded["rows"], loaded["accepted"], loaded["rejected"]) == ("ready", 5, 2, 2)
    rejected = api("GET", f"/campaigns/{number}/bases/{base.json['id']}/rejected").json
    assert {row["code"] for row in rejected["items"]} >= {"number_missing", "emergency_blocked"}
    assert all(len(row["message"]) > 10 for row in rejected["items"])

    again = api("POST", f"/campaigns/{number}/bases", data={"file": (io.BytesIO(BASE.encode()), "b.csv")})
    assert (again.status_code, again.json["code"]) == (409, "base_already_loaded")

    contacts = api("GET", f"/campaigns/{number}/contacts?per_page=1&page=2").json
    assert (contacts["total"], contacts["page"], len(contacts["items"])) == (2, 2, 1)
    contact = api("GET", f"/campaigns/{number}/contacts/{contacts['items'][0]['id']}").json
    assert contact["why"]["rule"] == "campaign_not_running"
    assert contact["history"] == []

    problems = api("GET", f"/campaigns/{number}/start-problems").json["problems"]
    assert [item["code"] for item in problems] == ["node_not_connected"]
    refused = api("POST", f"/campaigns/{number}/start")
    assert (refused.status_code, refused.json["code"]) == (409, "start_refused")
    assert "exchange" in refused.json["message"]

    assert api("GET", f"/campaigns/{number}/counts").json["contacts"] == 2
    assert api("GET", f"/campaigns/{number}/attempts").json["total"] == 0
    export = api("POST", f"/campaigns/{number}/exports", json={"locale": "ru"})
    assert (export.status_code, export.json["state"]) == (202, "waiting")
    file = api("GET", f"/campaigns/{number}/exports/{export.json['id']}/file")
    assert (file.status_code, file.json["code"]) == (409, "export_not_ready")

    assert api("DELETE", f"/campaigns/{number}").status_code == 204
    gone = api("GET", f"/campaigns/{number}")
    assert (gone.status_code, gone.json["code"]) == (404, "campaign_missing")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "x", "attempts": 0}, "attempts"),
        ({"name": "x", "windows": {"weekly": [{"days": [9], "from": "09:00", "to": "10:00"}]}}, "windows"),
        ({"name": "x", "timezone": "Mars/Base"}, "timezone"),
        ({"name": "x", "trunk_id": 999}, "trunk_id"),
    ],
)
def test_wrong_input_names_its_field(api, body, field):
    answer = api("POST", "/campaigns", json=body)
    assert 400 <= answer.status_code < 500
    assert answer.json["field"] == field, answer.json
    assert answer.json["code"]
    assert answer.json["message"]
    assert "Value error" not in answer.text


def test_names_lose_control_characters(api):
    assert api("POST", "/campaigns", json={"name": "a\0b\n\x1bc\x85 "}).json["name"] == "ab c"
    assert api("POST", "/campaigns", json={"name": "\0 \x1b"}).json["field"] == "name"


def test_a_running_campaign_is_not_deleted_and_what_to_do_is_said(app, api, connected, loaded):
    number, _base = loaded
    assert api("POST", f"/campaigns/{number}/start").status_code == 200
    refused = api("DELETE", f"/campaigns/{number}")
    assert (refused.status_code, refused.json["code"]) == (409, "state_wrong")
    assert "stop the campaign first" in refused.json["message"]


@pytest.mark.parametrize("path", ["/campaigns/99", "/campaigns/99/contacts", "/trunks/99", "/nothing"])
def test_what_is_missing_is_told_as_json(api, path):
    answer = api("GET", path)
    assert answer.status_code == 404
    assert set(answer.json) >= {"code", "message", "field"}


def test_broken_json_is_told(api):
    answer = api("POST", "/campaigns", data="{", content_type="application/json")
    assert answer.status_code == 400
    assert answer.json["code"] == "bad_request"


def test_json_deeper_than_can_be_read_is_told(api):
    answer = api("POST", "/campaigns", data="[" * 100_000, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (400, "bad_request")


@pytest.mark.parametrize("number", [2**63, 10**30])
def test_numbers_larger_than_any_are_refused(api, campaign_id, number):
    for path in (f"/campaigns/{number}", f"/campaigns/{number}/attempts", f"/campaigns/{campaign_id}/bases/{number}"):
        assert api("GET", path).status_code == 404, path
    for query in ("page", "base_id"):
        assert api("GET", f"/campaigns/{campaign_id}/contacts?{query}={number}").status_code == 422, query


def test_trunks_are_changed_with_an_administrators_key_alone(app, api):
    form = {"title": "Carrier", "host": "sip.example.net", "username": "u", "secret": "s3cret", "register": True}
    assert api("POST", "/trunks", json=form).status_code == 403
    with app.app_context():
        boss = next(item for item in accounts.all_accounts() if item.username == "boss")
        headers = {"Authorization": f"Bearer {api_keys.create(boss, 'admin')}"}
    client = app.test_client()
    made = client.post("/api/v1/trunks", json=form, headers=headers)
    assert made.status_code == 201, made.text
    assert made.json["register"] is True
    assert "s3cret" not in made.text
    number = made.json["id"]
    changed = client.put(f"/api/v1/trunks/{number}", json={**form, "secret": "", "channels": 7}, headers=headers)
    assert changed.json["channels"] == 7
    assert client.delete(f"/api/v1/trunks/{number}", headers=headers).status_code == 204
    assert client.get("/api/v1/nodes", headers=headers).json["items"][0]["connected"] is False


def test_unexpected_faults_tell_nothing_of_the_inside(app, api, monkeypatch):
    from campaigns import service

    def fail(_id):
        raise RuntimeError("secret inside")

    monkeypatch.setattr(service, "get", fail)
    answer = api("GET", "/campaigns/1")
    assert (answer.status_code, answer.json["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_openapi_describes_every_route(app):
    spec = app.test_client().get("/api/openapi.json").json
    described = {
        (method.upper(), re.sub(r"{(\w+)}", "<>", path))
        for path, item in spec["paths"].items()
        for method in item
        if method != "parameters"
    }
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1"):
            path = re.sub(r"<[^>]+>", "<>", rule.rule)
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert (method, path) in described
    text = json.dumps(spec)
    for ref in set(re.findall(r'"\$ref": "([^"]+)"', text)):
        place = spec
        for step in ref.removeprefix("#/").split("/"):
            place = place[step]
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                assert operation["security"] == [{"key": []}], path
                assert operation["summary"]
    assert set(spec["components"]["schemas"]["ErrorOut"]["properties"]) == {"code", "message", "field"}
