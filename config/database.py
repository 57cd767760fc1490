"""How transactions run on SQLite and MariaDB alike.

SQLite: WAL, and a writing transaction begins with ``BEGIN IMMEDIATE``, because a deferred one that first reads and
then writes fails at once with SQLITE_BUSY_SNAPSHOT when somebody else wrote in between
(https://www.sqlite.org/isolation.html). MariaDB: READ COMMITTED and explicit row locks.
"""

from __future__ import annotations

import datetime as dt
import random
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, DateTime, Engine, event, literal, literal_column, type_coerce
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

from config import metrics
from config.extensions import db

T = TypeVar("T")

#: For __table_args__: an id that was deleted is never given again, on SQLite too (MariaDB never does).
IDS_ONCE = {"sqlite_autoincrement": True}

#: How the next SQLite transaction of this thread or task begins.
_begin: ContextVar[str] = ContextVar("sqlite_begin", default="BEGIN")

#: Whoever says nothing for this long inside of a transaction is taken for frozen; seconds.
FROZEN_S = 10

#: A host of the database that answers nothing for this long is taken for gone; seconds.
VANISHED_S = 25

#: MariaDB: deadlock, lock wait timeout, server gone, lost connection, cannot connect.
TRANSIENT_MYSQL = {1213, 1205, 2006, 2013, 2003, 1020}


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC time, stored without zone, to the millisecond on MariaDB."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=3))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime reached the database")
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
        return value.replace(microsecond=value.microsecond // 1000 * 1000)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        return None if value is None else value.replace(tzinfo=dt.UTC)


def utcnow() -> dt.datetime:
    """The current time, aware, UTC, whole milliseconds (what both databases keep)."""
    now = dt.datetime.now(dt.UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def engine_options(url: str) -> dict[str, Any]:
    """Options of the SQLAlchemy engine for this database address."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 30}}
    return {"isolation_level": "READ COMMITTED", "pool_pre_ping": True, "pool_recycle": 1800, "pool_size": 20}


def clock_of(session: Session) -> ColumnElement[dt.datetime]:
    """A column with the database's clock at the moment in which the row is read, locks included.

    Hosts that share a MariaDB may disagree about the time; what they count together is counted by its clock. SQLite
    is shared by the processes of one host, and its write lock is held before this is asked.
    """
    if session.get_bind().dialect.name == "sqlite":
        return literal(dt.datetime.now(dt.UTC), _Moment())
    # Not func.sysdate: SQLAlchemy leaves out its argument, and whole seconds would come.
    return type_coerce(literal_column("SYSDATE(6)"), _Moment())


class _Moment(TypeDecorator[dt.datetime]):
    """An aware UTC time with its microseconds, from a session whose zone is UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        return None if value is None else value.replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        return None if value is None else value.replace(tzinfo=dt.UTC)


def _let_go_of_the_frozen(dbapi_connection: Any, _record: object) -> None:
    """MariaDB ends a transaction that says nothing for :data:`FROZEN_S`.

    A dial worker that is frozen inside of one would keep its locks, and the next one could not take the node over.
    Not only a writing one: after a mere SELECT … FOR UPDATE MariaDB still counts it among the reading ones. MySQL has
    no such setting.
    """
    with closing(dbapi_connection.cursor()) as cursor, suppress(dbapi_connection.OperationalError):
        cursor.execute(f"SET SESSION idle_transaction_timeout = {FROZEN_S}")


def _notice_a_vanished_host(dbapi_connection: Any, _record: object) -> None:
    """The kernel asks whether the database's host is there still, and ends the connection when it does not answer.

    A host that lost its power or its network says nothing. Whoever waits for its answer would wait for two hours, and
    whoever sent it something for a quarter of one, though the database is back long since. However long a statement
    takes, the kernel of a host that lives answers.
    """
    link = getattr(dbapi_connection, "_sock", None)
    if link is None or link.family == socket.AF_UNIX:
        return
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, VANISHED_S - 15)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, VANISHED_S * 1000)


def install_events(engine: Engine) -> None:
    """Prepare SQLite connections: WAL, foreign keys, transactions begun by us rather than by the driver.

    ``synchronous=FULL``: with NORMAL a power cut takes back commits of the last seconds, and whoever was called in
    them would be called again. MariaDB's sessions have the zone UTC, for :func:`clock_of`.
    """
    if engine.dialect.name != "sqlite":
        event.listen(engine, "connect", _zone_utc)
        event.listen(engine, "connect", _let_go_of_the_frozen)
        event.listen(engine, "connect", _notice_a_vanished_host)
        return

    @event.listens_for(engine, "connect")
    def _connect(dbapi_connection: sqlite3.Connection, _record: object) -> None:
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(_begin.get())


def _zone_utc(dbapi_connection: Any, _record: object) -> None:
    with closing(dbapi_connection.cursor()) as cursor:
        cursor.execute("SET time_zone = '+00:00'")


@contextmanager
def write_intent() -> Iterator[None]:
    """Transactions that begin inside take SQLite's write lock at once."""
    token = _begin.set("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        _begin.reset(token)


def is_transient(exc: BaseException) -> bool:
    """True when the same transaction may succeed if it is run again from its beginning."""
    if not isinstance(exc, DBAPIError):
        return False
    if exc.connection_invalidated:
        return True
    args = getattr(exc.orig, "args", ())
    if args and args[0] in TRANSIENT_MYSQL:
        return True
    return isinstance(exc, OperationalError) and "database is locked" in str(exc.orig)


def write(work: Callable[[Session], T], attempts: int = 8) -> T:
    """Run ``work`` in one writing transaction of its own and commit; run it again after a passing fault.

    ``work`` must have no effect outside the database. Needs an application context.

    :raises sqlalchemy.exc.DBAPIError: the last fault, after ``attempts`` tries.
    """
    with metrics.database_write():
        return _write(work, attempts)


def _write(work: Callable[[Session], T], attempts: int) -> T:
    for attempt in range(attempts):
        try:
            with write_intent(), Session(db.engine, expire_on_commit=False) as session, session.begin():
                return work(session)
        except DBAPIError as exc:
            if attempt == attempts - 1 or not is_transient(exc):
                raise
            metrics.database_retries.inc()
            time.sleep(min(1.0, 0.01 * 2**attempt) * (0.5 + random.random()))  # noqa: S311 - jitter only
    raise AssertionError("unreachable")


@contextmanager
def read() -> Iterator[Session]:
    """A session for reading, outside of any writing transaction."""
    with Session(db.engine, expire_on_commit=False) as session:
        yield session
