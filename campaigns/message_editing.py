"""What pages and API do with a campaign's message: set it, listen to it, see how far its preparation is.

``campaigns.service`` offers all of this under its own name.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from campaigns import contacts_file, jobs, message_problems, piece_store, preparing, sounds, speaking, starting, voices
from campaigns.errors import CampaignError
from campaigns.message.blocks import MAIN, Message
from campaigns.message.compose import Piece, Recorded, Spoken
from campaigns.models import Attempt, Campaign, Contact, Preparation
from campaigns.speaking import Plan, Studio
from campaigns.states import CampaignState, ContactState, Disposition
from config import audit, database, settings
from tts import loudness, sound_files
from tts.pieces import read_wav, write_wav
from tts.sound_files import Sound

#: Contacts changed in one transaction, and the pause before the next: dialling goes on in between.
CHUNK = 2000
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
BREATHE_S = 0.02
#: Joined messages kept for listening: seconds, and their folder below the pieces' home.
KEEP_PREVIEWS_S = 3600.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the contacts still to be called have their sound, and what is in the way."""

    #: Contacts still to be called.
    pending: int = 0
    #: Of these, with the sound of the present message, or in a call now.
    ready: int = 0
    #: Given up since their own data cannot be said; each has its ``prepare_code`` and ``prepare_column``.
    not_prepared: int = 0
    #: Sound is being made now.
    working: bool = False
    #: The campaign is over: nothing is made before it is started again.
    until_start: bool = False
    #: Why nothing can be made at present (an error's code and its words), else ''.
    problem: str = ""
    words: Mapping[str, object] = dataclass_field(default_factory=dict)
    #: Pieces that another engine spoke than the one chosen: "engine: code" of that one, and how many.
    fallbacks: Mapping[str, int] = dataclass_field(default_factory=dict)


# --- set ---------------------------------------------------------------------------------------------------------


def version_of(message: Message, region: str) -> str:
    """The version of a message: it changes with whatever its sound or its course depends on."""
    parts = json.dumps([message.to_json(), region, loudness.VERSION], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def set_message(campaign_id: int, message: Message | None) -> None:
    """Make this the campaign's message; None: every callee hears ``campaign.sound`` again.

    Contacts are prepared anew; calls that are up go on with what they have.

    :raises CampaignError: campaign_missing; a queue or voice that there is not; while it runs also what Start would
        refuse, since a slip would end every contact that is due.
    """
    for problem in message_problems.unknown_names(message, voices.chain()) if message is not None else ():
        problem.status = 422
        raise problem

    def work(session: Session) -> bool:
        campaign = _locked(session, campaign_id)
        version = "" if message is None else version_of(message, campaign.region)
        if campaign.message_version == version and (campaign.message is None) == (message is None):
            return False
        campaign.message = None if message is None else message.to_json()
        campaign.message_version = version
        campaign.sound_s = _longest_so_far(session, campaign)
        problems = starting.of_message(session, campaign, settings.get())
        if problems and campaign.state == CampaignState.RUNNING:
            raise problems[0]
        audit.append(session, "message_changed", "campaign", campaign_id, **_told(message))
        return True

    if database.write(work):
        renew(campaign_id)


def _longest_so_far(session: Session, campaign: Campaign) -> float:
    """``sound_s`` after a change: preparing raises it; calls that are up may still speak the message before."""
    if session.execute(
        select(Attempt.id).where(Attempt.campaign_id == campaign.id, Attempt.open_for_contact > 0)
    ).first():
        return campaign.sound_s
    if campaign.message is not None or not campaign.sound:
        return 0.0
    try:
        return len(read_wav(sounds.path_of(settings.get().sounds, campaign.sound))) / loudness.RATE_HZ
    except (OSError, EOFError):  # Start says that it is gone
        return campaign.sound_s


def renew(campaign_id: int) -> None:
    """Have contacts prepared for the message as it is now; those that could not be get another chance.

    In small transactions, and whoever is interrupted loses nothing: a contact that is found with the sound of another
    version is not called with it.
    """
    revived = Contact.last_disposition == Disposition.NOT_PREPARED

    def chunk(session: Session) -> int:
        campaign = session.get(Campaign, campaign_id, with_for_update=True)
        if campaign is None:
            return 0
        is_open = select(Attempt.id).where(Attempt.open_for_contact == Contact.id).exists()
        due = (Contact.due_at <= database.utcnow()) & (Contact.prepared != campaign.message_version)
        refused = and_(revived, Contact.state == ContactState.NOT_REACHED)
        waiting = and_(Contact.state == ContactState.PENDING, due, ~is_open)
        again = refused if campaign.message is None else or_(refused, waiting)
        ids = list(session.scalars(select(Contact.id).where(Contact.campaign_id == campaign_id, again).limit(CHUNK)))
        values: dict[str, Any] = {"state": ContactState.PENDING, "due_at": None, "prompts": None, "prepared": ""}
        values |= {"prepare_code": "", "prepare_column": "", "put_off": False, "last_disposition": None}
        concerned = update(Contact).where(Contact.id.in_(ids))
        again_pending = concerned.where(Contact.state == ContactState.NOT_REACHED)
        session.execute(again_pending.values(**values))
        kept = {key: values[key] for key in ("due_at", "prompts", "prepared")}
        session.execute(concerned.where(Contact.due_at.is_not(None)).values(**kept))
        return len(ids)

    while database.write(chunk) == CHUNK:
        time.sleep(BREATHE_S)
    preparing.free(campaign_id)
    jobs.send_prepare(campaign_id)
    jobs.wake(campaign_id)


def region_changed(session: Session, campaign: Campaign) -> bool:
    """Give the message its new version after a change of settings. :returns: whether contacts are to be renewed."""
    if campaign.message is None:
        return False
    version = version_of(Message.model_validate(campaign.message), campaign.region)
    changed = version != campaign.message_version
    campaign.message_version = version
    return changed


def _told(message: Message | None) -> dict[str, Any]:
    if message is None:
        return {"blocks": 0}
    return {"blocks": len(message.blocks()), "languages": ",".join(sorted(message.variants))}


def add_sound(source: Path, filename: str) -> Sound:
    """Take in a recorded sound for a ``SoundBlock``.

    :raises SoundError: it cannot be used in a message.
    """
    folder = settings.get().sounds
    sound = sound_files.convert(source, filename, folder)
    sounds.keep(folder, sound.stem)
    return sound


# --- listen ------------------------------------------------------------------------------------------------------


def preview(
    campaign_id: int,
    contact_id: int | None = None,
    fields: Mapping[str, str] | None = None,
    place: str = MAIN,
    message: Message | None = None,
) -> Path:
    """One wav with what a contact hears at ``place``: a contact of the campaign, or any row of fields.

    :param message: one that is not saved yet; None: the campaign's.
    :raises CampaignError, SoundError: it cannot be said; ``field`` is the column at fault.
    """
    planned = _plan(campaign_id, contact_id, fields, message)
    if place not in planned.places:
        raise CampaignError("message_missing", "The campaign has no message of blocks.", field="message", status=404)
    current = settings.get()
    for piece in planned.places[place]:
        if isinstance(piece, Recorded) and not sounds.has(current.sounds, piece.stem):
            sounds.fetch(current.sounds, piece.stem)
    studio = Studio(piece_store.pieces(), current.sounds, voices.chain())
    stems = [studio.stem(piece) for piece in planned.places[place]]
    folder = current.run / "previews"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _forget_old(folder)
    path = folder / f"{hashlib.sha256(' '.join(stems).encode()).hexdigest()[:32]}.wav"
    if not path.exists():
        parts = [studio.kept.read(stem) for stem in stems] or [loudness.silence(0.1)]
        write_wav(path, np.concatenate(parts))
    path.touch()
    return path


def preview_text(
    campaign_id: int,
    contact_id: int | None = None,
    fields: Mapping[str, str] | None = None,
    message: Message | None = None,
) -> dict[str, str]:
    """What a contact hears in words, by place, without making a sound.

    :raises CampaignError, SoundError: as :func:`preview`.
    """
    planned = _plan(campaign_id, contact_id, fields, message)
    return {place: " ".join(filter(None, map(_words, found))) for place, found in planned.places.items()}


def _words(piece: Piece) -> str:
    if isinstance(piece, Spoken):
        return piece.words
    return "♪" if isinstance(piece, Recorded) else ""


def _plan(campaign_id: int, contact_id: int | None, fields: Mapping[str, str] | None, message: Message | None) -> Plan:
    with database.read() as session:
        campaign = session.get(Campaign, campaign_id)
        if campaign is None or campaign.state == CampaignState.DELETING:
            raise _missing()
        row: Mapping[str, str] = fields or {}
        contacts_file.check_row(row)
        if contact_id is not None:
            contact = session.get(Contact, contact_id)
            if contact is None or contact.campaign_id != campaign_id:
                raise CampaignError("contact_missing", "There is no such contact.", status=404)
            row = contact.fields or {}
    if message is None:
        if campaign.message is None:
            sentence = "The campaign has no message of blocks."
            raise CampaignError("message_missing", sentence, field="message", status=404)
        message = Message.model_validate(campaign.message)
    return speaking.plan(message, row, campaign.region)


def _forget_old(folder: Path) -> None:
    before = time.time() - KEEP_PREVIEWS_S
    for path in folder.iterdir():
        try:
            if path.stat().st_mtime < before:
                path.unlink()
        except FileNotFoundError:
            continue


# --- see ---------------------------------------------------------------------------------------------------------


def prepare_progress(campaign_id: int) -> Progress:
    """How far the sounds of a campaign's contacts are; all zero without a message of blocks.

    Of a personal message so many contacts are prepared ahead as are soon called, not all of them.
    """
    with database.read() as session:
        campaign = session.get(Campaign, campaign_id)
        if campaign is None or campaign.message is None:
            return Progress()
        of_campaign = (Contact.campaign_id == campaign_id, Contact.state == ContactState.PENDING)
        pending = select(func.count()).select_from(Contact).where(*of_campaign)
        # Pages ask this often, and contacts may be a million: the index alone answers for a message for all, and few
        # contacts of a personal one have a time at which they are due.
        ready = pending.where(Contact.due_at > LONG_AGO)
        if Message.model_validate(campaign.message).personal:
            ready = ready.where(Contact.prepared == campaign.message_version)
        up = select(func.count()).where(Attempt.campaign_id == campaign_id, Attempt.open_for_contact > 0)
        given_up = (
            select(func.count())
            .select_from(Contact)
            .where(
                Contact.campaign_id == campaign_id,
                Contact.state == ContactState.NOT_REACHED,
                Contact.last_disposition == Disposition.NOT_PREPARED,
            )
        )
        numbers = [session.scalar(query) or 0 for query in (pending, ready, up, given_up)]
        counts = Progress(pending=numbers[0], ready=numbers[1] + numbers[2], not_prepared=numbers[3])
        counts = replace(counts, until_start=campaign.state not in preparing.ACTIVE)
        row = session.get(Preparation, campaign_id)
    if row is None:
        return counts
    working = preparing.is_held(row, database.utcnow())
    over = row.problem == piece_store.GIVEN_UP and campaign.state == CampaignState.RUNNING  # started since
    problem, told = ("", {}) if over else (row.problem, row.words or {})
    return replace(counts, working=working, problem=problem, words=told, fallbacks=row.fallbacks or {})


def _locked(session: Session, campaign_id: int) -> Campaign:
    campaign = session.get(Campaign, campaign_id, with_for_update=True)
    if campaign is None or campaign.state == CampaignState.DELETING:
        raise _missing()
    return campaign


def _missing() -> CampaignError:
    return CampaignError("campaign_missing", "There is no such campaign.", status=404)
