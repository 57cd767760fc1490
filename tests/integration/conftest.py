"""The same tests on SQLite and on MariaDB."""

from __future__ import annotations

import pytest
from sqlalchemy import text

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


def _empty(engine) -> None:
    """No rows, and ids begin at 1 again."""
    with engine.begin() as connection:
        connection.execute(text("SET FOREIGN_KEY_CHECKS = 0"))
        for table in db.metadata.sorted_tables:
            if connection.execute(table.delete()).rowcount:
                connection.execute(text(f"ALTER TABLE {table.name} AUTO_INCREMENT = 1"))
        connection.execute(text("SET FOREIGN_KEY_CHECKS = 1"))


@pytest.fixture(params=["sqlite", "mariadb"])
def tables_url(request, tmp_path):
    """Address of a database that has no rows; what has no tables yet gets them from :func:`app`."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/test.sqlite3"
    else:
        engine = request.getfixturevalue("mariadb_tables")
        yield engine.url.render_as_string(hide_password=False)
        _empty(engine)


@pytest.fixture
def app(tmp_path, tables_url):
    """An application without pages on a database that has all tables and no rows; its context is entered."""
    application = create_base_app(Settings(home=tmp_path / "home", database_url=tables_url, _env_file=None))
    with application.app_context():
        db.create_all()
        yield application
        db.session.remove()
        db.engine.dispose()
