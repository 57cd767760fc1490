"""Makes the sound of contacts before they are called: the jobs workers do it, ahead of need and within bounds.

A contact of a campaign with a message may be claimed only when ``contact.prepared`` is the campaign's
``message_version``. Until its files are there ``due_at`` is NULL, so that the rest of the campaign does not wait; a
retry keeps its ``due_at`` and is prepared again when its files were dropped meanwhile. What is said here may be lost at
any moment: whoever is found unprepared at the claim is parked (``due_at`` NULL), and comes back here.

A run lasts some seconds and sends itself again, so that imports and reports have their turn. It holds the campaign by
its mark in ``preparation`` with a heartbeat; the sweep sends for whoever has nobody at work.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import bindparam, case, literal, select, update
from sqlalchemy.orm import Session

from campaigns import piece_store, sounds, speaking, unprepared, voices
from campaigns.message.blocks import Message
from campaigns.message.compose import Piece, Spoken
from campaigns.message.prompts import Prompts
from campaigns.models import Attempt, Campaign, Contact, ContactBase, Preparation
from campaigns.speaking import Plan, Studio
from campaigns.states import BaseState, CampaignState, ContactState, Disposition
from config import database, settings
from config.errors import ObzvonError
from config.i18n import N_
from dialer.models import Node, trunk_node
from tts.engines.speech import SpeechError

log = structlog.get_logger(__name__)

SENTENCES = {
    "speech_cache_full": N_(
        "There is no room for more spoken pieces of messages: raise OBZVON_SPEECH_CACHE_MB, now {limit} MiB."
    ),
    **piece_store.SENTENCES,
}
ACTIVE = (CampaignState.DRAFT, CampaignState.RUNNING, CampaignState.PAUSED)
#: Seconds of one run; another job may want the worker.
RUN_S = 10.0
#: So many contacts of a personal message are kept ready; at 50 calls a second they last 40 s, and more come meanwhile.
AHEAD = 2000
#: The same where nobody is called now: enough to begin at once.
AHEAD_AT_REST = 100
CHUNK = 100
#: Contacts that hear the same need no sound of their own.
CHUNK_ALIKE = 2000
#: Results are committed so often, in seconds.
COMMIT_S = 1.0
BEAT_S = 5.0
DEAD_AFTER = dt.timedelta(seconds=30)
#: Seconds between two looks at the size of the cache.
LOOK_S = 30.0
#: Contacts that fail by an engine's fault before a run gives up.
MOST_FAILED = 300
BREATHE_S = 0.01
NICE = 10
#: What a contact's own value does wrong; anything else of an engine is the engine's fault, unless that is well.
OF_THE_TEXT = frozenset({"speech_text_empty", "speech_text_long"})

contacts = Contact.__table__
attempts = Attempt.__table__


#: Makes some pieces; its result names those that could not be made.
_Job = Future[dict[Piece, ObzvonError]]


class _Lost(Exception):
    """The campaign, its message or its state changed, or another run took it."""


@dataclass
class _Hold:
    """A campaign held by this run."""

    campaign_id: int
    mark: str
    version: str
    message: Message
    region: str
    #: A node of its trunk is on another host, and gets its files from the database.
    elsewhere: bool
    studio: Studio
    wake: Callable[[int], None]
    #: Whether it calls now; the others prepare little, and only where there is room.
    running: bool = True
    failed: set[int] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)  # stems that are in the database
    problem: str = ""
    words: dict[str, Any] = field(default_factory=dict)
    looked_at: float = -LOOK_S

    @property
    def ahead(self) -> int:
        return AHEAD if self.running else AHEAD_AT_REST


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one contact: files, or why not."""

    contact_id: int
    prompts: Prompts | None = None
    code: str = ""
    column: str = ""


def run(campaign_id: int, wake: Callable[[int], None]) -> bool:
    """Prepare contacts for some seconds. :returns: whether there is more to do at once.

    :param wake: called after each commit: contacts can be called.
    """
    hold = database.write(lambda session: _take(session, campaign_id, wake))
    if hold is None:
        return False
    more = False
    try:
        more = _work(hold)
    except _Lost:
        log.info("preparation_ended", campaign=campaign_id)
        more = True  # a changed message has contacts of its own
    finally:
        database.write(lambda session: _leave(session, hold))
    return more


def _take(session: Session, campaign_id: int, wake: Callable[[int], None]) -> _Hold | None:
    campaign = session.get(Campaign, campaign_id, with_for_update=True)
    if campaign is None or campaign.message is None or campaign.state not in ACTIVE:
        return None
    row = session.get(Preparation, campaign_id)
    now = database.utcnow()
    if row is None:
        row = Preparation(campaign_id=campaign_id)
        session.add(row)
    elif is_held(row, now):
        return None
    row.holder, row.beat_at = secrets.token_hex(8), now
    current = settings.get()
    studio = Studio(piece_store.pieces(), current.sounds, voices.chain(session))
    message = Message.model_validate(campaign.message)
    elsewhere = not current.runs("pbx") or _has_other_nodes(session, campaign.trunk_id, current.node_name)
    hold = _Hold(campaign_id, row.holder, campaign.message_version, message, campaign.region, elsewhere, studio, wake)
    hold.running = campaign.state == CampaignState.RUNNING
    return hold


def is_held(row: Any, now: dt.datetime) -> bool:
    """Whether a run is at work; ``row`` has holder and beat_at. One far ahead is from before the clock was set back."""
    return bool(row.holder) and row.beat_at is not None and abs(now - row.beat_at) < DEAD_AFTER


def _has_other_nodes(session: Session, trunk_id: int | None, own: str) -> bool:
    query = select(Node.id).join(trunk_node).where(trunk_node.c.trunk_id == trunk_id, Node.name != own)
    return session.execute(query.limit(1)).first() is not None


def _leave(session: Session, hold: _Hold) -> None:
    values = {
        "holder": "",
        "problem": hold.problem,
        "words": hold.words or None,
        "fallbacks": dict(hold.studio.fallbacks) or None,
    }
    mine = update(Preparation).where(Preparation.campaign_id == hold.campaign_id, Preparation.holder == hold.mark)
    session.execute(mine.values(**values))


def _beat(session: Session, hold: _Hold) -> None:
    """Renew the heartbeat, with the campaign locked, so that no claim of it runs meanwhile.

    :raises _Lost: the message has changed, the campaign is over, or another run has it.
    """
    query = select(Campaign.message_version, Campaign.state, Campaign.region).where(Campaign.id == hold.campaign_id)
    now = session.execute(query.with_for_update()).one_or_none()
    if now is None or now.state not in ACTIVE or now.message_version != hold.version:
        raise _Lost
    hold.running = now.state == CampaignState.RUNNING
    mine = update(Preparation).where(Preparation.campaign_id == hold.campaign_id, Preparation.holder == hold.mark)
    if session.execute(mine.values(beat_at=database.utcnow())).rowcount != 1:  # type: ignore[attr-defined]
        raise _Lost


def _work(hold: _Hold) -> bool:
    ends = time.monotonic() + RUN_S
    alike = not hold.message.personal
    with ThreadPoolExecutor(renderers(), thread_name_prefix="speech", initializer=_give_way) as pool:
        while time.monotonic() < ends:
            if not alike and not _has_room(hold):
                return False
            with database.read() as session:
                most = CHUNK_ALIKE if alike else CHUNK
                rows = unprepared.next_ones(session, hold.campaign_id, hold.version, hold.failed, most)
            if not rows:
                return False
            if len(hold.failed) >= MOST_FAILED:
                return False
            _prepare(hold, rows, pool, ends + RUN_S)
    return True


def _give_way() -> None:
    """Calls that are up have the processor first: this thread, and the engines that it starts, come after them."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def renderers() -> int:
    """How many engines run at once: they are programs of their own, at a low priority."""
    return max(1, min(4, os.cpu_count() or 1))


def _has_room(hold: _Hold) -> bool:
    """Whether more contacts should be prepared now: not too many wait already, and the disk's share is not used up."""
    with database.read() as session:
        ready = unprepared.count_ready(session, hold.campaign_id, hold.version, hold.ahead)
    if ready >= hold.ahead:
        return False
    if time.monotonic() - hold.looked_at < LOOK_S:
        return True
    hold.looked_at = time.monotonic()
    if piece_store.make_room() if hold.running else piece_store.has_room_at_rest():
        return True
    if not ready:
        hold.problem = "speech_cache_full" if hold.running else piece_store.GIVEN_UP
        hold.words = {"limit": settings.get().speech_cache_mb} if hold.running else {}
    return False


# --- their sound -------------------------------------------------------------------------------------------------


def _prepare(hold: _Hold, rows: Sequence[Any], pool: ThreadPoolExecutor, ends: float) -> None:
    """Make what these contacts hear; committed about once a second, in their order."""
    plans = [(row.id, _plan(hold, row)) for row in rows]
    found = dict.fromkeys(
        piece for _id, planned in plans if isinstance(planned, Plan) for piece in sorted(planned.pieces(), key=repr)
    )
    jobs: dict[Piece, _Job] = {}
    for together in speaking.runs(found):
        jobs |= dict.fromkeys(together, pool.submit(hold.studio.make, together))
    done: list[_Done] = []
    committed = time.monotonic()
    try:
        for contact_id, planned in plans:
            if isinstance(planned, Plan):
                _wait(hold, [jobs[piece] for piece in planned.pieces()])
                planned_done = _finished(hold, contact_id, planned, jobs)
            else:
                planned_done = planned
            if planned_done is None:
                hold.failed.add(contact_id)
            else:
                done.append(planned_done)
            if time.monotonic() - committed > COMMIT_S:
                _commit(hold, done)
                done, committed = [], time.monotonic()
            if time.monotonic() > ends:
                break
    finally:
        for job in jobs.values():
            job.cancel()
    _commit(hold, done)


def _plan(hold: _Hold, row: Any) -> Plan | _Done | None:
    try:
        return speaking.plan(hold.message, row.fields or {}, hold.region)
    except ObzvonError as error:
        return _Done(row.id, code=error.code, column=_column_of(error))
    except Exception as fault:  # a fault of ours: he waits and the page says so, but nobody waits for him
        log.exception("contact_not_prepared", contact=row.id)
        told = speaking.unforeseen(hold.message.default_language, fault)
        hold.problem, hold.words = told.code, _plain(told.words)
        return None


def _column_of(error: ObzvonError) -> str:
    return str(error.field or "")[:200]


def _wait(hold: _Hold, jobs: Sequence[_Job]) -> None:
    """Until all are made; an engine that takes long does not look like a dead run."""
    while wait(jobs, timeout=BEAT_S).not_done:
        database.write(lambda session: _beat(session, hold))


def _finished(hold: _Hold, contact_id: int, planned: Plan, jobs: dict[Piece, _Job]) -> _Done | None:
    """This contact's result; None: an engine does not speak at all now, so it stays to be prepared."""
    for piece in planned.pieces():
        error = jobs[piece].result().get(piece)
        if error is None:
            continue
        if _is_of_the_text(hold, piece, error):
            return _Done(contact_id, code=error.code, column=getattr(piece, "column", ""))
        hold.problem, hold.words = error.code, _plain(error.words)
        return None
    return _Done(contact_id, hold.studio.prompts(planned))


def _is_of_the_text(hold: _Hold, piece: Piece, error: ObzvonError) -> bool:
    """Whether this contact's own words are at fault: the engine is well, and says other words."""
    if not isinstance(piece, Spoken) or not piece.column or not isinstance(error, SpeechError):
        return False
    return error.code in OF_THE_TEXT or hold.studio.is_well(piece.language)


def _plain(words: Any) -> dict[str, Any]:
    """Words that JSON takes."""
    return {str(key): value if isinstance(value, int) else str(value)[:200] for key, value in (words or {}).items()}


# --- into the database -------------------------------------------------------------------------------------------


def _commit(hold: _Hold, done: Sequence[_Done]) -> None:
    if not done:
        return
    _share(hold, done)
    database.write(lambda session: _write(session, hold, done))
    hold.wake(hold.campaign_id)
    time.sleep(BREATHE_S)


def _share(hold: _Hold, done: Sequence[_Done]) -> None:
    """Give other hosts their files, before anybody may need them."""
    if not hold.elsewhere:
        return
    folder = settings.get().played
    for stem in {stem for one in done if one.prompts for stem in one.prompts.stems()} - hold.shared:
        sounds.keep(folder, stem, made=True)
        hold.shared.add(stem)


_READY = (
    update(contacts)
    .where(contacts.c.id.in_(bindparam("ids", expanding=True)), contacts.c.state == ContactState.PENDING)
    .values(
        prompts=bindparam("b_prompts", type_=contacts.c.prompts.type),
        prepared=bindparam("b_version"),
        prepare_code="",
        prepare_column="",
        due_at=case(
            (contacts.c.due_at.is_(None), bindparam("b_now", type_=contacts.c.due_at.type)), else_=contacts.c.due_at
        ),
    )
)
_REFUSED = (
    update(contacts)
    .where(contacts.c.id.in_(bindparam("ids", expanding=True)), contacts.c.state == ContactState.PENDING)
    .values(
        state=ContactState.NOT_REACHED,
        due_at=literal(None, type_=contacts.c.due_at.type),
        prompts=literal(None, type_=contacts.c.prompts.type),
        prepared=bindparam("b_version"),
        prepare_code=bindparam("b_code"),
        prepare_column=bindparam("b_column"),
        last_disposition=Disposition.NOT_PREPARED,
    )
)


def _write(session: Session, hold: _Hold, done: Sequence[_Done]) -> None:
    _beat(session, hold)
    wanted = _still_waiting(session, hold, [one.contact_id for one in done])
    alike: dict[Prompts | tuple[str, str], list[int]] = {}
    prompts: dict[int, Prompts] = {}
    groups: dict[str, list[int]] = {}
    for one in done:
        if one.contact_id not in wanted:
            continue
        if one.prompts is None:
            alike.setdefault((one.code[:40], one.column), []).append(one.contact_id)
        else:
            key = repr(one.prompts)
            groups.setdefault(key, []).append(one.contact_id)
            prompts.setdefault(groups[key][0], one.prompts)
    now = database.utcnow()
    for ids in groups.values():
        kept = prompts[ids[0]].to_json()
        session.execute(_READY, {"ids": ids, "b_prompts": kept, "b_version": hold.version, "b_now": now})
    longest = max((one.seconds for one in prompts.values()), default=0.0)
    longer = update(Campaign).where(Campaign.id == hold.campaign_id, Campaign.sound_s < longest)
    session.execute(longer.values(sound_s=longest))
    for (code, column), ids in alike.items():  # type: ignore[misc]
        session.execute(_REFUSED, {"ids": ids, "b_version": hold.version, "b_code": code, "b_column": column})


def _still_waiting(session: Session, hold: _Hold, ids: Sequence[int]) -> set[int]:
    """Those whose base is still ready and whose call is not up. With the campaign locked none can begin meanwhile."""
    bases = select(ContactBase.id).where(
        ContactBase.campaign_id == hold.campaign_id, ContactBase.state == BaseState.READY
    )
    pending = select(contacts.c.id).where(
        contacts.c.id.in_(ids), contacts.c.state == ContactState.PENDING, contacts.c.base_id.in_(bases)
    )
    up = select(attempts.c.open_for_contact).where(attempts.c.open_for_contact.in_(ids))
    return set(session.execute(pending).scalars()) - set(session.execute(up).scalars())


# --- for others --------------------------------------------------------------------------------------------------


def waiting() -> list[int]:
    """Campaigns for which a run should be sent: something is to be prepared, and nobody is at work on it.

    While there is little room nobody is sent for those that do not run.
    """
    now = database.utcnow()
    query = (
        select(Campaign.id, Campaign.state, Campaign.message_version, Preparation.holder, Preparation.beat_at)
        .outerjoin(Preparation, Preparation.campaign_id == Campaign.id)
        .where(Campaign.message.is_not(None), Campaign.state.in_(ACTIVE))
    )
    with database.read() as session:
        rows = [row for row in session.execute(query) if not is_held(row, now)]
        running = [row.id for row in rows if row.state == CampaignState.RUNNING and _lacks(session, row, AHEAD)]
        others = [row for row in rows if row.state != CampaignState.RUNNING]
        at_rest = [row.id for row in others if _lacks(session, row, AHEAD_AT_REST)]
    return running + (at_rest if at_rest and piece_store.has_room_at_rest() else [])


def _lacks(session: Session, campaign: Any, ahead: int) -> bool:
    return unprepared.lacks(session, campaign.id, campaign.message_version, ahead)


def sweep() -> None:
    """Keep the pieces within their limit, and free contacts that wait for a sound that their campaign needs no more."""
    if not piece_store.pieces().is_small(piece_store.most_bytes()):
        piece_store.make_room()
    with database.read() as session:
        plain = list(session.scalars(select(Campaign.id).where(Campaign.message.is_(None), Campaign.state.in_(ACTIVE))))
    for campaign_id in plain:
        free(campaign_id)


def free(campaign_id: int) -> None:
    """Make contacts due that wait for their sound, in a campaign that has no message of blocks (any more)."""

    def chunk(session: Session) -> int:
        campaign = session.execute(
            select(Campaign.message.is_(None)).where(Campaign.id == campaign_id).with_for_update()
        ).scalar_one_or_none()
        if not campaign:
            return 0
        ids = session.execute(unprepared.parked(campaign_id).limit(CHUNK_ALIKE)).scalars().all()
        if ids:
            due = update(contacts).where(contacts.c.id.in_(ids)).values(due_at=database.utcnow(), prompts=None)
            session.execute(due)
        return len(ids)

    while database.write(chunk) == CHUNK_ALIKE:
        time.sleep(BREATHE_S)
