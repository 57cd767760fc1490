"""A person's wish to be forgotten: the number goes from contacts, rejected rows, uploads, reports and recordings.

What was done stays countable: a contact keeps its state and attempts under a name that says nothing. Only digits are
looked for, so a number in somebody else's column, or in a message's sound, is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from flask import current_app
from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from campaigns import exports, piece_store
from campaigns.errors import CampaignError
from campaigns.message.prompts import Prompts
from campaigns.models import Attempt, AttemptStep, Campaign, Contact, ContactBase, Export, RejectedRow
from campaigns.phone_numbers import Number, normalize
from campaigns.states import BaseState, ContactState
from config import audit, database
from config.i18n import N_
from config.logging import mask_number
from config.settings import Settings

#: Rejected rows looked through in one go.
SCAN = 5000
#: A national number has at least so many digits in common with the same number written in another way.
COMMON = 10

SENTENCES = {
    "erase_number_wrong": N_("Write the whole number with its country code, such as +7 900 555-00-00."),
    "erase_call_up": N_("This number is being called now: wait until the call ends, then erase it."),
    "erase_base_loading": N_("A base is being loaded that may hold this number: wait until it is ready."),
}


@dataclass(frozen=True)
class Erased:
    """What was found and taken away."""

    contacts: int
    rejected_rows: int
    uploads: int
    reports: int
    recordings: int


def erase(text: str) -> Erased:
    """Forget this number.

    :raises CampaignError: ``erase_number_wrong``; ``erase_call_up`` while a call to it is up; ``erase_base_loading``.
    """
    settings: Settings = current_app.config["OBZVON"]
    digits = _digits(text, settings)
    with database.read() as session:
        seen = _look(session, digits)
        reports = _reports_of(session, digits, seen)
    found = database.write(lambda session: _forget(session, digits, seen))
    for path in found.files:
        (settings.uploads / path).unlink(missing_ok=True)
    for export_id in reports:
        exports.remove(export_id)
    piece_store.forget(found.stems)
    recordings = _remove_recordings(settings, found.uids)
    erased = Erased(found.contacts, found.rejected, len(found.files), len(reports), recordings)
    audit.record("number_erased", "number", mask_number(digits), **asdict(erased))
    return erased


def _digits(text: str, settings: Settings) -> str:
    result = normalize(text, settings.default_region, costly=True)
    if not isinstance(result, Number):
        raise CampaignError("erase_number_wrong", SENTENCES["erase_number_wrong"], field="number", status=422)
    return result.digits


@dataclass(frozen=True)
class _Seen:
    """Rejected rows with the number, among those up to an id. To look through a million takes ten seconds, for which
    nobody else could write, had it to be done in the transaction that takes them away."""

    ids: list[int]
    bases: set[int]
    upto: int


def _look(session: Session, digits: str) -> _Seen:
    _require_no_loading(session)  # whatever is loaded from now on has higher ids
    upto = session.scalar(select(func.max(RejectedRow.id))) or 0
    rows = list(_rejected(session, digits))
    return _Seen([row.id for row in rows], {row.base_id for row in rows}, upto)


def _require_no_loading(session: Session) -> None:
    loading = select(ContactBase.id).where(ContactBase.state.in_([BaseState.WAITING, BaseState.LOADING]))
    if session.execute(loading.limit(1)).first():
        raise CampaignError("erase_base_loading", SENTENCES["erase_base_loading"], status=409)


@dataclass(frozen=True)
class _Found:
    contacts: int
    rejected: int
    files: list[str]
    uids: list[str]
    #: Pieces of messages that were made for the contacts.
    stems: set[str]


def _forget(session: Session, digits: str, seen: _Seen) -> _Found:
    """One transaction; the campaigns are locked first, as a claim does, so that nobody is being called meanwhile."""
    campaign_ids = sorted(_campaigns_with(session, digits))
    for campaign_id in campaign_ids:
        session.execute(select(Campaign.id).where(Campaign.id == campaign_id).with_for_update())
    held = select(Contact).where(Contact.campaign_id.in_(campaign_ids), Contact.number == digits)
    contacts = session.scalars(held.with_for_update()).all()
    ids = [contact.id for contact in contacts]
    if session.execute(select(Attempt.id).where(Attempt.open_for_contact.in_(ids))).first():
        raise CampaignError("erase_call_up", SENTENCES["erase_call_up"], field="number", status=409)
    _require_no_loading(session)
    rows = list(_rejected(session, digits, after=seen.upto))
    rejected = session.scalars(
        select(RejectedRow.id).where(
            RejectedRow.id.in_({*seen.ids, *(row.id for row in rows)}), RejectedRow.value != ""
        )
    ).all()
    bases = {contact.base_id for contact in contacts} | {row.base_id for row in rows} | seen.bases
    uids = list(session.scalars(select(Attempt.uid).where(Attempt.contact_id.in_(ids))))
    stems = {stem for contact in contacts if contact.prompts for stem in Prompts.from_json(contact.prompts).stems()}
    calls = select(Attempt.id).where(Attempt.contact_id.in_(ids))
    session.execute(update(AttemptStep).where(AttemptStep.attempt_id.in_(calls)).values(value=""))  # what he typed
    for contact in contacts:
        _make_nobody(contact)
    if rejected:
        session.execute(update(RejectedRow).where(RejectedRow.id.in_(rejected)).values(value=""))
    files = list(session.scalars(select(ContactBase.path).where(ContactBase.id.in_(bases))))
    uploads: Path = current_app.config["OBZVON"].uploads
    return _Found(len(contacts), len(rejected), [path for path in files if (uploads / path).is_file()], uids, stems)


def _make_nobody(contact: Contact) -> None:
    """Never called again, and nothing of the person left; unique in its campaign, and no digits to be dialled."""
    contact.number, contact.fields, contact.timezone = f"erased-{contact.id}", {}, None
    contact.prompts, contact.prepared, contact.prepare_code, contact.prepare_column = None, "", "", ""
    if contact.state in (ContactState.PENDING, ContactState.UNKNOWN):
        contact.state, contact.due_at, contact.put_off = ContactState.NOT_REACHED, None, False


def _campaigns_with(session: Session, digits: str) -> set[int]:
    """By the index, which begins with the campaign."""
    held = select(Contact.campaign_id).where(Contact.number == digits, Contact.campaign_id.in_(select(Campaign.id)))
    return set(session.scalars(held))


def _rejected(session: Session, digits: str, after: int = 0) -> Iterator[Row[int, int, str]]:
    """Rejected rows (id, base and cell) whose cell is this number, however it was written."""
    tail = digits[-COMMON:]
    columns = select(RejectedRow.id, RejectedRow.base_id, RejectedRow.value)
    while True:
        query = columns.where(RejectedRow.id > after, RejectedRow.value != "")
        rows = session.execute(query.order_by(RejectedRow.id).limit(SCAN)).all()
        yield from (row for row in rows if tail in re.sub(r"\D", "", row.value))
        if len(rows) < SCAN:
            return
        after = rows[-1].id


def _reports_of(session: Session, digits: str, seen: _Seen) -> list[int]:
    """Reports that may hold the number: those of campaigns that have it, as a contact or as a rejected row."""
    campaigns = _campaigns_with(session, digits)
    campaigns |= set(session.scalars(select(ContactBase.campaign_id).where(ContactBase.id.in_(seen.bases))))
    return list(session.scalars(select(Export.id).where(Export.campaign_id.in_(campaigns))))


def _remove_recordings(settings: Settings, uids: list[str]) -> int:
    removed = 0
    for uid in uids:
        for name in (f"{uid}.wav", f"seat-{uid}.wav"):
            path = settings.carrier_recordings / name
            if path.is_file():
                path.unlink(missing_ok=True)
                removed += 1
    return removed
