"""The audit trail: who did what, when and from where, as a chain of hashes.

Each entry's hash covers its content and the hash before it, so an entry that was changed, put in or taken out of the
middle breaks the chain there. Entries taken off the end are missed by the head: number and hash of the last entry
with a MAC, whose key is not in the database but in the home's secrets. The jobs worker follows the chain
(:func:`watch`) and keeps what it has seen in ``<home>/audit.json``, so that a trail that was emptied, or set back to an
older copy together with its head, is found as well.

Entries are appended in the transaction of the change that they tell of, as its last statement: the head's row is the
lock that makes one chain of all processes, and whoever has it must not wait for another one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import BigInteger, Index, Integer, String, Text, func, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from config import database, secret_store
from config.database import UtcDateTime, utcnow
from config.extensions import db
from config.logging import mask_text

log = structlog.get_logger(__name__)

BEGINNING = "0" * 64
CHUNK = 1000
LONGEST_VALUE = 300
ANCHOR = "audit.json"


class AuditEntry(db.Model):
    """One thing that somebody did. Rows are never changed."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_action", "action", "number"), Index("ix_audit_entry_who", "who", "number"))

    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    who: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(20), default="")
    object_id: Mapped[str] = mapped_column(String(40), default="")
    #: Canonical JSON; numbers masked, no secrets.
    details: Mapped[str] = mapped_column(Text, default="{}")
    address: Mapped[str] = mapped_column(String(45), default="")
    hash: Mapped[str] = mapped_column(String(64))

    @property
    def words(self) -> dict[str, Any]:
        """The details as they were given."""
        found: dict[str, Any] = json.loads(self.details)
        return found


class AuditHead(db.Model):
    """Number and hash of the last entry; one row, which is also the lock of the chain."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
    mac: Mapped[str] = mapped_column(String(64))


entries = AuditEntry.__table__
heads = AuditHead.__table__


@dataclass(frozen=True)
class Actor:
    """Who acts, and from which address."""

    who: str = "system"
    address: str = ""


_actor: ContextVar[Actor | None] = ContextVar("audit_actor", default=None)
_sources: list[Callable[[], Actor | None]] = []


def ask_for_actor(source: Callable[[], Actor | None]) -> None:
    """``source`` tells who acts where nobody said :func:`acting`; the pages give the one who signed in."""
    if source not in _sources:
        _sources.append(source)


@contextmanager
def acting(who: str, address: str = "") -> Iterator[None]:
    """What is done inside is done by ``who``."""
    token = _actor.set(Actor(who, address))
    try:
        yield
    finally:
        _actor.reset(token)


def actor() -> Actor:
    """Who acts now."""
    said = _actor.get()
    if said is not None:
        return said
    return next((found for source in _sources if (found := source()) is not None), Actor())


def append(session: Session, action: str, kind: str = "", object_id: object = "", /, **details: Any) -> None:
    """Write an entry in this transaction; to be called last in it."""
    by = actor()
    session.flush()  # whatever else this transaction locks, it locks before the head
    head = _lock_head(session)
    entry = {
        "number": head.number + 1,
        "at": utcnow(),
        "who": by.who[:80],
        "action": action,
        "kind": kind,
        "object_id": str(object_id)[:40],
        "details": _canonical(_harmless(details)),
        "address": by.address[:45],
    }
    digest = _hash(entry, head.hash)
    session.execute(insert(entries).values(**entry, hash=digest))
    values = {"number": entry["number"], "hash": digest, "mac": _mac(entry["number"], digest)}
    session.execute(update(heads).where(heads.c.id == 1).values(**values))


def record(action: str, kind: str = "", object_id: object = "", /, **details: Any) -> None:
    """The same in a transaction of its own, for what changes nothing itself."""
    database.write(lambda session: append(session, action, kind, object_id, **details))


def changes(before: Mapping[str, Any], after: Mapping[str, Any], secret: tuple[str, ...] = ()) -> dict[str, Any]:
    """What differs, as ``{field: [old, new]}``; of secret fields only that they differ."""
    found: dict[str, Any] = {}
    for name, value in after.items():
        if before.get(name) != value:
            found[name] = "changed" if name in secret else [before.get(name), value]
    return found


def _lock_head(session: Session) -> Any:
    locked = select(heads).where(heads.c.id == 1).with_for_update()
    head = session.execute(locked).one_or_none()
    if head is None:
        ignore = "IGNORE" if session.get_bind().dialect.name in ("mysql", "mariadb") else "OR IGNORE"
        first = {"id": 1, "number": 0, "hash": BEGINNING, "mac": _mac(0, BEGINNING)}
        session.execute(insert(heads).prefix_with(ignore).values(**first))
        head = session.execute(locked).one()
    return head


def _harmless(value: Any) -> Any:
    """Texts cut and masked, whatever they are part of."""
    if isinstance(value, Mapping):
        return {str(name): _harmless(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_harmless(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask_text(str(value)[:LONGEST_VALUE])


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _hash(entry: Mapping[str, Any], before: str) -> str:
    told = {name: entry[name] for name in ("number", "who", "action", "kind", "object_id", "details", "address")}
    told |= {"at": entry["at"].isoformat(timespec="milliseconds"), "before": before}
    return hashlib.sha256(_canonical(told).encode()).hexdigest()


def _mac(number: int, digest: str) -> str:
    key = secret_store.load(current_app.config["OBZVON"].home).audit_key
    return hmac.new(key.encode(), f"{number}:{digest}".encode(), hashlib.sha256).hexdigest()


class Fault(StrEnum):
    """How a trail can be broken."""

    ALTERED = "altered"  # an entry's content or hash is not what it was
    MISSING = "missing"  # entries in the middle are gone
    CUT = "cut"  # entries at the end are gone
    HEAD = "head"  # the head was written by somebody without the key, or is gone
    SET_BACK = "set_back"  # the trail is older than what was seen before, or another one


@dataclass(frozen=True)
class Verdict:
    """What a verification found: ``fault`` is None when all is well, else ``number`` is the first broken entry."""

    entries: int
    fault: Fault | None = None
    number: int = 0


@dataclass(frozen=True)
class Anchor:
    """An entry that was seen in its place."""

    number: int = 0
    hash: str = BEGINNING


def verify(session: Session, start: Anchor | None = None, seen: Anchor | None = None) -> Verdict:
    """Follow the chain from ``start`` (the beginning) to the head.

    :param seen: an entry that was there before; it must be there still.
    """
    head = session.execute(select(heads).where(heads.c.id == 1)).one_or_none()
    last = start or Anchor()
    if seen is not None and (head is None or head.number < seen.number):
        return Verdict(last.number, Fault.SET_BACK, (head.number if head else 0) + 1)
    if head is None:
        return Verdict(0, Fault.HEAD) if session.execute(select(entries.c.number).limit(1)).first() else Verdict(0)
    if last.number and session.scalar(select(entries.c.hash).where(entries.c.number == last.number)) != last.hash:
        return Verdict(last.number, Fault.SET_BACK, last.number)
    for row in _rows(session, last.number, head.number):
        if row.number != last.number + 1:
            return Verdict(last.number, Fault.MISSING, last.number + 1)
        if not hmac.compare_digest(_hash(row._mapping, last.hash), row.hash):
            return Verdict(last.number, Fault.ALTERED, row.number)
        if seen is not None and row.number == seen.number and row.hash != seen.hash:
            return Verdict(last.number, Fault.SET_BACK, row.number)
        last = Anchor(row.number, row.hash)
    if last.number < head.number:
        return Verdict(last.number, Fault.CUT, last.number + 1)
    newest = session.execute(select(func.max(entries.c.number))).scalar() or 0
    now = session.execute(select(heads.c.number).where(heads.c.id == 1)).scalar() or 0
    if newest > now:  # somebody else's: ours come together with the head
        return Verdict(last.number, Fault.ALTERED, now + 1)
    good = last.hash == head.hash and hmac.compare_digest(head.mac, _mac(head.number, head.hash))
    return Verdict(last.number) if good else Verdict(last.number, Fault.HEAD, last.number)


def _rows(session: Session, after: int, upto: int) -> Iterator[Any]:
    """Entries up to the head as it was when the verification began; later ones are another's business."""
    while True:
        query = select(entries).where(entries.c.number > after, entries.c.number <= upto)
        rows = session.execute(query.order_by(entries.c.number).limit(CHUNK)).all()
        yield from rows
        if len(rows) < CHUNK:
            return
        after = rows[-1].number


def verify_all() -> Verdict:
    """The whole trail, and that it still holds what the jobs worker has seen."""
    with database.read() as session:
        return verify(session, seen=_load_anchor())


def watch() -> Verdict:
    """Follow what is new since the last time; what was good is remembered in the home."""
    before = _load_anchor()
    with database.read() as session:
        head = session.execute(select(heads).where(heads.c.id == 1)).one_or_none()
        if head is not None and (head.number, head.hash) == (before.number, before.hash):
            return Verdict(head.number)
        verdict = verify(session, before, seen=before if before.number else None)
        if verdict.fault is None and head is not None and verdict.entries >= head.number:
            _keep_anchor(Anchor(head.number, head.hash))
    if verdict.fault is not None:
        log.error("audit_trail_broken", fault=verdict.fault.value, entry=verdict.number)
    return verdict


def _anchor_file() -> Path:
    home: Path = current_app.config["OBZVON"].home
    return home / ANCHOR


def _load_anchor() -> Anchor:
    try:
        return Anchor(**json.loads(_anchor_file().read_text()))
    except (OSError, ValueError, TypeError):
        return Anchor()


def _keep_anchor(anchor: Anchor) -> None:
    path = _anchor_file()
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps({"number": anchor.number, "hash": anchor.hash}))
    temporary.replace(path)
