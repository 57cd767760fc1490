"""How Alembic runs our migrations; ``web.first_start`` and ``flask db`` come through here."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from config.database import UtcDateTime

db = current_app.extensions["migrate"].db


def render_item(kind: str, item: Any, autogen_context: Any) -> str | bool:
    """Write types of ours and of Flask-Security with the import they need."""
    if kind == "type" and isinstance(item, UtcDateTime):
        autogen_context.imports.add("from config.database import UtcDateTime")
        return "UtcDateTime()"
    if kind == "type" and type(item).__module__.startswith("flask_security"):
        autogen_context.imports.add("import flask_security.datastore")
        return f"flask_security.datastore.{type(item).__name__}()"
    return False


def no_empty_revision(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """``flask db revision --autogenerate`` without a change writes no file."""
    autogenerate = getattr(context.config.cmd_opts, "autogenerate", False)
    if autogenerate and directives and directives[0].upgrade_ops.is_empty():
        directives[:] = []


def run(connection: Connection) -> None:
    """Upgrade or compare through this connection."""
    sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_item=render_item,
        render_as_batch=True,
        compare_type=True,
        process_revision_directives=no_empty_revision,
        transaction_per_migration=True,
    )
    if sqlite:
        _foreign_keys(connection, on=False)
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        if sqlite:
            _foreign_keys(connection, on=True)


def _foreign_keys(connection: Connection, *, on: bool) -> None:
    """SQLite changes a table by copying and dropping it, which with foreign keys on would empty the tables below.

    The pragma is without effect inside a transaction, so it goes past SQLAlchemy, which would begin one.
    """
    connection.connection.cursor().execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


if context.is_offline_mode():
    raise SystemExit("Migrations need the database: run them without --sql.")
with db.engine.connect() as own:
    run(own)
