"""Who gets in, and what keeps others out."""

from __future__ import annotations

import re

import pytest

from tests.integration.web.conftest import PASSWORD, sign_in
from web import accounts


def _try(client, name: str, password: str):
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/sign-in").text)[1]
    return client.post("/sign-in", data={"username": name, "password": password, "csrf_token": token})


def test_a_wrong_name_and_a_wrong_password_read_the_same(app):
    client = app.test_client()
    answers = [_try(client, *pair) for pair in (("boss", "wrong-password"), ("nobody", PASSWORD), ("' OR 1=1 --", "x"))]
    texts = {re.sub(r'value="[^"]*"|X-CSRFToken": "[^"]*"', "", answer.text) for answer in answers}
    assert {answer.status_code for answer in answers} == {200}
    assert len(texts) == 1
    assert "The name or the password is wrong" in texts.pop()


def test_names_are_found_whatever_their_case(app):
    sign_in(app, "BOSS")


def test_sign_in_is_tracked(app):
    sign_in(app, "boss")
    sign_in(app, "boss")
    with app.app_context():
        boss = next(item for item in accounts.all_accounts() if item.username == "boss")
    assert boss.login_count == 2
    assert boss.current_login_at.tzinfo is not None


def test_many_wrong_passwords_are_stopped_and_good_ones_do_not_count(app):
    client = app.test_client()
    for _ in range(3):
        sign_in(app, "boss")
    statuses = [_try(client, "boss", "wrong-password").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]


def test_cookies_and_headers(app, admin):
    answer = admin.get("/campaigns")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    cookies = app.test_client().get("/sign-in").headers.getlist("Set-Cookie")
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies if cookie.startswith("obzvon"))


def test_after_signing_in_one_goes_on_to_the_page_wanted_but_not_to_other_sites(app):
    client = app.test_client()
    for wanted, reached in (("/trunks", "/trunks"), ("https://evil.example/", None), ("//evil.example/", None)):
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/sign-in").text)[1]
        data = {"username": "boss", "password": PASSWORD, "csrf_token": token, "next": wanted}
        place = client.post("/sign-in", data=data).headers["Location"]
        assert "evil" not in place
        if reached:
            assert place.endswith(reached)
        page = client.get("/campaigns").text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
        client.post("/sign-out", data={"csrf_token": token})


def test_posts_without_the_token_are_refused(app, admin, campaign_id):
    for path in ("/campaigns", f"/campaigns/{campaign_id}/start", f"/campaigns/{campaign_id}/delete", "/accounts"):
        answer = admin.client.post(path, data={"name": "x"})
        assert answer.status_code == 400, path
        assert "csrf_failed" in answer.text


def test_the_token_may_come_in_a_header(admin, campaign_id):
    answer = admin.client.post(f"/campaigns/{campaign_id}/pause", headers={"X-CSRFToken": admin.token()})
    assert answer.status_code == 302


def test_a_manager_does_not_see_what_is_the_administrators(manager, trunk_id):
    for method, path in (
        ("get", "/accounts"),
        ("post", "/accounts"),
        ("post", "/accounts/1/password"),
        ("post", "/accounts/1/active"),
        ("get", "/trunks/new"),
        ("post", "/trunks"),
        ("get", f"/trunks/{trunk_id}"),
        ("post", f"/trunks/{trunk_id}"),
        ("post", f"/trunks/{trunk_id}/delete"),
        ("get", "/nodes/1"),
        ("post", "/nodes/1"),
        ("post", "/nodes/1/drain"),
        ("post", "/nodes/1/take-back"),
        ("post", "/nodes/1/give-up"),
    ):
        assert getattr(manager, method)(path).status_code == 403, path
    assert "/accounts" not in manager.get("/campaigns").text


def test_an_account_is_made_disabled_and_given_a_new_password(app, admin):
    page = admin.post("/accounts", {"username": "ivan", "role": "manager"}).text
    password = re.search(r'id="new-password">([^<]+)<', page)[1]
    ivan = sign_in(app, "ivan", password)
    assert ivan.get("/campaigns").status_code == 200
    number = int(re.findall(r"/accounts/(\d+)/password", page)[-1])
    admin.post(f"/accounts/{number}/active", {"active": "0"})
    assert ivan.get("/campaigns").status_code == 302
    admin.post(f"/accounts/{number}/active", {"active": "1"})
    renewed = re.search(r'id="new-password">([^<]+)<', admin.post(f"/accounts/{number}/password").text)[1]
    assert _try(app.test_client(), "ivan", password).status_code == 200
    sign_in(app, "ivan", renewed)


def test_changing_the_password_ends_other_sessions(app, admin):
    other = sign_in(app, "boss")
    answer = admin.post(
        "/account/password",
        {"password": PASSWORD, "new_password": "another-long-one", "new_password_confirm": "another-long-one"},
    )
    assert answer.status_code == 302, answer.text
    assert admin.get("/campaigns").status_code == 200
    assert other.get("/campaigns").status_code == 302


def test_signing_out_ends_a_copy_of_the_cookie_too(app, admin):
    copy = app.test_client()
    kept = {cookie.key: cookie.value for cookie in admin.client._cookies.values()}
    for name, value in kept.items():
        copy.set_cookie(name, value)
    assert copy.get("/campaigns").status_code == 200
    assert admin.post("/sign-out").status_code == 302
    assert admin.get("/campaigns").status_code == 302
    assert copy.get("/campaigns").status_code == 302
    sign_in(app, "boss")


def test_the_first_administrator_is_made_once(app):
    with app.app_context():
        assert accounts.ensure_admin() is None
        from config import database

        database.write(lambda session: session.execute(accounts.account_role.delete()))
        name, password = accounts.ensure_admin()
    assert name == "admin"
    sign_in(app, name, password)


def test_who_never_chose_a_language_reads_that_of_his_browser(app, admin):
    russian = {"Accept-Language": "ru-RU,ru;q=0.9,en;q=0.8"}
    assert '<html lang="ru">' in app.test_client().get("/sign-in", headers=russian).text
    page = admin.get("/trunks", headers=russian).text
    assert "Транки" in page
    assert page.count("Стоп-лист") == 1
    assert "Не звонить" not in page
    assert "Учебный оператор" in page
    assert "Rehearsal carrier" not in page
    assert '<html lang="en">' in admin.get("/trunks", headers={"Accept-Language": "de"}).text
    admin.post("/locale", {"locale": "en"})
    assert '<html lang="en">' in admin.get("/trunks", headers=russian).text


def test_the_language_is_kept_in_the_account(app, admin):
    admin.post("/locale", {"locale": "ru", "next": "/trunks"})
    assert "Транки" in admin.get("/trunks").text
    assert "Транки" in sign_in(app, "boss").get("/trunks").text
    assert admin.post("/locale", {"locale": "ru", "next": "//evil.example"}).headers["Location"] == "/campaigns"
    assert admin.post("/locale", {"locale": "xx"}).status_code == 302


def test_keys_are_shown_once(manager):
    page = manager.post("/account/keys", {"name": "CRM"}).text
    key = re.search(r'id="new-key">([^<]+)<', page)[1]
    assert key not in manager.get("/account").text
    assert manager.client.get("/api/v1/campaigns", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    number = re.search(r"/account/keys/(\d+)/revoke", manager.get("/account").text)[1]
    manager.post(f"/account/keys/{number}/revoke")
    assert manager.client.get("/api/v1/campaigns", headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_no_token_opens_a_page(app):
    """Flask-Security gives tokens to programs that sign in by JSON; here only sessions and API keys count."""
    client = app.test_client()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/sign-in").text)[1]
    body = {"username": "boss", "password": PASSWORD, "csrf_token": token}
    headers = {"X-CSRFToken": token, "Accept": "application/json"}
    answer = client.post("/sign-in?include_auth_token", json=body, headers=headers)
    given = answer.json.get("response", {}).get("user", {}).get("authentication_token", "")
    assert answer.status_code == 200
    other = app.test_client()
    assert other.get("/campaigns", headers={"Authentication-Token": given}).status_code == 302
    assert other.get(f"/campaigns?auth_token={given}").status_code == 302


@pytest.mark.parametrize("path", ["/verify", "/fs-static/js/webauthn.js", "/register", "/reset", "/change"])
def test_nothing_else_of_the_sign_in_library_is_open(app, admin, path):
    assert admin.get(path).status_code == 404
    assert admin.post(path, {"password": PASSWORD}).status_code in (404, 405)
