"""A campaign with its bases, contacts and attempts, written straight into the tables."""

from __future__ import annotations

import datetime as dt
from typing import Any

from campaigns.models import Attempt, Campaign, Contact, ContactBase, RejectedRow
from config import database
from config.database import utcnow
from dialer.calls import new_uid
from dialer.models import Node, Trunk

NOON = dt.datetime(2026, 11, 20, 12, 0, 0, 500_000, tzinfo=dt.UTC)


def campaign(name: str = "Долги = ноябрь") -> int:
    """A campaign without contacts."""

    def work(session: Any) -> int:
        row = Campaign(name=name, windows={}, state="running", timezone="Europe/Moscow", sound_name="m.mp3")
        row.started_at = NOON
        session.add(row)
        session.flush()
        return row.id

    return database.write(work)


def base(campaign_id: int, filename: str = "debts.csv", **values: Any) -> int:
    def work(session: Any) -> int:
        row = ContactBase(campaign_id=campaign_id, filename=filename, path="x", sha256="0" * 64, state="ready")
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)
        session.flush()
        return row.id

    return database.write(work)


def contacts(campaign_id: int, base_id: int, rows: list[dict[str, Any]]) -> list[int]:
    def work(session: Any) -> list[int]:
        made = []
        for index, row in enumerate(rows):
            values = {"line": index + 2, "fields": {}, "number": f"7900555{base_id:02d}{index:02d}"} | row
            contact = Contact(campaign_id=campaign_id, base_id=base_id, **values)
            session.add(contact)
            session.flush()
            made.append(contact.id)
        return made

    return database.write(work)


def trunk() -> tuple[int, int]:
    """Ids of a node and its trunk."""

    def work(session: Any) -> tuple[int, int]:
        node = Node(name="main", channels=10, cps=10)
        session.add(node)
        session.flush()
        way = Trunk(nodes=[node], name="rehearsal")
        session.add(way)
        session.flush()
        return node.id, way.id

    return database.write(work)


def attempts(campaign_id: int, way: tuple[int, int], rows: list[dict[str, Any]]) -> None:
    def work(session: Any) -> None:
        for row in rows:
            values = {"number_of_attempt": 1, "claimed_at": NOON, "boot": "b", "uid": new_uid()} | row
            session.add(Attempt(campaign_id=campaign_id, node_id=way[0], trunk_id=way[1], **values))

    database.write(work)


def rejected(base_id: int, rows: list[dict[str, Any]]) -> None:
    def work(session: Any) -> None:
        session.add_all(RejectedRow(base_id=base_id, **row) for row in rows)

    database.write(work)


def whole() -> int:
    """A campaign in which everything that a report shows occurs at least once."""
    campaign_id = campaign()
    first = base(campaign_id, "debts.csv", comment="=1+1", rows=6, accepted=4, rejected=1, duplicates=1)
    second = base(campaign_id, "us.xlsx", rows=1, accepted=1)
    base(campaign_id, "gone.csv", state="cancelled", rows=1000)
    evil = '=HYPERLINK("http://example.invalid","y")'
    ids = contacts(
        campaign_id,
        first,
        [
            {"fields": {"ФИО": "Иванов", "Счёт": "00012", "=cmd": evil}, "state": "reached", "attempts": 2},
            {"fields": {"ФИО": "@SUM(1)", "Счёт": "+1"}, "state": "not_reached", "attempts": 1},
            {"fields": {"ФИО": "<r><t>x</t></r>", "Счёт": ""}, "state": "pending"},
            {"fields": {"ФИО": "a\x01b\uffffd", "Счёт": "я" * 40_000}, "state": "unknown", "attempts": 1},
        ],
    )
    ids += contacts(
        campaign_id,
        second,
        [{"fields": {"Name": "Ann", "ФИО": "x"}, "timezone": "America/New_York", "line": 5, "attempts": 0}],
    )
    later = NOON + dt.timedelta(minutes=5)
    heard = {"answered_at": later, "ended_at": later + dt.timedelta(seconds=7), "listened_s": 6.25}
    attempts(
        campaign_id,
        trunk(),
        [
            {"contact_id": ids[0], "disposition": "busy", "sip_code": 486, "cause": 17, "ended_at": NOON},
            {"contact_id": ids[0], "disposition": "reached", "number_of_attempt": 2, "claimed_at": later, **heard},
            {"contact_id": ids[1], "disposition": "invalid_number", "sip_code": 404, "cause": 1, "ended_at": later},
            {"contact_id": ids[3], "disposition": "unknown", "counted": False, "detail": "=2+2"},
            {"contact_id": ids[4], "disposition": None, "open_for_contact": ids[4]},
        ],
    )
    rejected(
        first,
        [
            {"line": 7, "code": "number_missing", "value": ""},
            {"line": 8, "code": "duplicate_in_campaign", "value": "=3+3", "detail": f"{first}:2"},
            {"line": 9, "code": "some_later_code", "value": "x"},
        ],
    )
    # A second campaign, none of which may appear.
    other = campaign("other")
    contacts(other, base(other, "other.csv"), [{"fields": {"secret": "no"}}])
    assert utcnow() > NOON
    return campaign_id
