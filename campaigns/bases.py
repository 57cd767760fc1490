"""Bases of a campaign: looked at, added, loaded by a job, cancelled, deleted (N18)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import os
import re
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from flask import current_app
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from campaigns import base_loading, contacts_file, do_not_call, phone_numbers
from campaigns.base_loading import DUPLICATE
from campaigns.contacts_file import ContactsFile, Layout, LayoutChoice, file_error
from campaigns.errors import CampaignError
from campaigns.models import Attempt, Campaign, Contact, ContactBase, RejectedRow
from campaigns.phone_numbers import Number, normalize
from campaigns.states import BaseState, CampaignState
from config import audit, messages
from config.database import read, utcnow, write
from config.i18n import N_
from config.settings import Settings

log = logging.getLogger(__name__)

#: Why a row became no contact: code -> sentence.
ROW_SENTENCES = {
    **phone_numbers.SENTENCES,
    **do_not_call.ROW_SENTENCES,
    DUPLICATE: N_("This number stands already in line {line} of {filename}; it is called once."),
}
#: What a person should know of a loaded file: code -> sentence.
NOTE_SENTENCES = {
    "encoding_errors": N_("{count} letters could not be read in the encoding of the file."),
    "zone_unknown": N_("{count} rows name a time zone that does not exist; the campaign's zone is used for them."),
    "rows_wider": N_("{count} rows have more columns than the header."),
}
#: Errors of this module: code -> sentence.
SENTENCES = {
    "campaign_unknown": N_("There is no such campaign."),
    "campaign_is_running": N_("Pause or stop the campaign before deleting a base of it."),
    "upload_gone": N_("This file is not here any more. Upload it again."),
    "base_unknown": N_("There is no such base."),
    "base_already_loaded": N_("This file was loaded into the campaign already, as {filename}; load it again anyway?"),
    "base_already_ready": N_("The base is loaded already; delete it instead."),
    "base_is_loading": N_("The base is being loaded; cancel that first."),
    "base_has_attempts": N_("Contacts of this base were called already, and their results must stay."),
}
#: Bases up to this many rows are deleted while the user waits, larger ones by a job.
DELETE_AT_ONCE = 20_000
PREVIEW_ROWS = 20
#: An uploaded file stands this long before its base's row does, at most.
FILE_GRACE_S = 3600
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class PreviewRow:
    """A row as it would be loaded: ``number`` is '' when ``code`` and ``sentence`` say why it would not be."""

    line: int
    fields: dict[str, str]
    number: str
    code: str
    sentence: str


@dataclass(frozen=True)
class Preview:
    """The layout that was found and the first rows; ``fit`` of ``checked`` rows would become contacts."""

    filename: str
    layout: Layout
    rows: list[PreviewRow]
    checked: int
    fit: int


@dataclass(frozen=True)
class RejectedView:
    """A row that became no contact, with its sentence; ``words`` fill a translation of it."""

    line: int
    code: str
    value: str
    sentence: str
    words: dict[str, object]


def _error(code: str, *, field: str = "", status: int = 409, **words: object) -> CampaignError:
    return CampaignError(code, SENTENCES[code].format(**words), field=field, status=status, words=words)


def _settings() -> Settings:
    settings: Settings = current_app.config["OBZVON"]
    return settings


def preview(
    source: Path,
    filename: str,
    choice: LayoutChoice | None = None,
    *,
    region: str | None = None,
    costly: bool = False,
) -> Preview:
    """Look at a file without keeping it. ``region``: the campaign's; by default that of new campaigns.

    :raises CampaignError: the file cannot be read (codes in ``contacts_file.SENTENCES``).
    """
    region = region or _settings().default_region
    shown: list[PreviewRow] = []
    checked = fit = 0
    with ContactsFile(source, region, choice) as file:
        layout = file.layout
        for row in islice(file.rows(), contacts_file.SAMPLE):
            result = normalize(layout.cell(row.cells, layout.phone_column), region, costly)
            good = isinstance(result, Number)
            checked += 1
            fit += good
            if len(shown) < PREVIEW_ROWS:
                number = result.digits if isinstance(result, Number) else ""
                code = "" if isinstance(result, Number) else result.code
                sentence = ROW_SENTENCES.get(code, "")
                shown.append(PreviewRow(row.line, layout.fields(row.cells), number, code, sentence))
    return Preview(_plain_name(filename), layout, shown, checked, fit)


def add(
    campaign_id: int,
    source: Path,
    filename: str,
    comment: str = "",
    *,
    by: str = "",
    again: bool = False,
    choice: LayoutChoice | None = None,
) -> int:
    """Keep a copy of the file and have it loaded by a job; return the base's id.

    :raises CampaignError: campaign_unknown; base_already_loaded (unless ``again``); file_too_large; upload_gone; the
        file cannot be read (codes in ``contacts_file.SENTENCES``).
    """
    settings = _settings()
    with read() as session:
        campaign = session.get(Campaign, campaign_id)
        if campaign is None or campaign.state == CampaignState.DELETING:
            raise _error("campaign_unknown", status=404)
        region = campaign.region
    try:
        if source.stat().st_size > settings.max_upload_mb << 20:
            raise file_error("file_too_large", limit_mb=settings.max_upload_mb)
        stored, digest = _keep(source, settings.uploads)
    except FileNotFoundError as exc:  # the same form was sent twice at once
        raise _error("upload_gone", field="file", status=404) from exc
    try:
        with ContactsFile(stored, region, choice) as file:
            layout = {**file.layout.to_json(), "choice": (choice or LayoutChoice()).to_json()}
    except BaseException:
        stored.unlink(missing_ok=True)
        raise
    base = {
        "campaign_id": campaign_id,
        "filename": _plain_name(filename),
        "comment": _CONTROL.sub(" ", comment)[:500],
        "path": stored.name,
        "sha256": digest,
        "layout": layout,
        "created_by": by[:255],
    }

    def work(session: Session) -> int:
        campaign = session.get(Campaign, campaign_id, with_for_update=True)
        if campaign is None or campaign.state == CampaignState.DELETING:
            raise _error("campaign_unknown", status=404)
        same = session.scalar(
            select(ContactBase).where(
                ContactBase.campaign_id == campaign_id,
                ContactBase.sha256 == digest,
                ContactBase.state.in_([BaseState.WAITING, BaseState.LOADING, BaseState.READY]),
            )
        )
        if same is not None and not again:
            raise _error("base_already_loaded", field="file", base=same.id, filename=same.filename)
        row = ContactBase(**base)
        session.add(row)
        session.flush()
        audit.append(session, "base_uploaded", "base", row.id, campaign=campaign_id, file=row.filename, sha256=digest)
        return row.id

    try:
        base_id = write(work)
    except BaseException:
        stored.unlink(missing_ok=True)
        raise
    send_load(campaign_id)
    return base_id


def _plain_name(filename: str) -> str:
    """The file's own name, without folders and control characters, for showing only."""
    return _CONTROL.sub("", filename.replace("\\", "/").rsplit("/", 1)[-1])[:255] or "list"


def _keep(source: Path, uploads: Path) -> tuple[Path, str]:
    """Copy the file under a name of our own; return the copy and the SHA-256 of its content."""
    uploads.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = uploads / f"{uuid.uuid4().hex}.list"
    digest = hashlib.sha256()
    with (
        source.open("rb") as incoming,
        os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
    ):
        while chunk := incoming.read(1 << 20):
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return target, digest.hexdigest()


def send_load(campaign_id: int) -> None:
    """Ask for the loading job; when the broker is away, the sweep finds the waiting base."""
    messages.send("campaigns.load_bases", [campaign_id], queue="jobs")


def load_waiting(campaign_id: int) -> bool:
    """Load the waiting bases of a campaign, one after another in the order of their ids. The job's body.

    May run any number of times and in many processes: a campaign's bases are loaded by one of them at a time, so that
    which of two equal numbers is kept does not depend on chance. After a crash it finishes what was begun.

    :returns: whether there was anything to do.
    """
    done = False
    while (hold := base_loading.claim(campaign_id, _settings().uploads)) is not None:
        base_loading.run(hold)
        done = True
    return done


def send_waiting() -> None:
    """Ask for the loading jobs that found no turn."""
    with read() as session:
        query = select(ContactBase.campaign_id).where(ContactBase.state == BaseState.WAITING)
        waiting = session.scalars(query.distinct()).all()
    for campaign_id in waiting:
        send_load(campaign_id)


def sweep_dead_loads() -> list[int]:
    """Campaigns whose loading job must be sent again: it died, or its message was lost."""
    now = utcnow()
    with read() as session:
        bases = session.scalars(
            select(ContactBase).where(ContactBase.state.in_([BaseState.WAITING, BaseState.LOADING]))
        ).all()
    busy = {b.campaign_id for b in bases if b.state == BaseState.LOADING and not base_loading.is_dead(b, now)}
    late = dt.timedelta(seconds=base_loading.DEAD_AFTER_S)
    stuck = {b.campaign_id for b in bases if b.state == BaseState.LOADING or abs(now - b.created_at) > late}
    return sorted(stuck - busy)


def sweep_files() -> int:
    """Remove uploaded files that belong to no base: of deleted campaigns, or of an upload that died half way."""
    uploads = _settings().uploads
    old = time.time() - FILE_GRACE_S
    found = [path for path in uploads.glob("*.list") if path.stat().st_mtime < old]
    if not found:
        return 0
    with read() as session:
        known = set(session.scalars(select(ContactBase.path)))
    orphans = [path for path in found if path.name not in known]
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


def sweep_old_uploads() -> int:
    """Remove files as they were sent that were loaded, or refused, long enough ago; their contacts stay."""
    settings = _settings()
    before = utcnow() - dt.timedelta(days=settings.keep_uploads_days)
    done = [BaseState.READY, BaseState.FAILED, BaseState.CANCELLED]
    with read() as session:
        query = select(ContactBase.path).where(ContactBase.created_at < before, ContactBase.state.in_(done))
        old = set(session.scalars(query))
    found = [path for path in settings.uploads.glob("*.list") if path.name in old]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def cancel(base_id: int) -> None:
    """Stop loading; nothing of the base stays. Nothing happens when it has failed or was cancelled before.

    :raises CampaignError: base_unknown, base_already_ready.
    """

    def work(session: Session) -> tuple[int, str]:
        base = _locked(session, base_id)
        if base.state == BaseState.READY or (base.layout or {}).get("phase") in ("publish", "delete"):
            raise _error("base_already_ready")
        if base.state == BaseState.WAITING:
            base.state = BaseState.CANCELLED
            audit.append(session, "base_cancelled", "base", base_id, campaign=base.campaign_id)
            return base.campaign_id, base.path
        if base.state == BaseState.LOADING:
            base.cancel_requested = True
            audit.append(session, "base_cancelled", "base", base_id, campaign=base.campaign_id)
            return base.campaign_id, ""
        return 0, ""

    campaign_id, path = write(work)
    if path:
        (_settings().uploads / path).unlink(missing_ok=True)
    elif campaign_id:
        send_load(campaign_id)  # in case the job died


def delete(base_id: int) -> None:
    """Delete a base with its contacts and rejected rows.

    Not while the campaign runs, since its contacts may be claimed at any moment; and not when any of them was ever
    called, because then the report and the rule "nobody twice" need them. Once begun it is finished by the next
    loading job, whatever dies; a contact that is called in between stays, with the base.

    :raises CampaignError: base_unknown, base_is_loading, campaign_is_running, base_has_attempts.
    """

    def work(session: Session) -> tuple[int, int, str]:
        base = _locked(session, base_id)
        phase = (base.layout or {}).get("phase")
        if base.state == BaseState.LOADING and phase != "delete":
            raise _error("base_is_loading")
        told = {"campaign": base.campaign_id, "file": base.filename}
        if base.state in (BaseState.WAITING, BaseState.FAILED, BaseState.CANCELLED):
            session.delete(base)
            audit.append(session, "base_deleted", "base", base_id, **told)
            return 0, 0, base.path
        campaign = session.get_one(Campaign, base.campaign_id)
        if campaign.state == CampaignState.RUNNING:
            raise _error("campaign_is_running")
        called = select(Attempt.id).join(Contact, Contact.id == Attempt.contact_id).where(Contact.base_id == base_id)
        if session.scalar(select(exists(called))):
            raise _error("base_has_attempts")
        base.state, base.heartbeat_at = BaseState.LOADING, None
        base.layout = {**(base.layout or {}), "phase": "delete"}
        audit.append(session, "base_deleted", "base", base_id, **told)
        return base.campaign_id, base.accepted + base.rejected + base.duplicates, ""

    campaign_id, rows, path = write(work)
    if path:
        (_settings().uploads / path).unlink(missing_ok=True)
    elif rows <= DELETE_AT_ONCE:
        load_waiting(campaign_id)
    else:
        send_load(campaign_id)


def _locked(session: Session, base_id: int) -> ContactBase:
    """The base, with its campaign locked first, as the loader does."""
    campaign_id = session.scalar(select(ContactBase.campaign_id).where(ContactBase.id == base_id))
    if campaign_id is not None:
        session.get(Campaign, campaign_id, with_for_update=True)
    base = session.get(ContactBase, base_id, with_for_update=True)
    if base is None:
        raise _error("base_unknown", status=404)
    return base


def rejected_rows(base_id: int, *, limit: int = 200, after_line: int = 0) -> list[RejectedView]:
    """Rows of the base that became no contacts, duplicates among them, in the order of the file."""
    query = (
        select(RejectedRow)
        .where(RejectedRow.base_id == base_id, RejectedRow.line > after_line)
        .order_by(RejectedRow.line, RejectedRow.id)
        .limit(limit)
    )
    with read() as session:
        rows = session.scalars(query).all()
        firsts = {int(row.detail.split(":")[0]) for row in rows if row.code == DUPLICATE}
        names = _names(session, firsts)
    return [_view(row, names) for row in rows]


def _names(session: Session, base_ids: Iterable[int]) -> dict[int, str]:
    query = select(ContactBase.id, ContactBase.filename).where(ContactBase.id.in_(list(base_ids)))
    return {base_id: name for base_id, name in session.execute(query)}


def _view(row: RejectedRow, names: dict[int, str]) -> RejectedView:
    words: dict[str, object] = {}
    if row.code == DUPLICATE:
        base_id, line = (int(part) for part in row.detail.split(":"))
        words = {"line": line, "filename": names.get(base_id, "?"), "base": base_id}
    return RejectedView(row.line, row.code, row.value, ROW_SENTENCES[row.code].format(**words), words)


def failure(base: ContactBase) -> CampaignError | None:
    """Why a base failed, as the error that it was."""
    if not base.error_code:
        return None
    words = json.loads(base.error_detail or "{}")
    template = {**contacts_file.SENTENCES, **SENTENCES}.get(base.error_code, base.error_code)
    try:
        sentence = template.format(**words)
    except KeyError:
        sentence = template
    return CampaignError(base.error_code, sentence, field="file", words=words)
