"""Is this copy ready to work? Asked by load balancers and supervisors: reasons, no personal data, kept for a moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from config import database
from config.database import utcnow
from config.extensions import db
from dialer.models import Node
from ops import broker, signs
from ops.models import SignOfLife

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
#: Anybody may ask, so the answer is kept for a moment.
KEPT_S = 2.0
PROBE = "probe"


@dataclass(frozen=True)
class Check:
    """One thing that must be right; ``reason`` is empty when it is."""

    name: str
    reason: str = ""

    @property
    def ok(self) -> bool:
        return not self.reason


class Readiness:
    """The answers of one application; computed by one thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[float, list[Check]] | None = None

    def checks(self) -> list[Check]:
        """Every check, not older than :data:`KEPT_S`."""
        with self._lock:
            if self._kept is None or self._clock() - self._kept[0] > KEPT_S:
                found = [Check(name, _run(check)) for name, check in CHECKS]
                self._kept = (self._clock(), found)
            return self._kept[1]


def _run(check: Callable[[], str]) -> str:
    try:
        return check()
    except (SQLAlchemyError, OSError) as exc:
        return f"failed: {type(exc).__name__}"


def _database() -> str:
    """A real write, that does not wait long for the lock."""
    sqlite = db.engine.dialect.name == "sqlite"
    name = "PRAGMA busy_timeout" if sqlite else "SET SESSION innodb_lock_wait_timeout"
    with database.write_intent(), db.engine.connect() as connection:
        cursor = connection.connection.cursor()  # past SQLAlchemy, which would begin a transaction
        cursor.execute(f"{name}={2000 if sqlite else 2}")
        try:
            with Session(connection) as session, session.begin():
                row = SignOfLife(name=PROBE, role=PROBE, host=signs.host(), pid=0, version="", seen_at=utcnow())
                session.merge(row)
        finally:
            cursor.execute(f"{name}={30000 if sqlite else 'DEFAULT'}")
    return ""


def _migrations() -> str:
    with db.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_heads()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    wanted = ScriptDirectory.from_config(config).get_heads()
    return "" if set(present) == set(wanted) else f"at {','.join(present) or 'none'}, not at {','.join(wanted)}"


def _broker() -> str:
    seen = broker.look()
    return "" if seen.reachable else f"does not answer: {seen.error}"


def _node() -> str:
    with database.read() as session:
        nodes = session.scalars(select(Node)).all()
    now = utcnow()
    if not nodes:
        return "there is no node yet"
    return "" if any(node.is_connected(now) for node in nodes) else "no node is connected to its Asterisk"


CHECKS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("database", _database),
    ("migrations", _migrations),
    ("broker", _broker),
    ("node", _node),
)
