"""The system page, its API, and what is told without a sign-in: readiness and metrics."""

from __future__ import annotations

import json
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from config import database
from config.database import utcnow
from dialer.models import Trunk
from ops import alarms, delivery, readiness, signs
from ops.facts import DiskFact, Facts
from web import accounts, api_keys

FULL = (DiskFact("home", "/x", 1000, 1),)


@pytest.fixture
def boss_key(app):
    with app.app_context():
        boss = next(item for item in accounts.all_accounts() if item.username == "boss")
        return {"Authorization": f"Bearer {api_keys.create(boss, 'test')}"}


@pytest.fixture
def alarm(app):
    with app.app_context():
        alarms.apply(Facts(now=utcnow(), disks=FULL))
        return alarms.standing()[0].id


def test_only_administrators_see_the_system(app, manager, key):
    client = app.test_client()
    for path in ("/system", "/system/state", "/system/alarm-settings"):
        assert manager.get(path).status_code == 403
    for path in ("/system", "/alarms", "/alarm-settings"):
        assert client.get(f"/api/v1{path}", headers=key).status_code == 403
    assert manager.post("/system/alarms/1/acknowledge").status_code == 403
    assert manager.post("/system/alarm-settings").status_code == 403
    assert "/system" not in manager.get("/campaigns").text


def test_with_nothing_to_tell_the_page_says_so(admin):
    page = admin.get("/system").text
    assert "Nothing is the matter." in page
    assert "No process has given a sign of life yet." in page
    assert "nobody is told by e-mail or webhook" in page


def test_nodes_trunks_processes_and_alarms_are_shown(app, admin, connected, alarm):
    status = {"trunks": {"rehearsal": {"reachable": True, "registration": ""}}, "journal": 3, "reconciled_at": 1.7e9}
    with app.app_context():
        signs.put("dial.main", "dial", status)
        signs.put("beat@a", "beat")
    page = admin.get("/system").text
    assert 'data-alarm="disk_full"' in page
    assert re.search(r'data-trunk="rehearsal".*?bg-green-lt">answers', page, re.S)
    assert re.search(r'data-node="main".*?bg-green-lt">connected', page, re.S)
    assert re.search(r'data-worker="dial".*?bg-green-lt">lives', page, re.S)
    admin.post(f"/system/alarms/{alarm}/acknowledge")
    assert "boss takes care of it" in admin.get("/system").text


def test_the_api_tells_the_same(app, boss_key, connected, alarm):
    client = app.test_client()
    told = client.get("/api/v1/system", headers=boss_key)
    assert told.status_code == 200, told.text
    assert [item["code"] for item in told.json["alarms"]] == ["disk_full"]
    assert told.json["nodes"][0]["connected"] is True
    assert client.post(f"/api/v1/alarms/{alarm}/acknowledge", headers=boss_key).status_code == 204
    assert client.get("/api/v1/alarms", headers=boss_key).json["items"][0]["acknowledged_by"] == "boss"
    assert client.get("/api/v1/alarms?over=true", headers=boss_key).json["items"] == []
    missing = client.post("/api/v1/alarms/999/acknowledge", headers=boss_key)
    assert (missing.status_code, missing.json["code"]) == (404, "alarm_missing")
    russian = client.get("/api/v1/alarms", headers={**boss_key, "Accept-Language": "ru"})
    assert russian.json["items"][0]["what"].startswith("Диск")


SETTINGS = {
    "mail_on": "1", "mail_host": "mail.example.com", "mail_port": "587", "mail_security": "starttls",
    "mail_username": "u", "mail_password": "very-secret-word", "mail_from": "o@example.com", "mail_to": "b@example.com",
    "locale": "ru", "zone": "Asia/Omsk", "backup_every_h": "24", "allowed_hosts": "", "webhook_url": "",
    "webhook_secret": "", "certificate": "",
}  # fmt: skip


def test_settings_of_delivery_by_page_and_by_api(app, admin, boss_key):
    assert admin.post("/system/alarm-settings", SETTINGS).status_code == 302
    page = admin.get("/system/alarm-settings").text
    assert "mail.example.com" in page
    assert "very-secret-word" not in page
    client = app.test_client()
    told = client.get("/api/v1/alarm-settings", headers=boss_key).json
    assert (told["mail_to"], told["mail_password_set"], told["zone"]) == (["b@example.com"], True, "Asia/Omsk")
    assert "very-secret-word" not in json.dumps(told)
    wrong = admin.post("/system/alarm-settings", {**SETTINGS, "mail_to": "nonsense", "mail_port": "0"})
    assert wrong.status_code == 422
    wrong = client.put("/api/v1/alarm-settings", headers=boss_key, json={"webhook_url": "https://10.0.0.1/"})
    assert (wrong.status_code, wrong.json["code"]) == (422, "webhook_secret_missing")
    secret = {"webhook_url": "https://10.0.0.1/", "webhook_secret": "s" * 16}
    wrong = client.put("/api/v1/alarm-settings", headers=boss_key, json=secret)
    assert (wrong.status_code, wrong.json["code"]) == (422, "webhook_host_inside")
    with app.app_context():
        assert delivery.load().mail_password == "very-secret-word"


def test_a_test_shows_the_exact_result(app, admin, boss_key):
    closed = {**SETTINGS, "mail_host": "127.0.0.1", "mail_port": "1", "mail_security": "none", "mail_username": ""}
    answer = admin.post("/system/alarm-settings", {**closed, "test": "mail"}, follow_redirects=True)
    assert "Connection refused" in answer.text
    client = app.test_client()
    told = client.post("/api/v1/alarm-settings/test", headers=boss_key, json={"channel": "mail"})
    assert (told.status_code, told.json["code"]) == (502, "mail_failed")


def test_ready_says_what_is_missing(app, monkeypatch):
    client = app.test_client()
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json["status"] == "not_ready"
    checks = answer.json["checks"]
    assert checks["database"] == {"ok": True, "reason": ""}
    assert checks["migrations"]["reason"].startswith("at none")  # these tables were not made by migrations
    assert checks["node"]["ok"] is False
    assert client.get("/health").json == {"status": "ok"}


def test_ready_is_kept_for_a_moment():
    now = [0.0]
    count = []
    one = readiness.Readiness(lambda: now[0])
    before = readiness.CHECKS
    readiness.CHECKS = (("x", lambda: str(count.append(1) or "")),)
    try:
        for _ in range(5):
            one.checks()
        assert len(count) == 1
        now[0] = 10
        one.checks()
        assert len(count) == 2
    finally:
        readiness.CHECKS = before


def test_metrics_for_this_host_and_with_the_token_only(app, connected):
    client = app.test_client()
    answer = client.get("/metrics")
    assert answer.status_code == 200
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["obzvon_node_connected"].samples[0].value == 1
    assert families["obzvon_broker_reachable"].samples[0].value in (0, 1)
    assert "obzvon_outcomes" in families
    elsewhere = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
    assert client.get("/metrics", **elsewhere).status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403
    settings = app.config["OBZVON"]
    assert client.get("/metrics", headers={"Authorization": "Bearer "}, **elsewhere).status_code == 403
    settings.metrics_token = "t" * 20
    good = {"Authorization": f"Bearer {'t' * 20}"}
    assert client.get("/metrics", headers=good, **elsewhere).status_code == 200
    assert client.get("/metrics", headers={"Authorization": "Bearer no"}, **elsewhere).status_code == 403


def test_every_answer_has_a_request_id(app):
    client = app.test_client()
    own = client.get("/health").headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{16}", own)
    given = client.get("/health", headers={"X-Request-ID": "proxy-1234567"}).headers["X-Request-ID"]
    assert given == "proxy-1234567"
    odd = client.get("/health", headers={"X-Request-ID": "a\tb{}" * 30}).headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{16}", odd)


def test_no_personal_data_without_a_sign_in(app, loaded):
    client = app.test_client()
    for path in ("/health", "/ready", "/metrics"):
        text = client.get(path).text
        assert "7900555" not in text  # sums of seconds may hold 7900
        assert "Debts" not in text
    with app.app_context(), database.read() as session:
        assert session.scalars(select(Trunk)).all()  # the copy was not empty
