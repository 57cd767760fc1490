"""A database of the first release, full of data, is brought to this one: all is there, and all can be used."""

import datetime as dt
import json
import re
import sqlite3
import stat

import pytest
from flask_migrate import Migrate, upgrade
from flask_security import hash_password
from sqlalchemy import MetaData, func, select, text

from campaigns import outcomes, service, sounds, store
from campaigns.models import Attempt, Campaign, Contact
from campaigns.states import CampaignState
from campaigns.windows import CallingWindows
from config import database
from config import settings as all_settings
from config.extensions import db
from config.settings import SettingsError
from dialer import nodes, trunks
from dialer.calls import CallOutcome, CallResult
from dialer.trunks import TrunkForm
from web import create_app
from web.migrating import MIGRATIONS, migrate

RELEASED = "0001"
NOW = dt.datetime(2026, 11, 22, 12, 0, 0)  # noqa: DTZ001 - as the database keeps it
PASSWORD = "first-release-1"
#: Contacts' states in turn; the first ones have an open attempt.
STATES = ("pending", "pending", "reached", "not_reached", "unknown")
CONTACTS, OPEN = 500, 10


@pytest.fixture
def released(tmp_path, database_url, monkeypatch):
    """An application on a database of the first release, filled as that release would have."""
    monkeypatch.setenv("OBZVON_DATABASE_URL", database_url)
    monkeypatch.setenv("OBZVON_BROKER_URL", "memory://")
    all_settings.get.cache_clear()
    settings = all_settings.get()
    application = create_app(settings)
    with application.app_context():
        Migrate(application, db, directory=str(MIGRATIONS))
        upgrade(directory=str(MIGRATIONS), revision=RELEASED)
        settings.sounds.mkdir(parents=True)
        (settings.sounds / "ab12.wav").write_bytes(b"RIFF" + bytes(100_000))
        with db.engine.begin() as connection:
            tables = MetaData()
            tables.reflect(connection)
            fill(connection, tables.tables)
        yield application
        db.session.remove()
        db.engine.dispose()


def fill(connection, tables):
    def insert(table, *rows):
        if connection.dialect.name != "sqlite":  # MariaDB's JSON is text
            rows = [{k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in row.items()} for row in rows]
        connection.execute(tables[table].insert(), list(rows))

    insert("role", {"id": 1, "name": "administrator", "description": "all"})
    insert(
        "account",
        {
            "id": 1,
            "username": "olga",
            "password": hash_password(PASSWORD),
            "active": True,
            "fs_uniquifier": "u1",
            "locale": "ru",
            "created_at": NOW,
        },
    )
    insert("account_role", {"account_id": 1, "role_id": 1})
    insert("node", {"id": 1, "name": "main", "channels": 20, "cps": 9.0, "boot": "b", "connected": True, "ringing": 0,
                    "talking": 0, "seen_at": NOW})  # fmt: skip
    trunk = {
        "node_id": 1,
        "kind": "sip",
        "template": "PJSIP/{number}@{trunk}",
        "channels": 12,
        "cps": 7.5,
        "port": 5060,
    }
    trunk |= {"number_prefix": "", "allowed_prefixes": ["79"], "caller_ids": ["74950000000"], "host": "sip.example.org"}
    trunk |= {"username": "", "secret_encrypted": "", "register": False, "qualify": True, "enabled": True}
    trunk |= {"congested": [], "created_at": NOW}
    insert("trunk", *({**trunk, "id": i, "name": f"carrier-{i}", "title": f"Carrier {i}"} for i in (1, 2, 3)))
    connection.execute(text("DELETE FROM trunk WHERE id = 3"))
    campaign = {"trunk_id": 1, "caller_id": "", "region": "RU", "timezone": "Europe/Moscow", "channel_limit": OPEN + 4}
    campaign |= {"attempts": 3, "ring_s": 30, "notification_s": 5.0, "retry_s": 900, "sound": "ab12"}
    campaign |= {"sound_name": "m.wav", "sound_s": 6.0, "created_by": "olga", "created_at": NOW, "state_code": ""}
    campaign |= {"state_detail": "", "windows": CallingWindows.always().to_json()}
    states = ("running", "paused", "draft")
    insert("campaign", *({**campaign, "id": i, "name": f"C{i}", "state": s} for i, s in enumerate(states, 1)))
    insert("base", {"id": 1, "campaign_id": 1, "filename": "a.csv", "comment": "Абоненты", "path": "a", "sha256": "0",
                    "state": "ready", "error_code": "", "error_detail": "", "layout": {"phone_column": 0},
                    "cancel_requested": False, "progress": 1.0, "rows": CONTACTS + 1, "accepted": CONTACTS,
                    "rejected": 1, "duplicates": 0, "created_by": "olga", "created_at": NOW})  # fmt: skip
    insert("rejected_row", {"id": 1, "base_id": 1, "line": 9, "code": "too_short", "value": "12", "detail": ""})
    insert("contact", *(contact(i) for i in range(1, CONTACTS + 1)))
    insert("attempt", *(attempt(i) for i in range(1, CONTACTS + 1) if i <= OPEN or i % 5 in (2, 3, 4)))


def contact(i):
    state = "pending" if i <= OPEN else STATES[i % 5]
    due = NOW if state == "pending" and i > OPEN else None
    return {"id": i, "campaign_id": 1, "base_id": 1, "line": i, "number": f"7900555{i:04d}", "state": state,
            "fields": {"name": f"Абонент {i}"}, "attempts": int(due is None), "tries": int(due is None),
            "due_at": due, "put_off": False}  # fmt: skip


def attempt(i):
    is_open = i <= OPEN
    named = {"reached": "reached", "not_reached": "invalid_number", "unknown": "unknown"}.get(STATES[i % 5])
    return {"id": i, "uid": f"{i:020d}", "campaign_id": 1, "contact_id": i, "open_for_contact": i if is_open else None,
            "number_of_attempt": 1, "trunk_id": 1, "node_id": 1, "boot": "b", "claimed_at": NOW,
            "ended_at": None if is_open else NOW, "disposition": None if is_open else named, "counted": True,
            "listened_s": 5.5, "detail": ""}  # fmt: skip


def everything():
    """Each row of the release's tables, without the columns that only one of the releases has."""
    known = {"trunk": {"node_id", "tokens", "tokens_at"}}
    found = {}
    with db.engine.connect() as connection:
        tables = MetaData()
        tables.reflect(connection)
        for name in (
            "account",
            "role",
            "account_role",
            "trunk",
            "campaign",
            "base",
            "rejected_row",
            "contact",
            "attempt",
        ):
            rows = connection.execute(select(tables.tables[name])).mappings().all()
            found[name] = sorted(
                json.dumps({k: v for k, v in row.items() if k not in known.get(name, ())}, default=str, sort_keys=True)
                for row in rows
            )
    return found


def test_everything_is_still_there(released):
    before = everything()
    migrate(released)
    after = everything()
    for table, rows in before.items():
        columns = set(json.loads(rows[0]))
        kept = [
            json.dumps({k: v for k, v in json.loads(row).items() if k in columns}, sort_keys=True)
            for row in after[table]
        ]
        assert kept == rows, table
    assert len(before["contact"]) == CONTACTS
    with database.read() as session:
        assert session.execute(text("SELECT trunk_id, node_id FROM trunk_node ORDER BY trunk_id")).all() == [
            (1, 1),
            (2, 1),
        ]


def test_everything_can_be_used(released):
    migrate(released)
    node = nodes.ensure_node(released.config["OBZVON"])
    assert (node.id, node.channels, node.cps) == (1, 20, 9.0)
    sounds.keep_all(released.config["OBZVON"].sounds)
    with database.read() as session:
        assert sounds.is_kept(session, "ab12")
        assert len(store.open_calls(session, 1)) == OPEN
    assert service.counts([1])[1].unknown == 98
    capacity = store.Capacity(1, "b", lambda _: 100)

    def claim():
        return database.write(lambda s: store.claim(s, 1, capacity, database.utcnow)).requests

    assert len(claim()) == 1  # one token of 7.5 calls per second
    ended = [CallResult(f"{i:020d}", CallOutcome.BUSY, ended_at=database.utcnow()) for i in range(1, OPEN + 1)]
    assert database.write(lambda s: outcomes.record(s, ended, database.utcnow())).campaign_ids == {1}
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Attempt).where(Attempt.open_for_contact > 0)) == 1
        assert session.get(Contact, 1).last_disposition == "busy"
        assert session.get(Campaign, 1).state == CampaignState.RUNNING
    new = trunks.create(TrunkForm(title="New", host="192.0.2.1"))
    assert new == 4, "the id of the deleted one is not given again"
    assert service.decide_unknown(1, redial=True) == 98


def test_who_had_an_account_signs_in(released):
    migrate(released)
    client = released.test_client()
    page = client.get("/sign-in").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    answer = client.post("/sign-in", data={"username": "olga", "password": PASSWORD, "csrf_token": token})
    assert answer.status_code == 302
    assert "Абоненты" in client.get("/campaigns/1").text
    assert client.get("/nodes").status_code == 200


def test_a_sqlite_file_is_copied_before_it_is_changed(released, capsys):
    """Once; nothing is copied when nothing changes. MariaDB has its own tools (docs/scale.md)."""
    migrate(released)
    migrate(released)
    name = db.engine.url.database
    if db.engine.dialect.name != "sqlite":
        assert capsys.readouterr().err == ""
        return
    from pathlib import Path

    (copy,) = Path(name).parent.glob(f"{Path(name).name}.before-*")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert str(copy) in capsys.readouterr().err
    with sqlite3.connect(copy) as kept:
        assert kept.execute("SELECT version_num FROM alembic_version").fetchone() == (RELEASED,)
        assert kept.execute("SELECT COUNT(*) FROM contact").fetchone() == (CONTACTS,)
        assert kept.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    kept.close()


def test_a_database_of_a_newer_release_is_refused(released):
    migrate(released)
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match="newer"):
        migrate(released)
