"""The whole web application on an empty database, with an administrator, a manager and a client for each."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache, StrictUndefined
from passlib.handlers.argon2 import argon2
from sqlalchemy import select

from campaigns import bases, service
from campaigns.service import CampaignForm
from config import database
from config import settings as all_settings
from config.database import utcnow
from config.extensions import celery, db
from dialer import nodes, trunks
from dialer.models import Node
from web import accounts, api_keys, create_app, live

PASSWORD = "correct-horse-battery"
ASSETS = Path(__file__).resolve().parents[3] / "assets"
BASE = """Телефон;ФИО;Сумма
+79005550000;Иванов;10,50
89005550001;Петров;3,00
;Без номера;1
112;Экстренный;2
79005550000;Повтор;4
"""


@dataclass
class Browser:
    """A signed-in test client that sends the page's CSRF token along."""

    client: FlaskClient

    def get(self, path: str, **more):
        return self.client.get(path, buffered=True, **more)

    def token(self) -> str:
        return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.client.get("/account").text)[1]

    def post(self, path: str, data: dict | None = None, **more):
        return self.client.post(path, data={"csrf_token": self.token(), **(data or {})}, **more)


@pytest.fixture
def sent(monkeypatch):
    """Celery messages that would have gone to the broker."""
    messages: list[tuple[str, list]] = []

    def send_task(name, args=(), **_options):
        messages.append((name, list(args)))

    monkeypatch.setattr(celery, "send_task", send_task)
    return messages


@pytest.fixture
def quick_hashes(monkeypatch):
    """These tests sign many people in; argon2 is there, but at its least cost."""
    for name, value in {"default_rounds": 1, "memory_cost": 64, "parallelism": 1}.items():
        monkeypatch.setattr(argon2, name, value)


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory) -> FileSystemBytecodeCache:
    """Each test makes an application of its own; the templates are the same."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(tmp_path, tables_url, monkeypatch, sent, quick_hashes, compiled_templates):
    """Tables, a node, the rehearsal trunk, and nothing shared with other tests."""
    monkeypatch.setenv("OBZVON_DATABASE_URL", tables_url)
    monkeypatch.setenv("OBZVON_BROKER_URL", "memory://")
    all_settings.get.cache_clear()
    settings = all_settings.get()
    monkeypatch.setattr(live, "board", live.Board())
    application = create_app(settings)
    application.testing = False
    application.jinja_env.undefined = StrictUndefined
    application.jinja_env.bytecode_cache = compiled_templates
    for folder in (settings.sounds, settings.uploads):
        folder.mkdir(parents=True, exist_ok=True)
    with application.app_context():
        db.create_all()
        nodes.ensure_node(settings)
        trunks.ensure_rehearsal(settings)
        accounts.create("boss", "administrator", PASSWORD)
        accounts.create("anna", "manager", PASSWORD)
    yield application
    with application.app_context():
        db.session.remove()
        db.engine.dispose()


def sign_in(app, name: str, password: str = PASSWORD) -> Browser:
    client = app.test_client()
    page = client.get("/sign-in").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    answer = client.post("/sign-in", data={"username": name, "password": password, "csrf_token": token})
    assert answer.status_code == 302, answer.text
    return Browser(client)


@pytest.fixture
def admin(app) -> Browser:
    return sign_in(app, "boss")


@pytest.fixture
def manager(app) -> Browser:
    return sign_in(app, "anna")


@pytest.fixture
def key(app) -> dict[str, str]:
    """Headers with an API key of the manager."""
    with app.app_context():
        anna = next(item for item in accounts.all_accounts() if item.username == "anna")
        return {"Authorization": f"Bearer {api_keys.create(anna, 'test')}"}


@pytest.fixture
def trunk_id(app) -> int:
    with app.app_context():
        return trunks.all_trunks()[0].id


@pytest.fixture
def connected(app) -> None:
    """The node is there, and stays so for a minute however slow the test is."""

    def work(session):
        node = session.scalars(select(Node)).one()
        node.connected, node.seen_at = True, utcnow() + dt.timedelta(minutes=1)

    with app.app_context():
        database.write(work)


@pytest.fixture
def campaign_id(app, trunk_id) -> int:
    """A draft with a message."""
    with app.app_context():
        made = service.create(CampaignForm(name="Debts", trunk_id=trunk_id), by="anna")
        service.set_sound(made, ASSETS / "sample_message.wav", "hello.wav")
        return made


@pytest.fixture
def loaded(app, campaign_id, tmp_path) -> tuple[int, int]:
    """The draft with a loaded base: ids of the campaign and the base."""
    source = tmp_path / "base.csv"
    source.write_text(BASE, encoding="utf-8")
    with app.app_context():
        base_id = bases.add(campaign_id, source, "base.csv", "debtors")
        bases.load_waiting(campaign_id)
    shutil.rmtree(tmp_path / "nothing", ignore_errors=True)
    return campaign_id, base_id
