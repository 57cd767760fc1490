"""Every page answers, for whom it should, with what it should."""

from __future__ import annotations

import io

import pytest

from campaigns import service


def test_nobody_gets_in_without_signing_in(app):
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.endpoint in ("static", "security.static") or rule.rule.startswith("/api/"):
            continue
        path = rule.rule
        for argument in rule.arguments:
            converter = rule._converters[argument]
            value = {"AnyConverter": "state", "IntegerConverter": "1"}.get(type(converter).__name__, "x")
            path = path.replace(next(p for p in path.split("/") if f"{argument}>" in p), value)
        answer = client.get(path)
        if rule.endpoint in ("security.login", "pages.health", "pages.metrics"):
            assert answer.status_code == 200
        elif rule.endpoint == "pages.ready":
            assert answer.status_code == 503  # these tests have no exchange
        else:
            assert answer.status_code in (302, 404, 405), (path, answer.status_code)
            if answer.status_code == 302:
                assert "/sign-in" in answer.headers["Location"], path


def test_every_page_of_a_loaded_campaign(app, admin, loaded):
    campaign_id, base_id = loaded
    with app.app_context():
        from web import queries

        contact_id = queries.contacts(campaign_id).items[0].id
        trunk_id = service.get(campaign_id).trunk_id
    for path in (
        "/campaigns",
        "/campaigns?state=draft&name=deb&sort=name",
        "/campaigns?state=running",
        "/campaigns/new",
        f"/campaigns/{campaign_id}",
        f"/campaigns/{campaign_id}/edit",
        f"/campaigns/{campaign_id}/bases/list",
        f"/campaigns/{campaign_id}/bases/{base_id}/rejected",
        f"/campaigns/{campaign_id}/contacts",
        f"/campaigns/{campaign_id}/contacts?state=pending&number=900",
        f"/campaigns/{campaign_id}/contacts/{contact_id}",
        f"/campaigns/{campaign_id}/exports",
        f"/campaigns/{campaign_id}/message",
        f"/campaigns/{campaign_id}/parts/numbers",
        f"/campaigns/{campaign_id}/parts/state",
        "/trunks",
        "/trunks/new",
        f"/trunks/{trunk_id}",
        "/nodes",
        "/nodes/1",
        "/accounts",
        "/system",
        "/system/state",
        "/system/alarm-settings",
        "/account",
        "/account/password",
    ):
        for locale in ("en", "ru"):
            admin.post("/locale", {"locale": locale})
            answer = admin.get(path)
            assert answer.status_code == 200, (path, answer.text[:2000])
            if answer.mimetype == "text/html":
                assert "style=" not in answer.text, path
                assert "onclick" not in answer.text, path


def test_a_connected_exchange_is_shown(admin, connected):
    answer = admin.get("/trunks")
    assert answer.status_code == 200
    assert "bg-green-lt" in answer.text


def test_only_files_of_everybody_may_be_kept_by_others(app, admin, loaded):
    """A proxy must not keep messages, reports and lists of people."""
    campaign_id, base_id = loaded
    message = f"/campaigns/{campaign_id}/message"
    for path, control in (
        (f"/campaigns/{campaign_id}", "no-store"),
        (f"/campaigns/{campaign_id}/bases/{base_id}/rejected.csv", "no-store"),
        (message, "no-store"),
        (f"{message}?v=1", "private, max-age=3600"),
        ("/campaigns/99/message?v=1", "no-store"),
    ):
        assert admin.get(path).headers["Cache-Control"] == control, path
    assert app.test_client().get(f"{message}?v=1").headers["Cache-Control"] == "no-store", "not signed in"


@pytest.mark.parametrize("number", [2**63, 10**30])
def test_ids_larger_than_any_are_not_found(admin, number):
    for path in (f"/campaigns/{number}", f"/campaigns/{number}/contacts", f"/trunks/{number}"):
        assert admin.get(path).status_code == 404, path


@pytest.mark.parametrize("odd", ["²", "--5", "9" * 5000, "x"])
def test_odd_numbers_in_an_address_are_left_out(admin, loaded, odd):
    campaign_id, _base = loaded
    assert admin.get("/campaigns", query_string={"page": odd}).status_code == 200
    path = f"/campaigns/{campaign_id}/contacts"
    assert admin.get(path, query_string={"page": odd, "base": odd}).status_code == 200
    file = {"file": (io.BytesIO(b"79005550000;x\n"), "b.csv")}
    place = admin.post(f"/campaigns/{campaign_id}/bases", file).headers["Location"]
    assert admin.get(place, query_string={"header_line": odd, "phone_column": odd}).status_code == 200
    assert admin.post(place, {"header_line": odd}).status_code == 302


@pytest.mark.parametrize("length", ["inf", "nan", "1e400", "1e308"])
@pytest.mark.parametrize("field", ["ring_s", "notification_s"])
def test_an_endless_time_is_refused(admin, field, length):
    answer = admin.post("/campaigns", {"name": "x", field: length, f"{field}-unit": "h"})
    assert answer.status_code == 422
