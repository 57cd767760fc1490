"""The same tests on SQLite and on MariaDB."""

from __future__ import annotations

import pytest

import campaigns.models  # noqa: F401 - their tables are made
import dialer.models  # noqa: F401
import ops.models  # noqa: F401
from config.app import create_base_app
from config.extensions import db
from config.settings import Settings


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request, tmp_path):
    """Address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/test.sqlite3"
    else:
        with request.getfixturevalue("mariadb").database() as url:
            yield url


@pytest.fixture
def app(tmp_path, database_url):
    """An application without pages on an empty database that has all tables; its context is entered."""
    application = create_base_app(Settings(home=tmp_path / "home", database_url=database_url, _env_file=None))
    with application.app_context():
        db.create_all()
        yield application
        db.session.remove()
        db.engine.dispose()
