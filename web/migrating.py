"""Bringing the database to the newest revision: at each start, one copy at a time, never without a way back."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate, upgrade
from sqlalchemy import Connection, text

from config import supervisor
from config.extensions import db
from config.settings import SettingsError

MIGRATIONS = supervisor.ROOT / "migrations"
#: How long a start waits for another home's start to finish with the database that they share.
WAIT_S = 300


def migrate(app: Flask, revision: str = "head") -> None:
    """Bring the database to this revision, by default the newest; a SQLite file is copied before.

    :raises SettingsError: the database is newer than this release, or another start does not finish with it.
    """
    Migrate(app, db, directory=str(MIGRATIONS))
    script = ScriptDirectory(str(MIGRATIONS))
    wanted = script.get_current_head() if revision == "head" else revision
    with db.engine.connect() as connection, _alone(connection):
        present = MigrationContext.configure(connection).get_current_revision()
        connection.rollback()
        if present == wanted:
            return
        if present is not None:
            _known(script, present)
            _copy_before(wanted or "", present)
        upgrade(directory=str(MIGRATIONS), revision=revision)


@contextlib.contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Two homes with one MariaDB may start at the same moment. A SQLite file has one home, and that is locked."""
    if connection.dialect.name == "sqlite":
        yield
        return
    name = {"name": f"obzvon-migrate-{connection.engine.url.database}"[:64]}
    if not connection.execute(text(f"SELECT GET_LOCK(:name, {WAIT_S})"), name).scalar():
        raise SettingsError("Another start has been changing the database for minutes: see what it does, then retry.")
    try:
        yield
    finally:
        connection.execute(text("SELECT RELEASE_LOCK(:name)"), name)


def _known(script: ScriptDirectory, present: str) -> None:
    if present not in {revision.revision for revision in script.walk_revisions()}:
        raise SettingsError(
            f"The database has the revision {present}, which this release does not know: it was made by a newer one. "
            "Start that one, or give back the copy from before the upgrade."
        )


def _copy_before(head: str, present: str) -> None:
    """``<file>.before-<revision>``; a copy that is there already is that of the first try, and stays."""
    if db.engine.dialect.name != "sqlite" or not db.engine.url.database:
        return
    source = Path(db.engine.url.database)
    target = source.with_name(f"{source.name}.before-{head}")
    if target.exists():
        return
    temporary = target.with_name(f"{target.name}.new")
    temporary.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(source)) as old, contextlib.closing(sqlite3.connect(temporary)) as new:
        temporary.chmod(0o600)
        old.backup(new)
    temporary.replace(target)
    sys.stderr.write(f"The database changes from revision {present} to {head}; a copy from before is {target}.\n")
