"""A process that is frozen inside of a transaction does not keep others from the rows that it locked (I1, I6)."""

import socket
import time

import pytest
from sqlalchemy import create_engine, select

from config import database
from dialer.models import Node
from ops import database_copy


@pytest.mark.parametrize("written", [False, True], ids=["only locked", "written"])
def test_i6_mariadb_lets_go_of_what_a_frozen_one_locked(mariadb, monkeypatch, written):
    monkeypatch.setattr(database, "FROZEN_S", 1)
    with mariadb.database() as url:
        engine = create_engine(url)
        database.install_events(engine)
        Node.__table__.create(engine)
        with engine.begin() as connection:
            connection.execute(Node.__table__.insert().values(name="main", channels=60, cps=20))
        locked = select(Node.name).with_for_update()
        with engine.connect() as frozen, engine.connect() as other:
            frozen.execute(locked).all()
            if written:
                frozen.execute(Node.__table__.update().values(name="frozen"))
            other.exec_driver_sql("SET SESSION innodb_lock_wait_timeout = 20")
            assert other.execute(locked).all() == [("main",)]  # waits for a second, and fails after twenty
            other.rollback()
            frozen.invalidate()
        engine.dispose()


def test_a_host_of_the_database_that_vanished_is_noticed(mariadb):
    """Measured with a network that swallows everything: 25 s. Without this a dial worker that had just asked waits."""
    with mariadb.database() as url:
        engine = create_engine(url)
        database.install_events(engine)
        with engine.connect() as connection:
            link = connection.connection.dbapi_connection._sock
            names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
            idle, every, times, unanswered = (link.getsockopt(socket.IPPROTO_TCP, name) for name in names)
            assert link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert (idle + every * times, unanswered) == (database.VANISHED_S, 1000 * database.VANISHED_S)
        engine.dispose()


def test_a_backup_on_a_slow_disk_is_not_taken_for_frozen(mariadb, monkeypatch, tmp_path):
    """It would fail as soon as the rest of a table, sent already, takes longer to write."""
    monkeypatch.setattr(database, "FROZEN_S", 1)
    monkeypatch.setattr(database_copy, "_plain", lambda _value: time.sleep(2.5) or 0)
    with mariadb.database() as url:
        engine = create_engine(url)
        database.install_events(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE a (at DATETIME)")
            connection.exec_driver_sql("CREATE TABLE b (at DATETIME)")
            connection.exec_driver_sql("INSERT INTO a VALUES (NOW())")
        database_copy._save_rows(engine, tmp_path)
        engine.dispose()
    assert (tmp_path / "a.jsonl").read_text() == "[0]\n"
    assert (tmp_path / "b.jsonl").exists()
