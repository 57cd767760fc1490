"""What every answer carries and no page holds: policy, headers, inline script, and the token that each order needs."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from tests.integration.web.conftest import PASSWORD, sign_in
from tests.security.test_rights import OPEN, RIGHTS, Actor, _database, actors  # noqa: F401 - fixture
from tests.security.world import addresses, rules

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


#: Who downloads a report is told by the audit trail; /ready tries whether the database takes a write.
TRAIL = ("audit_entry", "audit_head", "sign_of_life")


class _Inline(HTMLParser):
    """Collects what a strict policy would have to forbid."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.found.append(f"<{tag}>")
        for name, value in given.items():
            text = (value or "").strip().lower()
            if name.startswith(("on", "hx-on")) or name == "style":
                self.found.append(f"<{tag} {name}>")
            if name in ("href", "src", "action", "hx-get", "hx-post") and not text.startswith(("/", "#", "?", "data:")):
                self.found.append(f"<{tag} {name}={text!r}>")
            if text.startswith(("javascript:", "//")):
                self.found.append(f"<{tag} {name}={text!r}>")


def _faults(answer: Any) -> list[str]:
    """What is wrong with the headers and the text of an answer."""
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers.get("Content-Security-Policy", "x y").split(";")
    )
    wrong = [f"policy {name}" for name, value in POLICY.items() if policy.get(name) != value]
    wrong += [f"policy allows {word}" for word in ("unsafe", "http:", "*") if word in " ".join(policy.values())]
    wrong += [name for name, value in HEADERS.items() if answer.headers.get(name) != value]
    wrong += [name for name in ("Server", "X-Powered-By") if "Python" in answer.headers.get(name, "")]
    if answer.mimetype == "text/html":
        parser = _Inline()
        parser.feed(answer.text)
        wrong += parser.found
    return wrong


def _all_answers(app, world, actors: list[Actor]) -> list[tuple[str, Any]]:  # noqa: F811
    """Everybody asks for every address; also refusals and orders without their token are answers."""
    answers = []
    for rule, method in rules(app):
        for actor in (actors[0], actors[4], actors[6]):
            for path in addresses(app, rule, world.here):
                if not path.endswith("/live"):
                    answer = actor.client.open(path, method=method, buffered=True)
                    answers.append((f"{actor.name}: {method} {path} -> {answer.status_code}", answer))
    return answers


def test_every_answer_has_the_headers_and_no_page_has_inline_code(app, world, actors):  # noqa: F811
    answers = _all_answers(app, world, actors)
    statuses = {answer.status_code for _text, answer in answers}
    assert {200, 302, 400, 401, 403} <= statuses
    assert [(text, faults) for text, answer in answers if (faults := _faults(answer))] == []


def test_errors_have_them_too(app, admin, monkeypatch):
    """Also what is not there, not allowed, too large, too often, and what goes wrong inside."""
    from web import queries

    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 2000)
    answers = {
        404: admin.client.get("/nothing"),
        405: admin.client.put("/campaigns"),
        413: admin.client.post("/campaigns", data={"csrf_token": admin.token(), "name": "x" * 5000}),
    }
    monkeypatch.setattr(queries, "campaigns", lambda **_filters: 1 / 0)
    answers[500] = admin.client.get("/campaigns")
    stranger = app.test_client()
    for _ in range(12):
        answers[429] = stranger.post("/sign-in", data={"username": "boss", "password": "x"})
    for status, answer in answers.items():
        assert answer.status_code in (status, 400), status
        assert _faults(answer) == [], status
        assert "Traceback" not in answer.text
    assert answers[500].status_code == 500
    assert "ZeroDivisionError" not in answers[500].text


def test_every_order_needs_the_token(app, world, actors):  # noqa: F811
    """A form of another site is refused and changes nothing: generated over all routes that take a form."""
    before = _database(app)
    stolen = actors[0].token()  # of another session
    wrong = []
    for rule, method in rules(app):
        if method in ("GET",) or rule.endpoint.startswith("api."):
            continue
        for actor in (actors[4], actors[6]):
            for path in addresses(app, rule, world.here):
                for data in ({}, {"csrf_token": "x"}, {"csrf_token": stolen}):
                    answer = actor.client.open(path, method=method, data=data)
                    if answer.status_code != 400 or "csrf_failed" not in answer.text:
                        wrong.append(f"{actor.name}: {method} {path} {data} -> {answer.status_code}")
    assert wrong == []
    assert _database(app) == before


def test_no_address_changes_anything_when_it_is_only_read(app, world, actors):  # noqa: F811
    """GET is safe: a picture on another site that points here does no harm."""
    before = _database(app, but=TRAIL)
    for rule, method in rules(app):
        if method == "GET":
            for path in addresses(app, rule, world.here):
                actors[6].client.open(path, method="GET").close()
    assert _database(app, but=TRAIL) == before


def test_the_api_takes_no_session(app, world, actors):  # noqa: F811
    """So it needs no token against other sites; generated over all of its routes."""
    for rule, method in rules(app):
        if rule.endpoint.startswith("api.") and RIGHTS[rule.endpoint] != OPEN:
            for path in addresses(app, rule, world.here):
                assert actors[6].client.open(path, method=method, json={}).status_code == 401, path


@pytest.mark.parametrize("https", [False, True])
def test_https_is_insisted_on_where_it_is_used(tmp_path, monkeypatch, https):
    """Cookies and the header that tells browsers to come by HTTPS alone."""
    from config import settings as all_settings
    from web import create_app

    monkeypatch.setenv("OBZVON_WEB_HTTPS", str(https))
    monkeypatch.setenv("OBZVON_BROKER_URL", "memory://")
    all_settings.get.cache_clear()
    answer = create_app(all_settings.get()).test_client().get("/sign-in")
    cookies = [cookie for cookie in answer.headers.getlist("Set-Cookie") if cookie.startswith("obzvon")]
    assert cookies
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert ("Secure" in cookie) is https
        assert "Domain" not in cookie
    assert ("Strict-Transport-Security" in answer.headers) is https


def test_nothing_is_kept_by_caches_after_signing_out(app):
    """The back button of a shared computer shows nothing."""
    person = sign_in(app, "boss", PASSWORD)
    assert person.get("/campaigns").headers["Cache-Control"] == "no-store"
