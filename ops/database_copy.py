"""A consistent copy of the whole database while it is in use, and the way back.

SQLite: its own online backup, one file. MariaDB and MySQL: ``mariadb-dump`` where it is installed, else every row as a
line of JSON, read in one snapshot. Either way the copy is of one moment.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import URL, Engine, MetaData, Table, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from ops.errors import OpsError

log = structlog.get_logger(__name__)

SQLITE_FILE, DUMP_FILE = "obzvon.sqlite3", "dump.sql"
AT_ONCE = 2000
VERSION_TABLE = "alembic_version"
DUMP_TOOLS, CLIENTS = ("mariadb-dump", "mysqldump"), ("mariadb", "mysql")


def kind_of(engine: Engine) -> str:
    """``sqlite`` or ``mariadb`` (MySQL too)."""
    return "sqlite" if engine.dialect.name == "sqlite" else "mariadb"


def save(engine: Engine, into: Path) -> str:
    """Write the copy into this folder. :returns: how: ``file``, ``dump`` or ``rows``."""
    if kind_of(engine) == "sqlite":
        _save_sqlite(Path(engine.url.database or ""), into / SQLITE_FILE)
        return "file"
    tool = _first(DUMP_TOOLS)
    if tool and _dump(tool, engine.url, into):
        return "dump"
    _save_rows(engine, into)
    return "rows"


def _first(names: tuple[str, ...]) -> str | None:
    return next((found for found in map(shutil.which, names) if found), None)


def _save_sqlite(source: Path, target: Path) -> None:
    """One step: in WAL mode a reader of one moment is in nobody's way; in several, each write would begin it anew."""
    there = sqlite3.connect(f"file:{source}?mode=rw", uri=True, timeout=30)
    with closing(there) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode=DELETE")
        said = copy.execute("PRAGMA quick_check").fetchone()[0]
    target.chmod(0o600)
    if said != "ok":
        raise OpsError("database_damaged", "The database file is damaged: no backup was made of it.", status=500)


def _options(url: URL, folder: Path) -> Path:
    """The password goes through a file of ours alone: on the command line everybody on the host could read it."""
    lines: dict[str, object] = {"user": url.username, "password": url.password, "host": url.host, "port": url.port}
    lines["socket"] = url.query.get("unix_socket")
    path = folder / ".client.cnf"
    written = "\n".join(f'{name}="{_quoted(value)}"' for name, value in lines.items() if value)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(f"[client]\n{written}\ndefault-character-set=utf8mb4\n")
    return path


def _quoted(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"')


def _dump(tool: str, url: URL, into: Path) -> bool:
    options = _options(url, into)
    arguments = ["--single-transaction", "--quick", "--skip-lock-tables", "--hex-blob", "--no-tablespaces"]
    command = [tool, f"--defaults-extra-file={options}", *arguments, str(url.database)]
    try:
        with (into / DUMP_FILE).open("wb") as output:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE, check=False)
    finally:
        options.unlink()
    if done.returncode:
        log.warning("dump_tool_failed", tool=tool, said=done.stderr.decode(errors="replace")[-300:])
        (into / DUMP_FILE).unlink()
    return done.returncode == 0


def _save_rows(engine: Engine, into: Path) -> None:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        _never_frozen(connection)
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        for name in inspect(connection).get_table_names():
            table = Table(name, MetaData(), autoload_with=connection)
            with (into / f"{name}.jsonl").open("w", encoding="utf-8") as output:
                for row in connection.execution_options(stream_results=True).execute(table.select()):
                    output.write(
                        json.dumps(list(row), default=_plain, ensure_ascii=False, separators=(",", ":")) + "\n"
                    )


def _never_frozen(connection: Connection) -> None:
    """However slow the disk is, MariaDB shall not end this transaction, which is in nobody's way.

    The server waits in it (``config.database.FROZEN_S``) as soon as it has sent the last rows of a table. MySQL has no
    such setting.
    """
    with suppress(DBAPIError):
        connection.exec_driver_sql("SET SESSION idle_transaction_timeout = 0")


def _plain(value: object) -> dict[str, str]:
    if isinstance(value, dt.datetime):
        return {"t": value.isoformat()}
    if isinstance(value, dt.date):
        return {"y": value.isoformat()}
    if isinstance(value, bytes):
        return {"b": base64.b64encode(value).decode()}
    if isinstance(value, decimal.Decimal):
        return {"d": str(value)}
    raise TypeError(f"a column holds {type(value).__name__}")


def _value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, written),) = value.items()
    if kind == "t":
        return dt.datetime.fromisoformat(written)
    if kind == "y":
        return dt.date.fromisoformat(written)
    return base64.b64decode(written) if kind == "b" else decimal.Decimal(written)


def settle(path: Path) -> None:
    """One file holds everything afterwards; nobody may have it open."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")


def tables_of(engine: Engine) -> list[str]:
    """Names of all tables."""
    return inspect(engine).get_table_names()


def drop_all(engine: Engine) -> None:
    """Empty a MariaDB database."""
    with engine.begin() as connection:
        connection.execute(text("SET FOREIGN_KEY_CHECKS=0"))
        for name in inspect(connection).get_table_names():
            connection.execute(text(f"DROP TABLE `{name}`"))
        connection.execute(text("SET FOREIGN_KEY_CHECKS=1"))


def load_dump(engine: Engine, folder: Path) -> None:
    """Play a dump into an empty database.

    :raises OpsError: the client is not installed, or it failed.
    """
    client = _first(CLIENTS)
    if client is None:
        raise OpsError("client_missing", "Install the program mariadb (Debian: mariadb-client-core) and try again.")
    options = _options(engine.url, folder)
    command = [client, f"--defaults-extra-file={options}", str(engine.url.database)]
    try:
        with (folder / DUMP_FILE).open("rb") as source:
            done = subprocess.run(command, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    finally:
        options.unlink()
    if done.returncode:
        log.error("dump_not_loaded", said=done.stderr.decode(errors="replace")[-300:])
        raise OpsError("database_refused", "The database refused the backup; the log says why.", status=500)


def load_rows(engine: Engine, folder: Path) -> None:
    """Put every row back; the tables are there, as the backup's revision made them, and empty."""
    with engine.begin() as connection:
        connection.execute(text("SET FOREIGN_KEY_CHECKS=0"))
        for file in sorted(folder.glob("*.jsonl")):
            if file.stem != VERSION_TABLE:
                _load_table(connection, file)
        connection.execute(text("SET FOREIGN_KEY_CHECKS=1"))


def _load_table(connection: Connection, file: Path) -> None:
    table = Table(file.stem, MetaData(), autoload_with=connection)
    names = [column.name for column in table.columns]
    connection.execute(table.delete())
    for rows in _batches(file):
        connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])


def _batches(file: Path) -> Iterator[list[list[Any]]]:
    batch: list[list[Any]] = []
    with file.open(encoding="utf-8") as source:
        for line in source:
            batch.append([_value(value) for value in json.loads(line)])
            if len(batch) == AT_ONCE:
                yield batch
                batch = []
    if batch:
        yield batch
