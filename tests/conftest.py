"""What all tests share. No test touches the state of a copy that a person runs."""

from __future__ import annotations

import os

import hypothesis
import pytest
from sqlalchemy import create_engine

import campaigns.models  # noqa: F401 - their tables are made
import dialer.models  # noqa: F401
import ops.models  # noqa: F401
import web.accounts
import web.api_keys  # noqa: F401
from config import settings as all_settings
from config.extensions import db
from tests.support import servers

#: How long an example takes says nothing on a busy machine.
unhurried = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
#: The same examples at every run, so that a run says something about the change; other ones on demand:
#: ``OBZVON_TEST_RANDOM=1 make test``.
hypothesis.settings.register_profile("same", unhurried, derandomize=True)
hypothesis.settings.register_profile("others", unhurried)
hypothesis.settings.load_profile("same" if os.environ.get("OBZVON_TEST_RANDOM") is None else "others")

#: A developer's own settings must not change what tests see; the installed Asterisk is the same for all.
for name in [name for name in os.environ if name.startswith("OBZVON_") and name != "OBZVON_RUNTIME"]:
    del os.environ[name]


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    """Whatever reads the settings finds an empty home."""
    monkeypatch.setenv("OBZVON_HOME", str(tmp_path / "home"))
    all_settings.get.cache_clear()
    yield
    all_settings.get.cache_clear()


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory):
    """One MariaDB for the whole run; ``with mariadb.database() as url`` gives an empty database."""
    with servers.mariadb(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_tables(mariadb):
    """A database with all tables, for many tests: to make them takes longer than most tests do."""
    with mariadb.database() as url:
        engine = create_engine(url)
        db.metadata.create_all(engine)
        yield engine
        engine.dispose()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    """One Redis for the whole run, as a Celery address."""
    with servers.redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def rabbitmq_url(tmp_path_factory):
    """One RabbitMQ for the whole run, as a Celery address."""
    with servers.rabbitmq_server(tmp_path_factory.mktemp("rabbitmq")) as url:
        yield url
