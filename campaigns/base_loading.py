"""One base from its file into contacts, so that any process may die at any moment.

A base goes waiting -> loading -> ready, or failed, or cancelled. While it is loading, ``layout["phase"]`` says what is
being done, because what a restart must do depends on it:

``load``     Contacts are inserted with ``due_at`` NULL, so nobody can be called. A restart wipes them and begins anew.
``publish``  The point of no return: all contacts are there; ``due_at`` is set chunk by chunk, and the chunk's last id
             is kept in the same transaction (``published_to``). A restart goes on from there and never wipes, since
             some contacts may be in a call already. A contact whose call is up has ``due_at`` NULL too, which is why
             the cursor, and not NULL, tells what is left to do.
``wipe``     Cancelled or failed: contacts and rejected rows go, chunk by chunk; a restart goes on.
``delete``   As ``wipe``, for a base that was ready, then the base itself.

Only one loader holds a base: its heartbeat is also its claim. Every transaction renews ``heartbeat_at`` where it still
is what this loader wrote last; a loader that was frozen while another took over changes nothing more.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from campaigns import do_not_call
from campaigns.contacts_file import ContactsFile, LayoutChoice, file_error, zones
from campaigns.errors import CampaignError
from campaigns.models import Attempt, Campaign, Contact, ContactBase, RejectedRow
from campaigns.phone_numbers import Number, normalize
from campaigns.states import BaseState, ContactState
from config.database import read, utcnow, write
from dialer.models import Trunk

log = logging.getLogger(__name__)

#: Rows of one writing transaction: about 20 ms on SQLite, so that dialling waits no longer than that.
BATCH_ROWS = 2_000
BATCH_CHARS = 4_000_000
#: Seconds between two transactions: SQLite gives the lock to whoever asks first, and waiting writers ask seldom.
BREATHE_S = 0.01
#: Contacts of one transaction when they are made due, or removed.
CHUNK = 4_000
BEAT_S = 5.0
#: A heartbeat older than this belongs to a process that died.
DEAD_AFTER_S = 30.0
#: Loads begun before we give up: a file that kills the process must not do so for ever.
MAX_STARTS = 5
DUPLICATE = "duplicate_in_campaign"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class _Lost(Exception):
    """The base is gone or another loader took it."""


class _Cancelled(Exception):
    """A person asked to stop."""


@dataclass
class Hold:
    """A base held by this loader."""

    base_id: int
    campaign_id: int
    region: str
    #: The campaign's trunk dials expensive numbers too.
    costly: bool
    path: Path
    layout: dict[str, Any]
    beat: dt.datetime
    phase: str
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    notes: dict[str, int] = field(default_factory=dict)

    def renewed(self) -> dt.datetime:
        """The next heartbeat, never the same as the last; an earlier one after the clock was set back."""
        now = utcnow()
        return now if now != self.beat else now + dt.timedelta(milliseconds=1)


@dataclass
class _Batch:
    """Rows read and judged, not yet in the database."""

    contacts: list[tuple[int, str, str, str | None]] = field(default_factory=list)  # line, number, fields, zone
    rejected: list[tuple[int, str, str, str]] = field(default_factory=list)  # line, code, value, detail
    chars: int = 0

    def full(self) -> bool:
        return len(self.contacts) + len(self.rejected) >= BATCH_ROWS or self.chars >= BATCH_CHARS


def is_dead(base: ContactBase, now: dt.datetime) -> bool:
    """True when nobody works on this base any more, though its state says so.

    A heartbeat far ahead was given before the clock was set back, and not renewed since.
    """
    return base.heartbeat_at is None or abs(now - base.heartbeat_at) > dt.timedelta(seconds=DEAD_AFTER_S)


def claim(campaign_id: int, uploads: Path) -> Hold | None:
    """Take the next base of the campaign; None when there is none or another process is at work on one."""

    def work(session: Session) -> Hold | None:
        campaign = session.get(Campaign, campaign_id, with_for_update=True)
        if campaign is None:
            return None
        now = utcnow()
        query = select(ContactBase).where(
            ContactBase.campaign_id == campaign_id, ContactBase.state.in_([BaseState.WAITING, BaseState.LOADING])
        )
        open_bases = session.scalars(query.order_by(ContactBase.id).with_for_update()).all()
        begun = [base for base in open_bases if base.state == BaseState.LOADING]
        if any(not is_dead(base, now) for base in begun):
            return None
        base = next(iter(begun or open_bases), None)
        if base is None:
            return None
        layout = dict(base.layout or {})
        layout["starts"] = layout.get("starts", 0) + 1
        layout.setdefault("phase", "load")
        base.state, base.heartbeat_at, base.layout = BaseState.LOADING, now, layout
        trunk = session.get(Trunk, campaign.trunk_id) if campaign.trunk_id else None
        costly = trunk is not None and trunk.costly_allowed
        return Hold(base.id, campaign_id, campaign.region, costly, uploads / base.path, layout, now, layout["phase"])

    return write(work)


def run(hold: Hold) -> None:
    """Bring the base to its end, from whatever phase it is in."""
    try:
        if hold.phase == "load":
            _load(hold)
        if hold.phase == "publish":
            _publish(hold)
        if hold.phase in ("wipe", "delete"):
            _wipe(hold)
    except _Lost:
        log.warning("base %s is no longer ours", hold.base_id)


# --- one transaction ---------------------------------------------------------------------------------------------


def _step(hold: Hold, work: Callable[[Session], None] | None = None, *, stoppable: bool = False, **values: Any) -> None:
    """Renew the heartbeat, set ``values`` of the base, run ``work``: one transaction.

    :raises _Lost: the base is not ours any more.
    :raises _Cancelled: a person asked to stop (only when ``stoppable``).
    """
    beat = hold.renewed()

    def transaction(session: Session) -> None:
        mine = update(ContactBase).where(
            ContactBase.id == hold.base_id,
            ContactBase.state == BaseState.LOADING,
            ContactBase.heartbeat_at == hold.beat,
        )
        changed = session.execute(
            mine.values(heartbeat_at=beat, **values), execution_options={"synchronize_session": False}
        )
        if changed.rowcount != 1:  # type: ignore[attr-defined]
            raise _Lost
        if stoppable and session.scalar(select(ContactBase.cancel_requested).where(ContactBase.id == hold.base_id)):
            raise _Cancelled
        if work is not None:
            work(session)

    write(transaction)
    hold.beat = beat
    time.sleep(BREATHE_S)


def _enter(hold: Hold, phase: str, *, stoppable: bool = False, **values: Any) -> None:
    """Begin a phase."""
    layout = {**hold.layout, "phase": phase}
    _step(hold, stoppable=stoppable, layout=layout, **values)
    hold.layout, hold.phase = layout, phase


def _leave(hold: Hold, state: BaseState, **values: Any) -> None:
    """End the work: the base's final state."""
    layout = {k: v for k, v in hold.layout.items() if k not in ("phase", "starts", "published_to", "due_at", "end")}
    _step(hold, layout=layout, state=state, **values)


def _heartbeat(hold: Hold, *, stoppable: bool) -> Callable[[], None]:
    """A function to be called often, which renews the heartbeat seldom."""
    last = time.monotonic()

    def beat() -> None:
        nonlocal last
        if time.monotonic() - last >= BEAT_S:
            _step(hold, stoppable=stoppable)
            last = time.monotonic()

    return beat


# --- load --------------------------------------------------------------------------------------------------------


def _load(hold: Hold) -> None:
    try:
        if hold.layout["starts"] > MAX_STARTS:
            raise file_error("load_failed")
        _remove_rows(hold, stoppable=True)  # what an earlier try left
        with ContactsFile(
            hold.path, hold.region, LayoutChoice.from_json(hold.layout.get("choice")), _heartbeat(hold, stoppable=True)
        ) as file:
            _copy(hold, file)
        hold.layout.update(published_to=0, due_at=utcnow().isoformat())
        _enter(hold, "publish", stoppable=True, progress=1.0)
    except _Cancelled:
        _begin_wipe(hold, {"state": BaseState.CANCELLED})
    except CampaignError as exc:
        _begin_wipe(hold, {"state": BaseState.FAILED, "error_code": exc.code, "error_detail": _words(exc)})


def _words(exc: CampaignError) -> str:
    """The error's words as JSON that fits its column."""
    short = {key: value if isinstance(value, int) else str(value)[:120] for key, value in exc.words.items()}
    text = json.dumps(short, ensure_ascii=False)
    return text if len(text) <= 500 else "{}"


def _begin_wipe(hold: Hold, end: dict[str, str]) -> None:
    hold.layout["end"] = end
    _enter(hold, "wipe", progress=0.0, rows=0, accepted=0, rejected=0, duplicates=0)


def _copy(hold: Hold, file: ContactsFile) -> None:
    """Every row of the file becomes a contact or a rejected row."""
    layout, batch = file.layout, _Batch()
    region, phone, zone = hold.region, layout.phone_column, layout.zone_column
    hold.notes = dict(layout.notes)
    width = len(layout.columns)
    for line, cells in file.rows():
        cell = cells[phone] if phone < len(cells) else ""
        result = normalize(cell, region, hold.costly)
        hold.rows += 1
        if len(cells) > width:
            _note(hold, "rows_wider")
        if isinstance(result, Number):
            fields = _encode(layout.fields(cells))
            own_zone = _zone(hold, cells[zone]) if zone is not None and zone < len(cells) and cells[zone] else None
            batch.contacts.append((line, result.digits, fields, own_zone))
            batch.chars += len(fields)
        else:
            batch.rejected.append((line, result.code, cell[:100], result.detail[:200]))
        if batch.full():
            _store(hold, batch, file.progress())
            batch = _Batch()
    hold.layout.update(layout.to_json(), notes=hold.notes)
    _store(hold, batch, 1.0)


def _note(hold: Hold, code: str) -> None:
    hold.notes[code] = hold.notes.get(code, 0) + 1


def _zone(hold: Hold, name: str) -> str | None:
    """The zone of the row; an unknown one is counted and leaves the campaign's zone in force."""
    zone = zones().get(name.lower())
    if zone is None:
        _note(hold, "zone_unknown")
    return zone


def _store(hold: Hold, batch: _Batch, progress: float) -> None:
    """Put a batch into the database. A contact that came in by another way meanwhile makes it be judged anew."""
    for attempt in range(5):
        found: dict[str, int] = {}

        def work(session: Session, found: dict[str, int] = found) -> None:
            wanted, unwanted = _without_unwanted(session, batch.contacts)
            contacts, duplicates = _without_known(session, hold, wanted)
            found["accepted"], found["duplicates"] = len(contacts), len(duplicates)
            _insert(session, Contact, CONTACT_COLUMNS, contacts)
            rejected = sorted(batch.rejected + unwanted + duplicates)
            _insert(session, RejectedRow, REJECTED_COLUMNS, [(hold.base_id, *row) for row in rejected])
            counts = {
                "accepted": hold.accepted + found["accepted"],
                "duplicates": hold.duplicates + found["duplicates"],
            }
            counts["rejected"] = hold.rows - counts["accepted"] - counts["duplicates"]
            session.execute(
                update(ContactBase).where(ContactBase.id == hold.base_id).values(**counts),
                execution_options={"synchronize_session": False},
            )

        try:
            _step(hold, work, stoppable=True, rows=hold.rows, progress=round(progress, 4))
        except IntegrityError:
            if attempt == 4:
                raise
            continue
        hold.accepted += found["accepted"]
        hold.duplicates += found["duplicates"]
        return


def _without_unwanted(
    session: Session, contacts: Sequence[tuple[int, str, str, str | None]]
) -> tuple[list[tuple[int, str, str, str | None]], list[tuple[int, str, str, str]]]:
    """Rows whose number may be called, and those on the do-not-call list."""
    listed = do_not_call.among(session, [number for _line, number, _f, _z in contacts])
    wanted = [contact for contact in contacts if contact[1] not in listed]
    return wanted, [(line, do_not_call.CODE, number, "") for line, number, _f, _z in contacts if number in listed]


def _without_known(
    session: Session, hold: Hold, contacts: Sequence[tuple[int, str, str, str | None]]
) -> tuple[list[tuple[Any, ...]], list[tuple[int, str, str, str]]]:
    """Rows to insert, and rows whose number the campaign has already."""
    if not contacts:
        return [], []
    query = select(Contact.number, Contact.base_id, Contact.line).where(
        Contact.campaign_id == hold.campaign_id, Contact.number.in_([number for _line, number, _f, _z in contacts])
    )
    known = {number: (base_id, line) for number, base_id, line in session.execute(query)}
    fresh: list[tuple[Any, ...]] = []
    duplicates: list[tuple[int, str, str, str]] = []
    for line, number, fields, zone in contacts:
        first = known.setdefault(number, (hold.base_id, line))
        if first == (hold.base_id, line):
            fresh.append((hold.campaign_id, hold.base_id, line, number, fields, zone, str(ContactState.PENDING), 0))
        else:
            duplicates.append((line, DUPLICATE, number, f"{first[0]}:{first[1]}"))
    return fresh, duplicates


CONTACT_COLUMNS = ("campaign_id", "base_id", "line", "number", "fields", "timezone", "state", "attempts")
REJECTED_COLUMNS = ("base_id", "line", "code", "value", "detail")


def _insert(session: Session, model: Any, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    """Tuples straight to the driver: ten times as fast as objects."""
    if not rows:
        return
    connection = session.connection()
    table: Table = model.__table__
    preparer = connection.dialect.identifier_preparer
    names = ", ".join(preparer.quote(column) for column in columns)
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    marks = ", ".join([mark] * len(columns))
    connection.exec_driver_sql(f"INSERT INTO {preparer.format_table(table)} ({names}) VALUES ({marks})", rows)  # noqa: S608 - our columns


# --- publish, wipe -----------------------------------------------------------------------------------------------


def _bound(model: Any, base_id: int, after: int) -> int | None:
    """The last id of the next chunk of rows of this base; None when there is none."""
    ids = select(model.id).where(model.base_id == base_id, model.id > after).order_by(model.id)
    with read() as session:
        last = session.scalar(ids.offset(CHUNK - 1).limit(1))
        if last is None:
            last = session.scalar(select(func.max(model.id)).where(model.base_id == base_id, model.id > after))
    return last


def _publish(hold: Hold) -> None:
    """Make every contact of the base due; it may be called from then on.

    Where the campaign has a message of blocks they are made due one by one, once their sound is there
    (``campaigns.preparing``); none that is made due here is called without it either.
    """
    due_at = dt.datetime.fromisoformat(hold.layout["due_at"])
    with read() as session:
        campaign = session.get(Campaign, hold.campaign_id)
    if campaign is not None and campaign.message is not None:
        _leave(hold, BaseState.READY, loaded_at=utcnow())
        return
    while (last := _bound(Contact, hold.base_id, hold.layout["published_to"])) is not None:
        chunk = update(Contact).where(
            Contact.base_id == hold.base_id, Contact.id > hold.layout["published_to"], Contact.id <= last
        )
        layout = {**hold.layout, "published_to": last}

        def work(session: Session, chunk: Any = chunk) -> None:
            session.execute(chunk.values(due_at=due_at), execution_options={"synchronize_session": False})

        _step(hold, work, layout=layout)
        hold.layout = layout
    _leave(hold, BaseState.READY, loaded_at=utcnow())


def _remove_rows(hold: Hold, *, stoppable: bool = False) -> None:
    """Remove contacts (save those that were called) and rejected rows of the base."""
    for model in (Contact, RejectedRow):
        after = 0
        while (last := _bound(model, hold.base_id, after)) is not None:
            chunk = delete(model).where(model.base_id == hold.base_id, model.id > after, model.id <= last)
            if model is Contact:
                chunk = chunk.where(~exists().where(Attempt.contact_id == Contact.id))

            def work(session: Session, chunk: Any = chunk) -> None:
                session.execute(chunk, execution_options={"synchronize_session": False})

            _step(hold, work, stoppable=stoppable)
            after = last


def _wipe(hold: Hold) -> None:
    """Leave nothing of the base: no contacts, no rejected rows, no file; after ``delete`` no base either."""
    _remove_rows(hold)
    if hold.phase == "wipe":
        hold.path.unlink(missing_ok=True)
        _leave(hold, **hold.layout["end"])
        return
    with read() as session:
        left = session.scalar(select(func.count()).select_from(Contact).where(Contact.base_id == hold.base_id)) or 0
    if left:  # called in the meantime: these stay, with their results
        _leave(hold, BaseState.READY, accepted=left, rows=left, rejected=0, duplicates=0)
        return

    def work(session: Session) -> None:
        session.execute(delete(ContactBase).where(ContactBase.id == hold.base_id))

    _step(hold, work)
    hold.path.unlink(missing_ok=True)
