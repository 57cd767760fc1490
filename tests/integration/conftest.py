"""Integration tests run on SQLite and on a private MariaDB."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from flask import Flask

from config.app import create_base_app
from config.database import write
from config.extensions import db
from config.settings import Settings


def _find(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")


def _answers(path: Path) -> bool:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


@pytest.fixture(scope="session")
def mariadb_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A MariaDB server of this test run, on a unix socket only."""
    server, install = _find("mariadbd"), _find("mariadb-install-db")
    if not server or not install:
        pytest.skip("no MariaDB on this machine")
    home = tmp_path_factory.mktemp("mariadb")
    address = home / "s"
    as_root = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [install, f"--datadir={home}/data", "--auth-root-authentication-method=normal", "--skip-test-db", *as_root],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    log = (home / "log").open("wb")
    process = subprocess.Popen(
        [server, "--no-defaults", f"--datadir={home}/data", f"--socket={address}", "--skip-networking", *as_root]
        + [f"--pid-file={home}/pid", "--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=2"],
        stdout=subprocess.DEVNULL,
        stderr=log,
    )
    try:
        deadline = time.monotonic() + 60
        while not _answers(address):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((home / "log").read_text()[-2000:])
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)
        log.close()


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, on each server in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/obzvon.sqlite3"
        return
    address = request.getfixturevalue("mariadb_socket")
    connection = pymysql.connect(unix_socket=str(address), user="root", autocommit=True)
    cursor = connection.cursor()
    cursor.execute("DROP DATABASE IF EXISTS obzvon_test")
    cursor.execute("CREATE DATABASE obzvon_test CHARACTER SET utf8mb4")
    yield f"mysql+pymysql://root@localhost/obzvon_test?unix_socket={address}&charset=utf8mb4"
    cursor.execute("DROP DATABASE IF EXISTS obzvon_test")
    connection.close()


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An application on that database, inside its context, with all tables."""
    import campaigns.models
    import dialer.models  # noqa: F401

    settings = Settings(home=tmp_path / "home", database_url=database_url)
    settings.home.mkdir(exist_ok=True)
    application = create_base_app(settings)
    with application.app_context():
        db.create_all()
        yield application
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[object], str]]:
    """The Celery messages that were sent, instead of a broker."""
    from config.extensions import celery

    messages: list[tuple[str, list[object], str]] = []
    monkeypatch.setattr(celery, "send_task", lambda name, args, queue: messages.append((name, args, queue)))
    return messages


@pytest.fixture
def campaign(app: Flask, sent: list[object]) -> int:
    """A campaign in draft; its id."""
    from campaigns.models import Campaign

    def work(session):  # noqa: ANN001, ANN202
        row = Campaign(name="Debts", windows={})
        session.add(row)
        session.flush()
        return row.id

    return write(work)
