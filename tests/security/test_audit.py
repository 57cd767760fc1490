"""The audit trail: everything that matters is in it, and whoever tampers with it is found out. On both databases."""

from __future__ import annotations

import json
import re
import threading
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, select, update

from campaigns.models import Contact
from campaigns.states import ContactState
from config import audit, database
from config.audit import AuditEntry, Fault, entries, heads
from config.extensions import db
from tests.integration.conftest import tables_url  # noqa: F401 - fixture: SQLite and MariaDB
from tests.integration.web.conftest import PASSWORD, sign_in
from web import accounts, cli

NUMBER = "79005550000"


@pytest.fixture
def inside(app):
    """Inside of the application's context."""
    with app.app_context():
        yield app


def _trail() -> list[AuditEntry]:
    with database.read() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.number)))


def _ten() -> None:
    for n in range(10):
        audit.record("campaign_started", "campaign", n, name=f"Долги {n}")


def _change(*statements) -> None:
    database.write(lambda session: [session.execute(statement) for statement in statements])


def test_a_whole_trail_is_whole(inside):
    assert audit.verify_all().fault is None
    _ten()
    verdict = audit.verify_all()
    assert (verdict.fault, verdict.entries) == (None, len(_trail()))
    assert audit.watch() == verdict
    assert audit.watch() == verdict


FIELDS = ["at", "who", "action", "kind", "object_id", "details", "address", "hash"]


@pytest.mark.parametrize("field", FIELDS)
def test_an_altered_entry_is_named(inside, field):
    """Whatever of it was changed, and however little."""
    _ten()
    fifth = _trail()[4]
    value = getattr(fifth, field)
    other = value.replace(microsecond=1000 - value.microsecond % 1000) if field == "at" else value[:-1] + "~"
    _change(update(entries).where(entries.c.number == fifth.number).values({field: other}))
    assert audit.verify_all() == audit.Verdict(fifth.number - 1, Fault.ALTERED, fifth.number)


def test_an_altered_entry_with_its_hash_made_anew_is_named_at_the_next(inside):
    """Somebody who knows how it works, but would have to change the whole rest and the head."""
    _ten()
    fourth, fifth = _trail()[3:5]
    told = {
        name: getattr(fifth, name) for name in ("number", "at", "action", "kind", "object_id", "details", "address")
    }
    digest = audit._hash({**told, "who": "boss"}, fourth.hash)
    _change(update(entries).where(entries.c.number == fifth.number).values(who="boss", hash=digest))
    assert audit.verify_all() == audit.Verdict(fifth.number, Fault.ALTERED, fifth.number + 1)


def test_an_entry_taken_out_of_the_middle_is_named(inside):
    _ten()
    number = _trail()[4].number
    _change(delete(entries).where(entries.c.number == number))
    assert audit.verify_all() == audit.Verdict(number - 1, Fault.MISSING, number)


def test_entries_taken_off_the_end_are_named(inside):
    _ten()
    last = _trail()[-1].number
    _change(delete(entries).where(entries.c.number > last - 3))
    assert audit.verify_all() == audit.Verdict(last - 3, Fault.CUT, last - 2)


def test_the_end_cannot_be_moved_without_the_key(inside):
    """The head is set back too, as somebody with the database alone can; its MAC does not fit."""
    _ten()
    kept = _trail()[-4]
    _change(
        delete(entries).where(entries.c.number > kept.number),
        update(heads).values(number=kept.number, hash=kept.hash),
    )
    assert audit.verify_all().fault is Fault.HEAD


def test_a_trail_that_was_emptied_is_found_by_what_was_seen(inside):
    """All gone, head included, and a new one begun."""
    _ten()
    audit.watch()
    _change(delete(entries), delete(heads))
    assert audit.verify_all().fault is Fault.SET_BACK
    _ten()
    _ten()
    _ten()
    assert audit.verify_all().fault is Fault.SET_BACK
    assert audit.watch().fault is Fault.SET_BACK


def test_an_entry_put_in_by_hand_is_named(inside):
    _ten()
    last = _trail()[-1]
    values = {**{name: getattr(last, name) for name in FIELDS}, "number": last.number + 1}
    _change(insert(entries).values(**values))
    assert audit.verify_all().fault is Fault.ALTERED


def test_many_at_once_make_one_chain(inside, app):
    """Threads with connections of their own, as web and jobs have them."""

    def work() -> None:
        with app.app_context():
            for n in range(10):
                audit.record("campaign_started", "campaign", n)

    before = len(_trail())
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(_trail()) == before + 60
    assert audit.verify_all().fault is None


def test_a_change_that_fails_leaves_no_entry(inside):
    """The entry is part of the change's transaction."""
    before = len(_trail())

    def work(session):
        audit.append(session, "campaign_started", "campaign", 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(work)
    assert len(_trail()) == before
    assert audit.verify_all().fault is None


def test_numbers_and_secrets_are_not_in_it(inside):
    """Whatever is handed over is masked; of a secret only that it changed."""
    changed = audit.changes({"secret": "a", "caller_ids": []}, {"secret": "b", "caller_ids": [NUMBER]}, ("secret",))
    audit.record("trunk_changed", "trunk", 1, note=f"to {NUMBER}", nested={"deep": [f"+{NUMBER}"]}, **changed)
    text = _trail()[-1].details
    assert NUMBER not in text
    assert "7900*****00" in text
    assert json.loads(text)["secret"] == "changed"


def test_what_people_do_is_in_it(app, sent, loaded):
    """Through pages and API, as people and programs do it: each action, its object, who and from where."""
    campaign, base = loaded
    client = app.test_client()
    page = client.get("/sign-in").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    client.post("/sign-in", data={"username": "boss", "password": "my secret password", "csrf_token": token})
    client.post("/sign-in", data={"username": "my secret password", "password": "", "csrf_token": token})
    boss = sign_in(app, "boss")
    made = boss.post("/accounts", {"username": "ivan", "role": "manager"}).text
    ivan = int(re.findall(r"/accounts/(\d+)/password", made)[-1])
    for path, data in (
        (f"/accounts/{ivan}/password", {}),
        (f"/accounts/{ivan}/active", {"active": "0"}),
        (f"/accounts/{ivan}/active", {"active": "1"}),
        ("/account/keys", {"name": "CRM"}),
        ("/trunks", {"title": "t", "kind": "sip", "host": "sip.example", "channels": "1", "cps": "1", "port": "5060"}),
        (f"/campaigns/{campaign}/start", {}),
        (f"/campaigns/{campaign}/exports", {}),
    ):
        boss.post(path, data)
    key = re.search(r'id="new-key">([^<]+)<', boss.post("/account/keys", {"name": "x"}).text)[1]
    api = {"headers": {"Authorization": f"Bearer {key}"}}
    trunk = next(t["id"] for t in client.get("/api/v1/trunks", **api).json["items"] if t["name"] == "t")
    changed = {"title": "t", "name": "t", "host": "sip.example", "channels": 9, "username": "u", "secret": "geheim"}
    client.put(f"/api/v1/trunks/{trunk}", json=changed, **api)
    client.delete(f"/api/v1/trunks/{trunk}", **api)
    client.patch(f"/api/v1/campaigns/{campaign}", json={"channel_limit": 7}, **api)
    _work(app, campaign)
    client.post(f"/api/v1/campaigns/{campaign}/unknown", json={"redial": False}, **api)
    exports = client.get(f"/api/v1/campaigns/{campaign}/exports", **api).json["items"]
    client.get(f"/api/v1/campaigns/{campaign}/exports/{exports[0]['id']}/file", **api).close()
    boss.get(f"/campaigns/{campaign}/bases/{base}/rejected.csv")
    client.delete(f"/api/v1/campaigns/{campaign}/bases/{base}", **api)
    client.delete(f"/api/v1/campaigns/{campaign}", **api)
    number = re.search(r"/account/keys/(\d+)/revoke", boss.get("/account").text)[1]
    boss.post(f"/account/keys/{number}/revoke")
    new = "another-long-one"
    boss.post("/account/password", {"password": PASSWORD, "new_password": new, "new_password_confirm": new})
    boss.post("/sign-out")
    with app.app_context():
        trail = _trail()
        assert audit.verify_all().fault is None
    done = {entry.action for entry in trail}
    from web.audit_trail import ACTIONS

    assert done <= set(ACTIONS)
    assert {
        "sign_in_failed",
        "signed_in",
        "signed_out",
        "password_changed",
        "password_reset",
        "account_created",
    } <= done
    assert {"account_enabled", "account_disabled", "key_created", "key_revoked", "unknown_decided"} <= done
    assert {"trunk_created", "trunk_changed", "trunk_deleted", "campaign_created", "campaign_changed"} <= done
    assert {"message_changed", "base_uploaded", "rejected_downloaded", "campaign_deleted"} <= done
    assert {"report_requested", "report_downloaded", "base_deleted"} <= done
    by = {entry.action: entry for entry in trail}
    assert (by["trunk_changed"].who, by["trunk_changed"].address) == ("boss (API)", "127.0.0.1")
    assert by["trunk_changed"].words["channels"] == [1, 9]
    assert by["trunk_changed"].words["secret_encrypted"] == "changed"
    assert (by["account_disabled"].who, by["account_disabled"].object_id) == ("boss", str(ivan))
    everything = "".join(entry.details + entry.who for entry in trail)
    for secret in ("my secret password", "geheim", PASSWORD, new, key, NUMBER):
        assert secret not in everything


def _work(app, campaign: int) -> None:
    """What the workers would have done meanwhile."""
    from campaigns import exports, service

    def unknown(session) -> None:
        session.execute(
            update(Contact).where(Contact.campaign_id == campaign).values(state=ContactState.UNKNOWN, due_at=None)
        )

    with app.app_context():
        database.write(unknown)
        for export in exports.of_campaign(campaign):
            exports.run(export.id)
        service.get(campaign)


def test_start_pause_and_stop_are_in_it(app, manager, connected, loaded):
    campaign, _base = loaded
    for order in ("start", "pause", "resume", "stop"):
        manager.post(f"/campaigns/{campaign}/{order}")
    with app.app_context():
        found = [entry for entry in _trail() if entry.kind == "campaign"][-4:]
    assert [entry.action for entry in found] == [
        *("campaign_started", "campaign_paused", "campaign_started", "campaign_stopped")
    ]
    assert {entry.who for entry in found} == {"anna"}


def test_asking_who_acts_never_waits_for_the_database(app, manager):
    """Inside a writing transaction another connection would wait for it for ever."""
    cookies = {cookie.key: cookie.value for cookie in manager.client._cookies.values()}
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    with app.test_request_context("/campaigns", headers={"Cookie": header}):
        audit.record("campaign_started", "campaign", 1)
        assert _trail()[-1].who == ""


def test_the_page_filters_pages_and_checks(app, admin):
    with app.app_context():
        _ten()
        with audit.acting("zoë", "10.0.0.9"):
            for n in range(60):
                audit.record("report_downloaded", "report", n)
        day = database.utcnow().astimezone(ZoneInfo("Europe/Moscow")).date().isoformat()
    page = admin.get("/audit").text
    assert "downloaded a report" in page
    assert "/audit?page=2" in page
    assert page.count("data-entry=") == 50
    assert admin.get("/audit", query_string={"who": "zoë", "page": "2"}).text.count("data-entry=") == 10
    assert "data-entry" not in admin.get("/audit?who=nobody").text
    assert admin.get("/audit?action=campaign_started").text.count("data-entry=") == 10
    assert "data-entry" not in admin.get("/audit?since=2031-01-01").text
    assert "data-entry" in admin.get(f"/audit?until={day}&since=nonsense").text
    assert "data-entry" not in admin.get("/audit?until=2001-01-01").text
    assert "The trail is whole" in admin.get("/audit/check").text
    with app.app_context():
        _change(update(entries).where(entries.c.number == 3).values(who="x"))
    assert "broken at entry 3" in admin.get("/audit/check").text


def test_the_api_and_the_command_tell_it_too(app, sent, monkeypatch, capsys):
    from web import api_keys

    with app.app_context():
        boss = next(item for item in accounts.all_accounts() if item.username == "boss")
        key = {"Authorization": f"Bearer {api_keys.create(boss, 'test')}"}
        _ten()
    client = app.test_client()
    items = client.get("/api/v1/audit?action=campaign_started&per_page=3", headers=key).json
    assert (items["total"], len(items["items"])) == (10, 3)
    assert items["items"][0]["details"] == {"name": "Долги 9"}
    assert client.get("/api/v1/audit/check", headers=key).json["fault"] is None
    monkeypatch.setenv("OBZVON_HOME", str(app.config["OBZVON"].home))
    assert cli.main(["audit", "verify"]) == 0
    assert "The audit trail is whole" in capsys.readouterr().out
    with app.app_context():
        _change(delete(entries).where(entries.c.number == 4))
    assert cli.main(["audit", "verify"]) == 1
    assert "broken at entry 4" in capsys.readouterr().err
    assert client.get("/api/v1/audit/check", headers=key).json == {"entries": 3, "fault": "missing", "number": 4}
    assert db.metadata.tables["audit_entry"] is entries
