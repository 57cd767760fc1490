"""What an alarm says and what to do about it: for pages, e-mails and webhooks, in the reader's language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from campaigns import pause_reasons
from config.i18n import N_
from dialer.trunks import REHEARSAL_TITLE

Translate = Callable[[str], str]

#: Code -> (what is the matter, what to do). Words in braces come from the finding; ``subject`` is always there.
TEXTS: Mapping[str, tuple[str, str]] = {
    "pbx_away": (
        N_("The telephone exchange {subject} is not connected while {campaigns} campaigns run on it."),
        N_("It is started again by itself. If this lasts, look at pbx.log and dial.log of that node."),
    ),
    "node_problem": (
        N_("The exchange {subject} does not call for some campaigns: {code} {detail}"),
        N_("The page Nodes says why, and what to do."),
    ),
    "dial_silent": (
        N_("The dial worker of {subject} gives no sign of life since {since}."),
        N_("Nothing is dialled through it. It is started again by itself; if this lasts, look at dial.log."),
    ),
    "jobs_silent": (
        N_("No jobs worker answers since {since}."),
        N_("Imports and reports wait. It is started again by itself; if this lasts, look at jobs.log."),
    ),
    "beat_silent": (
        N_("Beat, which wakes the jobs, gives no sign of life since {since}."),
        N_("Calls go on; imports and reports may wait. It restarts by itself; if this lasts, look at beat.log."),
    ),
    "broker_away": (
        N_("The message broker does not answer ({error})."),
        N_("Nothing is lost and calls go on, but imports and reports wait. Look at redis.log, or at your own broker."),
    ),
    "queue_growing": (
        N_("{length} messages wait in the queue {subject}."),
        N_("Its worker is down, or too slow: look at the workers on this page, and start more of them."),
    ),
    "disk_low": (
        N_("{percent} of the disk with {path} are free ({free_mb} MB)."),
        N_("Delete old backups and reports, or give it more room, before calling stops."),
    ),
    "disk_full": (
        N_("The disk with {path} is full: {percent} are free ({free_mb} MB)."),
        N_("Make room at once: when nothing can be written, no call is placed. Old backups and logs go first."),
    ),
    "trunk_unreachable": (
        N_("The carrier of the trunk {title} does not answer the exchange {node}."),
        N_(
            "Ask the carrier; check host, port and firewall. If it never answers OPTIONS, switch that off in the trunk."
        ),
    ),
    "trunk_not_registered": (
        N_("The trunk {title} is not registered at its carrier (exchange {node}): {state}."),
        N_("“Rejected” means a wrong user or password, or a blocked account: check them with the carrier."),
    ),
    "unknown_waiting": (
        N_("{count} contacts of “{campaign}” wait for a decision: their calls were lost with the exchange."),
        N_("Open the campaign and choose: call them again, or give them up."),
    ),
    "campaign_paused": (
        N_("The campaign “{campaign}” was paused by the product itself. {reason}"),
        N_("Mend the cause, then press Resume on the campaign's page."),
    ),
    "folder_unwritable": (
        N_("Nothing can be written into {path}: {error}."),
        N_("Check the disk and the folder's owner; uploads, messages and reports fail until then."),
    ),
    "backup_old": (
        N_("The last backup was made {since}."),
        N_("Run `make backup`, and let cron run it each night."),
    ),
    "journal_not_emptied": (
        N_("{entries} outcomes wait in the call journal of {subject} for more than a minute."),
        N_("Nothing is lost. The database may be too slow or away: look at dial.log."),
    ),
    "clock_jump": (
        N_("The clock of {subject} jumped by {seconds} s."),
        N_("Check that one time service (chrony, systemd-timesyncd) runs there; calling windows depend on the clock."),
    ),
    "clock_skew": (
        N_("The clock of the database server differs from ours by {seconds} s."),
        N_("Let one time service run on both machines."),
    ),
}
KINDS: Mapping[str, str] = {"raised": N_("ALARM"), "cleared": N_("over"), "test": N_("test")}
TEST = (N_("This is a test of the alarms of {subject}."), N_("Nothing has to be done."))
OVER = N_("It is over.")
#: How a moment is written inside a sentence, by language.
MOMENTS = {"en": "%Y-%m-%d %H:%M:%S", "ru": "%d.%m.%Y %H:%M:%S"}


class _Words(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


@dataclass(frozen=True)
class Text:
    """An alarm in words."""

    what: str
    todo: str


def text_of(
    code: str, subject: str, words: Mapping[str, Any], translate: Translate, locale: str = "en", zone: str = "UTC"
) -> Text:
    """The sentences of this alarm; a code that is not known here speaks for itself."""
    filled = _Words(words, subject=subject)
    if "since" in filled:
        filled["since"] = moment(str(filled["since"]), locale, zone)
    if filled.get("title") == REHEARSAL_TITLE:
        filled["title"] = translate(REHEARSAL_TITLE)
    if code == "campaign_paused":
        filled["reason"] = _reason(words, translate)
    what, todo = TEST if code == "test" else TEXTS.get(code, (code, ""))
    return Text(translate(what).format_map(filled), translate(todo).format_map(filled) if todo else "")


def _reason(words: Mapping[str, Any], translate: Translate) -> str:
    code, detail = str(words.get("code", "")), str(words.get("detail", ""))
    sentence = pause_reasons.SENTENCES.get(code)
    return translate(sentence).format_map(_Words(detail=detail)) if sentence else f"{code}: {detail}"


def moment(iso: str, locale: str, zone: str) -> str:
    """A stored moment in this zone, with the zone's name."""
    try:
        local = dt.datetime.fromisoformat(iso).astimezone(ZoneInfo(zone))
    except ValueError:
        return iso
    return f"{local.strftime(MOMENTS.get(locale, MOMENTS['en']))} ({zone})"
