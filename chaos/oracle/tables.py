"""The product's tables, read by plain SQL: any column may be there or not, only those named here are used."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine, inspect, text

Row = Mapping[str, Any]

#: What is read, and what a folder of kept evidence holds.
TABLES = ("campaign", "base", "contact", "attempt", "trunk", "node")


def seconds(value: Any) -> float | None:
    """A stored time (UTC without zone; text on SQLite) as seconds since 1970."""
    if value is None:
        return None
    if not isinstance(value, dt.datetime):
        value = dt.datetime.fromisoformat(str(value))
    return float(value.replace(tzinfo=dt.UTC).timestamp())


def from_json(value: Any) -> Any:
    """A JSON column, which both databases give as text."""
    return json.loads(value) if isinstance(value, str | bytes) else value


@dataclass(frozen=True)
class Attempt:
    """A row of ``attempt``; times are seconds since 1970, as the product's own clocks say."""

    id: int
    uid: str
    campaign_id: int
    contact_id: int
    open_for_contact: int | None
    number_of_attempt: int
    trunk_id: int
    node_id: int
    claimed: float
    ended: float | None
    disposition: str | None
    counted: bool
    listened_s: float
    sip_code: int | None

    @classmethod
    def of(cls, row: Row) -> Attempt:
        claimed = seconds(row["claimed_at"])
        assert claimed is not None
        return cls(
            id=row["id"],
            uid=row["uid"],
            campaign_id=row["campaign_id"],
            contact_id=row["contact_id"],
            open_for_contact=row["open_for_contact"],
            number_of_attempt=row["number_of_attempt"],
            trunk_id=row["trunk_id"],
            node_id=row["node_id"],
            claimed=claimed,
            ended=seconds(row["ended_at"]),
            disposition=row["disposition"],
            counted=bool(row["counted"]),
            listened_s=float(row["listened_s"] or 0.0),
            sip_code=row["sip_code"],
        )


@dataclass(frozen=True)
class Contact:
    """A row of ``contact``."""

    id: int
    campaign_id: int
    base_id: int
    number: str
    timezone: str | None
    state: str
    attempts: int
    tries: int
    due: float | None
    last_disposition: str | None

    @classmethod
    def of(cls, row: Row) -> Contact:
        return cls(
            id=row["id"],
            campaign_id=row["campaign_id"],
            base_id=row["base_id"],
            number=row["number"],
            timezone=row["timezone"],
            state=row["state"],
            attempts=row["attempts"],
            tries=row["tries"],
            due=seconds(row["due_at"]),
            last_disposition=row["last_disposition"],
        )


@dataclass(frozen=True)
class Tables:
    """Everything the oracle reads of the database; campaigns, bases, trunks and nodes as whole rows by their ids."""

    campaigns: Mapping[int, Row]
    bases: Mapping[int, Row]
    trunks: Mapping[int, Row]
    nodes: Mapping[int, Row]
    contacts: Mapping[int, Contact]
    attempts: Mapping[str, Attempt]
    #: Attempts' uids that several rows have.
    twice: tuple[str, ...] = ()


def read_rows(address: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of the tables that are read, in one transaction. Secrets of trunks are left out."""
    engine = create_engine(address)
    try:
        with engine.connect() as connection:
            there = set(inspect(connection).get_table_names())
            rows = {
                name: [dict(row) for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()]
                for name in TABLES
                if name in there
            }
    finally:
        engine.dispose()
    missing = set(TABLES) - set(rows)
    if missing:
        raise LookupError(f"the database has no table {', '.join(sorted(missing))}")
    for trunk in rows["trunk"]:
        trunk.pop("secret_encrypted", None)
    return rows


def read_tables(address: str) -> Tables:
    """Read everything.

    :raises LookupError: a table is missing.
    """
    rows = read_rows(address)
    return Tables(
        campaigns={row["id"]: row for row in rows["campaign"]},
        bases={row["id"]: row for row in rows["base"]},
        trunks={row["id"]: row for row in rows["trunk"]},
        nodes={row["id"]: row for row in rows["node"]},
        contacts={row["id"]: Contact.of(row) for row in rows["contact"]},
        attempts={row["uid"]: Attempt.of(row) for row in rows["attempt"]},
        twice=tuple(sorted(uid for uid, count in Counter(row["uid"] for row in rows["attempt"]).items() if count > 1)),
    )
