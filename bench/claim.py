"""How long a claim takes when the list is a hundred times as long, and five hundred times.

Each size has a database of its own, full of what an old campaign has: contacts that are reached, given up, due now, due
again later, in calls now, several campaigns at once, and an attempt for each contact that was called. A claim here is
what the dial worker does: the transaction of ``store.claim`` with its commit. Between two claims the outcomes of the
first are recorded and their contacts put back, so that every claim finds the same work. Sizes take turns, claim by
claim.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flask import Flask
from sqlalchemy import Connection, select, text, update

from bench.result import Result, Row, at_most, percentile
from bench.rig import MARIADB, NO_LIMIT, SQLITE, durable_database, temporary_home
from bench.sizes import SMALL
from campaigns import outcomes, store
from campaigns.models import Attempt, Campaign, Contact, ContactBase
from campaigns.windows import CallingWindows
from config import database
from config.app import create_base_app
from config.database import Session, utcnow
from config.extensions import db
from config.settings import Settings
from dialer.calls import CallOutcome, CallRequest, CallResult
from dialer.models import Node, Trunk

SIZES = {SQLITE: [10_000, 1_000_000, 5_000_000], MARIADB: [10_000, 1_000_000]}
SMALL_SIZES = {SQLITE: [10_000, 50_000], MARIADB: [10_000, 30_000]}
#: Campaigns in one database; the first is the one that is claimed for, the second runs too.
CAMPAIGNS = 4
#: Calls that one claim takes: as many as 60 channels can free at once.
CALLS = 60
CLAIMS = 40 if SMALL else 150
GOAL = 1.3
BOOT = "bench"


def sqlite() -> Result:
    return run(SQLITE)


def mariadb() -> Result:
    return run(MARIADB)


def run(kind: str) -> Result:
    """Medians of each size, relative to the smallest."""
    sizes = (SMALL_SIZES if SMALL else SIZES)[kind]
    with ExitStack() as stack:
        home = stack.enter_context(temporary_home())
        filled = {size: stack.enter_context(_filled(kind, home / str(size), size)) for size in sizes}
        taken_ms: dict[int, list[float]] = {size: [] for size in sizes}
        for turn in range(CLAIMS + 10):
            for size, app in random.sample(list(filled.items()), len(filled)):
                with app.app_context():
                    took_ms = _claim_and_record()
                if turn >= 10:  # caches are warm from here on
                    taken_ms[size].append(took_ms)
    medians = {size: statistics.median(values) for size, values in taken_ms.items()}
    p99 = {str(size): round(percentile(values, 99), 2) for size, values in taken_ms.items()}
    return Result(
        [_row(kind, size, medians, sizes[0]) for size in sizes[1:]],
        {"median_ms": {str(size): round(value, 2) for size, value in medians.items()}, "p99_ms": p99},
    )


def _row(kind: str, size: int, medians: dict[int, float], least: int) -> Row:
    note = f"{medians[size]:.1f} ms, {medians[least]:.1f} at {least:,}; {CALLS} calls a claim, {CLAIMS} claims, medians"
    return at_most(f"a claim at {size:,} contacts, {kind}", medians[size] / medians[least], "of 10 k", GOAL, note)


def _claim_and_record() -> float:
    """One claim; its calls then end busy, so that they are due again later. :returns: milliseconds of the claim."""
    capacity = store.Capacity(1, BOOT, lambda *_: CALLS)
    began = time.perf_counter()
    claim = database.write(lambda session: store.claim(session, 1, capacity, utcnow))
    took_ms = (time.perf_counter() - began) * 1000
    if len(claim.requests) != CALLS:
        raise RuntimeError(f"only {len(claim.requests)} of {CALLS} were claimed: the figure would mean nothing")
    results = [_busy(request) for request in claim.requests]
    database.write(lambda session: outcomes.record(session, results, utcnow()))
    database.write(lambda session: _due_again(session, claim.requests))
    return took_ms


def _due_again(session: Session, requests: Sequence[CallRequest]) -> None:
    """At the end of the line, so that every claim finds others, and always as many."""
    called = select(Attempt.contact_id).where(Attempt.uid.in_([request.uid for request in requests]))
    ids = list(session.execute(called).scalars())
    session.execute(update(Contact).where(Contact.id.in_(ids)).values(due_at=utcnow(), attempts=0))


def _busy(request: CallRequest) -> CallResult:
    return CallResult(request.uid, CallOutcome.BUSY, sip_code=486, cause=17, ended_at=utcnow())


@contextmanager
def _filled(kind: str, home: Path, contacts: int) -> Iterator[Flask]:
    """An application whose database has so many contacts."""
    home.mkdir()
    with durable_database(kind, home) as address:
        app = create_base_app(Settings(home=home, database_url=address, _env_file=None))  # type: ignore[call-arg]
        with app.app_context():
            began = time.monotonic()
            db.create_all()
            database.write(_first_rows)
            with database.write_intent(), db.engine.begin() as connection:
                _fill(connection, kind, contacts)
            _make_quick_to_read(kind)
            sys.stderr.write(f"{contacts:,} contacts on {kind} in {time.monotonic() - began:.0f} s\n")
        yield app
        with app.app_context():
            db.engine.dispose()


def _first_rows(session: Session) -> None:
    node = Node(id=1, name="main", channels=1000, cps=NO_LIMIT)
    session.add(Trunk(id=1, name="callees", channels=1000, cps=NO_LIMIT, nodes=[node]))
    session.flush()
    for number in range(1, CAMPAIGNS + 1):
        campaign = Campaign(
            id=number,
            name="bench",
            state="running" if number <= 2 else "stopped",
            trunk_id=1,
            windows=CallingWindows.always().to_json(),
            sound="5ec0",
            channel_limit=200,
            attempts=5,
            retry_s=86_400,
        )
        session.add(campaign)
        session.flush()
        session.add(
            ContactBase(id=number, campaign_id=number, filename="b", path="b", sha256=str(number), state="ready")
        )


#: Contacts of a campaign by the last digits of their place in the list: 45 of 100 reached, 15 given up, 15 due for the
#: first time, 25 due again in the coming day. What was called has an attempt.
CONTACTS = """
INSERT INTO contact (id, campaign_id, base_id, line, number, fields, state, attempts, tries, due_at, put_off,
                     last_disposition)
SELECT n, 1 + n % {campaigns}, 1 + n % {campaigns}, n, {number}, '{{"name": "Иванова Мария", "sum": "1234,56"}}',
       CASE WHEN {kind} < 45 THEN 'reached' WHEN {kind} < 60 THEN 'not_reached' ELSE 'pending' END,
       CASE WHEN {kind} < 45 THEN 1 WHEN {kind} < 60 THEN 5 WHEN {kind} < 75 THEN 0 ELSE 1 END,
       CASE WHEN {kind} < 45 THEN 1 WHEN {kind} < 60 THEN 5 WHEN {kind} < 75 THEN 0 ELSE 1 END,
       CASE WHEN {kind} < 60 THEN NULL WHEN {kind} < 75 THEN {past} ELSE {future} END,
       0,
       CASE WHEN {kind} < 45 THEN 'reached' WHEN {kind} < 60 THEN 'no_answer' WHEN {kind} < 75 THEN NULL ELSE 'busy' END
FROM {numbers}
"""
ATTEMPTS = """
INSERT INTO attempt (uid, campaign_id, contact_id, number_of_attempt, trunk_id, node_id, boot, claimed_at, ended_at,
                     disposition, counted, listened_s, detail)
SELECT {uid}, campaign_id, id, 1, 1, 1, 'old', {past}, {past}, last_disposition, 1, 0, ''
FROM contact WHERE tries > 0
"""
#: Of each campaign that runs, so many calls are up all the time: they are what a claim counts.
OPEN = """
INSERT INTO attempt (uid, campaign_id, contact_id, open_for_contact, number_of_attempt, trunk_id, node_id, boot,
                     claimed_at, counted, listened_s, detail)
SELECT {uid}, campaign_id, id, id, 2, 1, 1, 'bench', {past}, 1, 0, '' FROM contact
WHERE campaign_id IN (1, 2) AND state = 'pending' AND tries = 1 ORDER BY id LIMIT 100
"""
DIALECT = {
    SQLITE: {
        "numbers": "(WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c LIMIT {count}) SELECT n FROM c)",
        "number": "printf('7900%07d', n)",
        "uid": "printf('%020d', id + {add})",
        "past": "datetime('now', '-' || ({of} % 864000) || ' seconds')",
        "future": "datetime('now', '+' || (3600 + n % 86400) || ' seconds')",
        "kind": "((n / {campaigns}) * 37 % 100)",
    },
    MARIADB: {
        "numbers": "(SELECT seq AS n FROM seq_1_to_{count}) numbers",
        "number": "CONCAT('7900', LPAD(n, 7, '0'))",
        "uid": "LPAD(id + {add}, 20, '0')",
        "past": "UTC_TIMESTAMP(3) - INTERVAL ({of} % 864000) SECOND",
        "future": "UTC_TIMESTAMP(3) + INTERVAL (3600 + n % 86400) SECOND",
        "kind": "((n DIV {campaigns}) * 37 % 100)",
    },
}


def _fill(connection: Connection, kind: str, contacts: int) -> None:
    dialect = DIALECT[kind]
    words = {
        "campaigns": CAMPAIGNS,
        "numbers": dialect["numbers"].format(count=contacts),
        "number": dialect["number"],
        "kind": dialect["kind"].format(campaigns=CAMPAIGNS),
        "past": dialect["past"].format(of="n"),
        "future": dialect["future"],
    }
    connection.execute(text(CONTACTS.format(**words).replace('": "', '"\\: "')))
    words["past"] = dialect["past"].format(of="id")
    connection.execute(text(ATTEMPTS.format(**words, uid=dialect["uid"].format(add=0))))
    connection.execute(text(OPEN.format(**words, uid=dialect["uid"].format(add=1_000_000_000))))
    connection.execute(
        text("UPDATE contact SET due_at = NULL, tries = 2 WHERE id IN (SELECT open_for_contact FROM attempt)")
    )


def _make_quick_to_read(kind: str) -> None:
    """As after some days of running: statistics are there, and the write-ahead log is not full of the filling."""
    with db.engine.connect() as connection:
        if kind == SQLITE:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            connection.exec_driver_sql("ANALYZE TABLE contact, attempt")
