"""The audit trail as it is shown: who acts in a request, the words for actions, and the list."""

from __future__ import annotations

import datetime as dt
import json
from zoneinfo import ZoneInfo

from flask import current_app, g, has_request_context, request
from sqlalchemy import select

from config import audit, database
from config.audit import Actor, AuditEntry, Fault
from config.i18n import N_
from web.queries import Page, _like, _page

ACTIONS = {
    "signed_in": N_("signed in"),
    "sign_in_failed": N_("failed to sign in"),
    "signed_out": N_("signed out"),
    "password_changed": N_("changed the own password"),
    "password_reset": N_("gave an account a new password"),
    "account_created": N_("made an account"),
    "account_enabled": N_("enabled an account"),
    "account_disabled": N_("disabled an account"),
    "key_created": N_("made an API key"),
    "key_revoked": N_("revoked an API key"),
    "campaign_created": N_("made a campaign"),
    "campaign_changed": N_("changed a campaign"),
    "campaign_started": N_("started a campaign"),
    "campaign_paused": N_("paused a campaign"),
    "campaign_stopped": N_("stopped a campaign"),
    "campaign_deleted": N_("deleted a campaign"),
    "message_changed": N_("changed a campaign's message"),
    "card_opened": N_("opened the card of a call"),
    "test_call_made": N_("made a test call"),
    "unknown_decided": N_("decided on unknown contacts"),
    "base_uploaded": N_("uploaded a base"),
    "base_cancelled": N_("cancelled a base"),
    "base_deleted": N_("deleted a base"),
    "rejected_downloaded": N_("downloaded rejected rows"),
    "report_requested": N_("asked for a report"),
    "report_downloaded": N_("downloaded a report"),
    "number_erased": N_("erased a number"),
    "do_not_call_added": N_("put a number on the do-not-call list"),
    "do_not_call_removed": N_("took a number off the do-not-call list"),
    "trunk_created": N_("made a trunk"),
    "trunk_changed": N_("changed a trunk"),
    "trunk_deleted": N_("deleted a trunk"),
    "node_changed": N_("changed a node"),
    "node_drained": N_("drained a node"),
    "node_taken_back": N_("took a node back"),
    "node_given_up": N_("gave a node up"),
    "speech_accepted": N_("decided which texts a speech engine outside may get"),
    "alarm_taken": N_("took an alarm"),
    "alarm_settings_changed": N_("changed where alarms go"),
}

FAULTS = {
    Fault.ALTERED: N_("its content was changed, or it was put in by somebody else."),
    Fault.MISSING: N_("it was taken out of the middle."),
    Fault.CUT: N_("it and all after it were taken off the end."),
    Fault.HEAD: N_("the end of the trail was written without this copy's key."),
    Fault.SET_BACK: N_("the trail was emptied or replaced by another; entries that were seen before are not in it."),
}


def install() -> None:
    """Entries made in a request are the signed-in person's or the key's owner's."""
    audit.ask_for_actor(_of_request)


def _of_request() -> Actor | None:
    if not has_request_context():
        return None
    address = request.remote_addr or ""
    if request.blueprint == "api":
        owner = g.get("account")
        return Actor(f"{owner.username} (API)" if owner else "", address)
    # Only who is known already: loading the account here would wait, in a second connection, for the very transaction
    # that asks.
    user = g.get("_login_user")
    return Actor(user.username if user is not None and user.is_authenticated else "", address)


def entries(
    *, who: str = "", action: str = "", since: str = "", until: str = "", page: int = 1, per_page: int = 50
) -> Page[AuditEntry]:
    """Entries, newest first. Days are those of the copy's own zone, ``2026-12-31``; others are left out."""
    query = select(AuditEntry)
    if who.strip():
        query = query.where(AuditEntry.who.like(_like(who.strip()), escape="\\"))
    if action:
        query = query.where(AuditEntry.action == action)
    begin, end = _midnight(since), _midnight(until)
    if begin:
        query = query.where(AuditEntry.at >= begin)
    if end:
        query = query.where(AuditEntry.at < end + dt.timedelta(days=1))
    with database.read() as session:
        return _page(session, query.order_by(AuditEntry.number.desc()), page, per_page)


def _midnight(day: str) -> dt.datetime | None:
    try:
        date = dt.date.fromisoformat(day)
        zone = ZoneInfo(current_app.config["OBZVON"].default_timezone)
        return dt.datetime.combine(date, dt.time(), zone).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def told(entry: AuditEntry) -> str:
    """The details for a person: ``name: Debts, channels: 10 → 20``."""
    parts = []
    for name, value in entry.words.items():
        if isinstance(value, list) and len(value) == 2:
            parts.append(f"{name}: {_short(value[0])} → {_short(value[1])}")
        else:
            parts.append(f"{name}: {_short(value)}")
    return ", ".join(parts)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"
