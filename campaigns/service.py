"""What the pages, the API and the command line call: create, change, start, pause, stop and explain campaigns."""

from __future__ import annotations

import datetime as dt
import time
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import BaseModel, Field, field_validator
from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from campaigns import caps, do_not_call, jobs, sounds, store
from campaigns.eligibility import ContactFacts, Verdict, may_call
from campaigns.errors import CampaignError
from campaigns.machines import Doubtful, MachinePolicy
from campaigns.message_editing import (
    add_sound,
    prepare_progress,
    preview,
    preview_text,
    region_changed,
    renew,
    set_message,
)
from campaigns.models import Attempt, Campaign, Contact, ContactBase
from campaigns.starting import problems, settings_problems
from campaigns.states import BaseState, CampaignState, ContactState, Disposition
from campaigns.windows import CallingWindows
from config import audit, database, messages, settings
from dialer import trunk_caps
from dialer.models import Trunk
from tts import sound_files

__all__ = ["add_sound", "prepare_progress", "preview", "preview_text", "set_message"]

#: Contacts made due in one transaction, and the pause before the next: dialling goes on in between.
DUE_CHUNK = 2000
BREATHE_S = 0.02
#: Which states each order may come from.
_STARTABLE = (CampaignState.DRAFT, CampaignState.PAUSED, CampaignState.STOPPED, CampaignState.FINISHED)


class CampaignForm(BaseModel):
    """The settings of a campaign (N13 to N17), validated; the message's sound is set apart."""

    name: str = Field(min_length=1, max_length=100, description="Name of the campaign")
    trunk_id: int | None = Field(None, ge=1, le=2**63 - 1, description="Trunk through which it calls")
    caller_id: str = Field("", pattern=r"^\+?\d{0,18}$", description="Number shown to the callee; one of the trunk's")
    region: str = Field("RU", pattern=r"^[A-Z]{2}$", description="Region of numbers without country code")
    timezone: str = Field("Europe/Moscow", description="Zone of the calling windows")
    channel_limit: int = Field(10, ge=1, le=5000, description="Most calls of this campaign at once")
    attempts: int = Field(3, ge=1, le=50, description="Attempts per number")
    ring_s: int = Field(30, ge=5, le=180, description="Seconds to let it ring")
    notification_s: float = Field(5, ge=0, le=3600, description="Seconds heard after which the callee is reached")
    retry_s: int = Field(900, ge=1, le=30 * 86400, description="Seconds between attempts")
    retry_busy_s: int | None = Field(None, ge=1, le=30 * 86400, description="The same after busy")
    retry_no_answer_s: int | None = Field(None, ge=1, le=30 * 86400, description="The same after no answer")
    retry_failed_s: int | None = Field(None, ge=1, le=30 * 86400, description="The same after a failed call")
    machines: MachinePolicy = Field(
        MachinePolicy.OFF,
        description="Answering machines: off (not listened for), leave (the message after the beep), retry (hang up and"
        " call again), human (as a person; reports show them)",
    )
    machines_doubtful: Doubtful = Field(
        Doubtful.HUMAN, description="When it is doubtful what answered: human (as a person), key (ask for a key first)"
    )
    windows: dict[str, Any] = Field(
        default_factory=lambda: CallingWindows.daily("09:00", "21:00").to_json(), description="Calling windows"
    )

    @field_validator("name", mode="after")
    @classmethod
    def _name_has_letters(cls, value: str) -> str:
        printed = "".join(sign for sign in " ".join(value.split()) if unicodedata.category(sign) != "Cc")
        value = printed.strip()
        if not value:
            raise ValueError("give the campaign a name")
        return value

    @field_validator("caller_id", mode="after")
    @classmethod
    def _digits(cls, value: str) -> str:
        return value.removeprefix("+")

    @field_validator("region", mode="after")
    @classmethod
    def _region_has_numbers(cls, value: str) -> str:
        if value not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("not a region with telephone numbers, such as RU")
        return value

    @field_validator("timezone", mode="after")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        return settings.known_zone(value)

    @field_validator("windows", mode="after")
    @classmethod
    def _windows_fit(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            return CallingWindows.from_json(value).to_json()
        except CampaignError as exc:
            raise ValueError(exc.sentence) from exc


@dataclass(frozen=True)
class Counts:
    """The numbers of a campaign now."""

    contacts: int = 0
    reached: int = 0
    not_reached: int = 0
    pending: int = 0
    unknown: int = 0
    open: int = 0  # attempts without outcome: calls being made or up
    attempts: int = 0
    rows: int = 0
    rejected: int = 0
    duplicates: int = 0


def create(form: CampaignForm, by: str = "") -> int:
    """A new draft. :returns: its id."""

    def work(session: Session) -> int:
        _check_trunk(session, form)
        campaign = Campaign(**form.model_dump(), created_by=by)
        session.add(campaign)
        session.flush()
        audit.append(session, "campaign_created", "campaign", campaign.id, name=campaign.name)
        return campaign.id

    return database.write(work)


def update_settings(campaign_id: int, form: CampaignForm) -> None:
    """Change the settings, also while it runs: they hold from the next claim on."""

    def work(session: Session) -> tuple[str, bool]:
        campaign = _locked(session, campaign_id)
        _check_trunk(session, form)
        wanted = form.model_dump()
        changed = audit.changes({key: getattr(campaign, key) for key in wanted}, wanted)
        for key, value in wanted.items():
            setattr(campaign, key, value)
        said_anew = region_changed(session, campaign)
        found = settings_problems(session, campaign) if campaign.state == CampaignState.RUNNING else []
        if found:  # a slip here would end every contact that is due, so it is refused while calls are made
            raise CampaignError(found[0].code, found[0].sentence, field=found[0].field, words=found[0].words)
        if changed:
            audit.append(session, "campaign_changed", "campaign", campaign_id, **changed)
        return campaign.state, said_anew

    state, said_anew = database.write(work)
    if said_anew:
        renew(campaign_id)
    _make_due_again(campaign_id, revive=state == CampaignState.RUNNING)
    jobs.wake(campaign_id)


def _make_due_again(campaign_id: int, *, revive: bool) -> None:
    """Contacts put off to an opening that may be another one now; those given up for want of one, when ``revive``.

    In small transactions: a large base must not keep others from writing. Nobody is lost when this is interrupted.
    """
    put_off = and_(Contact.put_off, Contact.state == ContactState.PENDING)
    given_up = and_(
        Contact.state == ContactState.NOT_REACHED,
        Contact.last_disposition.in_([Disposition.EXPIRED, Disposition.BLOCKED, Disposition.DO_NOT_CALL]),
    )
    condition = or_(put_off, given_up) if revive else put_off
    with database.read() as session:
        bases = session.scalars(select(ContactBase.id).where(ContactBase.campaign_id == campaign_id)).all()
    for base_id in bases:
        _make_due(base_id, condition)


def _make_due(base_id: int, condition: ColumnElement[bool]) -> None:
    """Those of one base. They are looked for before SQLite's write lock is taken, and each chunk behind the last."""
    after = 0
    while True:
        found = select(Contact.id).where(Contact.base_id == base_id, Contact.id > after, condition)
        with database.read() as session:
            ids = session.scalars(found.order_by(Contact.id).limit(DUE_CHUNK)).all()
        if not ids:
            return
        values = {"state": ContactState.PENDING, "due_at": database.utcnow(), "put_off": False}
        again = update(Contact).where(Contact.id.in_(ids), condition).values(values)
        database.write(lambda session, again=again: session.execute(again))  # type: ignore[misc]
        after = ids[-1]
        time.sleep(BREATHE_S)


def get(campaign_id: int) -> Campaign:
    """One campaign, detached.

    :raises CampaignError: campaign_missing.
    """
    with database.read() as session:
        campaign = session.get(Campaign, campaign_id)
    if campaign is None or campaign.state == CampaignState.DELETING or campaign.test_of is not None:
        raise _missing()
    return campaign


def start(campaign_id: int) -> None:
    """Begin or go on calling.

    :raises CampaignError: start_refused with every problem in ``words["problems"]``; state_wrong.
    """

    def work(session: Session) -> None:
        campaign = _locked(session, campaign_id)
        if campaign.state == CampaignState.RUNNING:
            return
        _require(campaign, _STARTABLE, "start")
        _run(session, campaign)
        audit.append(session, "campaign_started", "campaign", campaign_id, name=campaign.name)

    _make_due_again(campaign_id, revive=True)
    database.write(work)
    jobs.send_prepare(campaign_id)  # while it did not run little was prepared
    jobs.wake(campaign_id)


def resume(campaign_id: int) -> None:
    """Go on after a pause; the same checks as :func:`start`."""
    start(campaign_id)


def pause(campaign_id: int) -> None:
    """No new calls from the next claim on; calls that are up go on to their end."""
    _change(campaign_id, (CampaignState.RUNNING,), CampaignState.PAUSED, "pause", "campaign_paused")


def stop(campaign_id: int) -> None:
    """End the calling; contacts not reached yet stay as they are."""
    allowed = (CampaignState.RUNNING, CampaignState.PAUSED)
    _change(campaign_id, allowed, CampaignState.STOPPED, "stop", "campaign_stopped")


def delete(campaign_id: int) -> None:
    """Delete a campaign that does not run: hidden at once, its rows are removed by a job.

    :raises CampaignError: state_wrong while it runs; calls_up while calls of it are open.
    """

    def work(session: Session) -> None:
        campaign = _locked(session, campaign_id)
        if campaign.state == CampaignState.RUNNING:
            raise CampaignError("state_wrong", "A running campaign cannot be deleted: stop it first.", status=409)
        if store.open_counts(session, Attempt.campaign_id).get(campaign_id):
            raise CampaignError("calls_up", "Calls of this campaign are still up: wait until they end.", status=409)
        loading = select(ContactBase.id).where(
            ContactBase.campaign_id == campaign_id, ContactBase.state.in_([BaseState.LOADING, BaseState.WAITING])
        )
        if session.execute(loading.limit(1)).first():
            raise CampaignError("base_loading", "A base is still being loaded: cancel it or wait.", status=409)
        campaign.state = CampaignState.DELETING
        audit.append(session, "campaign_deleted", "campaign", campaign_id, name=campaign.name)

    database.write(work)
    messages.send("campaigns.remove", [campaign_id], queue="jobs")


def set_sound(campaign_id: int, source: Path, filename: str) -> None:
    """Make this file the campaign's message.

    :raises SoundError: it cannot be used as a message.
    """
    folder = settings.get().sounds
    sound = sound_files.convert(source, filename, folder)
    sounds.keep(folder, sound.stem)

    def work(session: Session) -> None:
        campaign = _locked(session, campaign_id)
        campaign.sound, campaign.sound_name = sound.stem, filename[:255]
        if campaign.message is None:
            campaign.sound_s = sound.duration_s
        audit.append(session, "message_changed", "campaign", campaign_id, file=filename, sha256=sound.stem)

    database.write(work)


def start_problems(campaign_id: int) -> list[CampaignError]:
    """Everything that would make Start fail, each with what to do."""
    with database.read() as session:
        campaign = session.get(Campaign, campaign_id)
        if campaign is None:
            raise _missing()
        return problems(session, campaign, settings.get())


def waits_for(campaign: Campaign) -> list[CampaignError]:
    """What a running campaign waits for that passes by itself: a trunk's caps of the day."""
    with database.read() as session:
        capped = caps.reached(session, campaign, database.utcnow())
    return [capped] if capped else []


def costly_allowed(campaign: Campaign) -> bool:
    """Whether the campaign's trunk dials premium-rate, shared-cost, personal and satellite numbers."""
    with database.read() as session:
        trunk = session.get(Trunk, campaign.trunk_id) if campaign.trunk_id else None
    return trunk is not None and trunk.costly_allowed


def decide_unknown(campaign_id: int, redial: bool) -> int:
    """The manager's decision on contacts whose call was lost with the PBX: call again, or give up.

    :returns: how many contacts it concerned.
    """
    values: dict[str, Any] = {"state": ContactState.NOT_REACHED, "due_at": None}
    if redial:
        values = {"state": ContactState.PENDING, "due_at": database.utcnow()}

    def work(session: Session) -> int:
        campaign = _locked(session, campaign_id)
        concerned = update(Contact).where(Contact.campaign_id == campaign_id, Contact.state == ContactState.UNKNOWN)
        if redial:  # one more attempt, even when the lost call was the last allowed
            fewer = case((Contact.attempts > 0, Contact.attempts - 1), else_=0)
            concerned = concerned.values(attempts=fewer)
        count = int(session.execute(concerned.values(**values)).rowcount)  # type: ignore[attr-defined]
        if redial and count and campaign.state == CampaignState.FINISHED:
            _run(session, campaign)
        if count:
            audit.append(session, "unknown_decided", "campaign", campaign_id, redial=redial, contacts=count)
        return count

    count = database.write(work)
    jobs.wake(campaign_id)
    return count


def counts(campaign_ids: list[int]) -> dict[int, Counts]:
    """The numbers of several campaigns in four queries."""
    found = {campaign_id: Counts() for campaign_id in campaign_ids}

    def add(query: Any, **of_row: int) -> None:
        for row in session.execute(query):
            if row[0] in found:
                values = {name: int(row[index] or 0) for name, index in of_row.items()}
                found[row[0]] = replace(found[row[0]], **values)

    with database.read() as session:
        states = (
            select(Contact.campaign_id, Contact.state, func.count())
            .where(Contact.campaign_id.in_(campaign_ids))
            .group_by(Contact.campaign_id, Contact.state)
        )
        for campaign_id, state, count in session.execute(states):
            so_far = found[campaign_id]
            found[campaign_id] = replace(so_far, contacts=so_far.contacts + count, **{state: count})
        add(
            select(Attempt.campaign_id, func.count())
            .where(Attempt.open_for_contact > 0, Attempt.campaign_id.in_(campaign_ids))
            .group_by(Attempt.campaign_id),
            open=1,
        )
        add(
            select(Attempt.campaign_id, func.count())
            .where(Attempt.campaign_id.in_(campaign_ids))
            .group_by(Attempt.campaign_id),
            attempts=1,
        )
        add(
            select(
                ContactBase.campaign_id,
                func.sum(ContactBase.rows),
                func.sum(ContactBase.rejected),
                func.sum(ContactBase.duplicates),
            )
            .where(ContactBase.campaign_id.in_(campaign_ids), ContactBase.state != BaseState.CANCELLED)
            .group_by(ContactBase.campaign_id),
            rows=1,
            rejected=2,
            duplicates=3,
        )
    return found


def why_not_called(contact_id: int) -> Verdict:
    """Ask the rules of calling about one contact now.

    :raises CampaignError: contact_missing.
    """
    with database.read() as session:
        contact = session.get(Contact, contact_id)
        if contact is None:
            raise CampaignError("contact_missing", "There is no such contact.", status=404)
        campaign = session.get_one(Campaign, contact.campaign_id)
        trunk = session.get(Trunk, campaign.trunk_id) if campaign.trunk_id else None
        is_open = session.execute(select(Attempt.id).where(Attempt.open_for_contact == contact_id)).first()
        capped = caps.reached(session, campaign, database.utcnow())
        base_is_ready = session.get_one(ContactBase, contact.base_id).state == BaseState.READY
        unwanted = bool(do_not_call.among(session, [contact.number]))
    facts = ContactFacts(
        contact.number,
        contact.attempts,
        contact.due_at,
        store.zone_of(contact.timezone),
        final=contact.state != ContactState.PENDING,
        open_attempt=is_open is not None,
        unprepared=campaign.message is not None and contact.prepared != campaign.message_version and base_is_ready,
        do_not_call=unwanted,
    )
    rules = store.rules_of(campaign, trunk)
    now = database.utcnow()
    return may_call(facts, replace(rules, cap_until=trunk_caps.next_day(now)) if capped else rules, now)


def window_opens(campaign: Campaign) -> dt.datetime | None:
    """When the campaign's own window is closed now: the moment it opens next; None when it is open or never opens."""
    now = database.utcnow()
    opens = CallingWindows.from_json(campaign.windows).next_open(now, ZoneInfo(campaign.timezone))
    return None if opens == now else opens


def _run(session: Session, campaign: Campaign) -> None:
    found = problems(session, campaign, settings.get())
    if found:
        sentence = " ".join(problem.sentence for problem in found)
        raise CampaignError("start_refused", sentence, status=409, words={"problems": found})
    campaign.state, campaign.state_code, campaign.state_detail = CampaignState.RUNNING, "", ""
    campaign.started_at = campaign.started_at or database.utcnow()
    campaign.finished_at = None


def _locked(session: Session, campaign_id: int) -> Campaign:
    campaign = session.get(Campaign, campaign_id, with_for_update=True)
    if campaign is None or campaign.state == CampaignState.DELETING:
        raise _missing()
    return campaign


def _missing() -> CampaignError:
    return CampaignError("campaign_missing", "There is no such campaign.", status=404)


def _require(campaign: Campaign, allowed: tuple[CampaignState, ...], order: str) -> None:
    if campaign.state not in allowed:
        sentence = f"A campaign that is {campaign.state} cannot {order}."
        words = {"state": campaign.state, "order": order}
        raise CampaignError("state_wrong", sentence, status=409, words=words)


def _change(campaign_id: int, allowed: tuple[CampaignState, ...], to: CampaignState, order: str, action: str) -> None:
    def work(session: Session) -> None:
        campaign = _locked(session, campaign_id)
        if campaign.state == to:
            return
        _require(campaign, allowed, order)
        campaign.state, campaign.state_code, campaign.state_detail = to, "", ""
        audit.append(session, action, "campaign", campaign_id, name=campaign.name)

    database.write(work)


def _check_trunk(session: Session, form: CampaignForm) -> None:
    if form.trunk_id is None:
        return
    trunk = session.get(Trunk, form.trunk_id)
    if trunk is None:
        raise CampaignError("trunk_missing", "There is no such trunk: choose another.", field="trunk_id")
    if form.caller_id and form.caller_id not in (trunk.caller_ids or []):
        sentence = "This caller id is not one of the trunk's: choose one of them or add it to the trunk."
        raise CampaignError("caller_id_not_owned", sentence, field="caller_id")
