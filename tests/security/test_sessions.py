"""Sessions, sign-in, guessing; see also tests/integration/web/test_sign_in.py."""

from __future__ import annotations

import re

import pytest
from itsdangerous import URLSafeTimedSerializer

from tests.integration.web.conftest import PASSWORD, sign_in
from web import accounts


def _post(client, name: str, password: str, **more):
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/sign-in").text)[1]
    data = {"username": name, "password": password, "csrf_token": token}
    return client.post("/sign-in", data=data, **more)


def _cookies(client) -> dict[str, str]:
    return {cookie.key: cookie.value for cookie in client._cookies.values()}


def test_a_session_given_to_a_victim_is_of_no_use(app):
    """Session fixation: whoever knew the cookie before the sign-in is nobody after it."""
    victim, thief = app.test_client(), app.test_client()
    victim.get("/sign-in")
    planted = _cookies(victim)
    assert _post(victim, "boss", PASSWORD).status_code == 302
    assert victim.get("/campaigns").status_code == 200
    assert _cookies(victim) != planted
    for name, value in planted.items():
        thief.set_cookie(name, value)
    assert thief.get("/campaigns").status_code == 302


def test_a_cookie_with_a_guessed_key_is_no_session(app, admin):
    """There is no default key: not an empty one, not one from a manual, not that of another copy."""
    from flask.sessions import SecureCookieSessionInterface, TaggedJSONSerializer

    with app.app_context():
        boss = next(item for item in accounts.all_accounts() if item.username == "boss")
    name = app.config["SESSION_COOKIE_NAME"]
    interface = SecureCookieSessionInterface
    for key in ("", "dev", "secret", "change-me", "obzvon", app.config["SECURITY_PASSWORD_SALT"]):
        serializer = URLSafeTimedSerializer(
            key,
            salt=interface.salt,
            serializer=TaggedJSONSerializer(),
            signer_kwargs={"key_derivation": interface.key_derivation, "digest_method": interface.digest_method},
        )
        client = app.test_client()
        client.set_cookie(name, serializer.dumps({"_user_id": boss.fs_uniquifier, "_fresh": True}))
        assert client.get("/campaigns").status_code == 302, key


def test_secrets_are_of_this_home_alone(tmp_path):
    """Nothing is shipped: two homes have nothing in common, and no secret is short."""
    from dataclasses import asdict

    from config import secret_store

    one, two = (asdict(secret_store.load(tmp_path / name)) for name in ("one", "two"))
    assert all(one[name] != two[name] for name in one)
    assert all(len(value) >= 32 for value in one.values())


@pytest.mark.parametrize(
    ("name", "password"),
    [("boss", "wrong-password"), ("nobody-here", PASSWORD), ("off", PASSWORD), ("off", "wrong-password")],
)
def test_every_wrong_sign_in_costs_the_same_work(app, monkeypatch, name, password):
    """One argon2 for a wrong password, an unknown name and a disabled account: the time tells nothing either."""
    with app.app_context():
        number, _secret = accounts.create("off", "manager", PASSWORD)
        accounts.set_active(number, False, by=0)
    import argon2.low_level

    counted = []
    for function in ("hash_secret", "verify_secret"):
        original = getattr(argon2.low_level, function)

        def counting(*args, _original=original, **kwargs):
            counted.append(_original.__name__)
            return _original(*args, **kwargs)

        monkeypatch.setattr(argon2.low_level, function, counting)
    answer = _post(app.test_client(), name, password)
    assert answer.status_code == 200
    assert "The name or the password is wrong" in answer.text
    assert len(counted) == 1, counted


def test_a_made_up_address_does_not_give_more_tries(app):
    """Without a trusted proxy in front, X-Forwarded-For is what anybody may write."""
    client = app.test_client()
    statuses = [
        _post(client, "boss", "wrong", headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(12)
    ]
    assert statuses.count(429) == 2


def test_tries_are_limited_for_the_change_of_a_password_too(app, admin):
    """Whoever finds an open browser cannot guess the password there."""
    body = {"password": "wrong", "new_password": "another-long-one", "new_password_confirm": "another-long-one"}
    statuses = [admin.post("/account/password", body).status_code for _ in range(12)]
    assert 429 in statuses
    sign_in(app, "boss", PASSWORD)


def test_short_passwords_are_refused(app, admin):
    for password in ("short", "123456789"):
        body = {"password": PASSWORD, "new_password": password, "new_password_confirm": password}
        assert admin.post("/account/password", body).status_code == 200
    sign_in(app, "boss", PASSWORD)
