"""The migrations make exactly the tables of the models, on SQLite and on MariaDB."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from config.extensions import db
from config.settings import Settings
from web import create_app
from web.first_start import migrate


@pytest.fixture
def migrated(tmp_path, database_url):
    application = create_app(Settings(home=tmp_path / "home", database_url=database_url, _env_file=None))
    with application.app_context():
        migrate(application)
        yield application
        db.session.remove()
        db.engine.dispose()


def test_migrated_tables_are_those_of_the_models(migrated):
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_migrating_twice_changes_nothing(migrated):
    migrate(migrated)
    with db.engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() is not None


#: What is still told about a deleted row (a job, a report, a session) must not mean another.
NEVER_AGAIN = ("campaign", "base", "contact", "attempt", "export", "trunk", "account", "api_key")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # MariaDB never gives one twice
def test_ids_are_never_given_twice(migrated):
    query = text("SELECT name, sql FROM sqlite_master")
    with db.engine.connect() as connection:
        made = {row.name: row.sql for row in connection.execute(query)}
    for name in NEVER_AGAIN:
        assert db.metadata.tables[name].dialect_options["sqlite"]["autoincrement"]
        assert "AUTOINCREMENT" in made[name]
