"""Messages about alarms on their way: each is tried until it was taken, with growing pauses, for a day."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from config import database, metrics
from config.database import utcnow
from config.errors import ObzvonError
from config.i18n import N_, translator
from ops import alarm_texts, delivery, mail, signs, webhook
from ops.delivery import Delivery
from ops.errors import OpsError
from ops.models import Alarm, AlarmNotice
from ops.webhook import NotTaken

log = structlog.get_logger(__name__)

#: Pauses after the first, second … failure; the last one repeats until :data:`GIVEN_UP`.
PAUSES_S = (15, 30, 60, 120, 300, 600, 1800)
GIVEN_UP = dt.timedelta(days=1)
#: Whoever takes a notice has it for so long; longer than any delivery lasts.
TAKEN = dt.timedelta(seconds=90)
AT_ONCE = 20
KEPT = dt.timedelta(days=7)


def deliver_due() -> int:
    """Send what is due. Safe to run anywhere, any number of times. :returns: how many were taken."""
    settings = delivery.load()
    taken = 0
    for notice, alarm in _take():
        taken += _deliver(settings, notice, alarm)
    return taken


def _take() -> list[tuple[AlarmNotice, Alarm]]:
    """Due notices, now ours: their ``due_at`` lies ahead, so that nobody else sends them meanwhile."""
    now = utcnow()

    def work(session: Session) -> list[tuple[AlarmNotice, Alarm]]:
        due = (
            select(AlarmNotice, Alarm)
            .join(Alarm, Alarm.id == AlarmNotice.alarm_id)
            .where(AlarmNotice.due_at <= now)
            .order_by(AlarmNotice.id)
            .limit(AT_ONCE)
            .with_for_update()
        )
        rows = [(notice, alarm) for notice, alarm in session.execute(due)]
        for notice, _alarm in rows:
            notice.due_at = now + TAKEN
        session.execute(delete(AlarmNotice).where(AlarmNotice.due_at.is_(None), AlarmNotice.created_at < now - KEPT))
        return rows

    return database.write(work)


def _deliver(settings: Delivery, notice: AlarmNotice, alarm: Alarm) -> bool:
    try:
        _send(settings, notice.channel, message_of(settings, alarm, notice.kind, notice.uid))
    except (NotTaken, ObzvonError) as exc:
        _put_off(notice, _reason(exc))
        return False
    except Exception as exc:  # whatever it is: one notice must not keep the others from being sent
        log.exception("notice_failed", notice=notice.id)
        _put_off(notice, type(exc).__name__)
        return False
    _note(notice.id, due_at=None, sent_at=utcnow(), tries=notice.tries + 1, error="")
    metrics.notices.labels(notice.channel, "taken").inc()
    return True


def _put_off(notice: AlarmNotice, reason: str) -> None:
    now, tries = utcnow(), notice.tries + 1
    late = now - notice.created_at > GIVEN_UP
    pause = dt.timedelta(seconds=PAUSES_S[min(tries, len(PAUSES_S)) - 1])
    _note(notice.id, due_at=None if late else now + pause, tries=tries, error=reason[:300])
    metrics.notices.labels(notice.channel, "given_up" if late else "failed").inc()
    log.warning("notice_not_taken", notice=notice.id, channel=notice.channel, tries=tries, reason=reason[:200])


def _note(notice_id: int, **values: Any) -> None:
    database.write(
        lambda session: session.execute(update(AlarmNotice).where(AlarmNotice.id == notice_id).values(**values))
    )


def _reason(error: Exception) -> str:
    if isinstance(error, ObzvonError):
        return error.sentence.format_map({key: str(value) for key, value in error.words.items()})
    return str(error)


def message_of(settings: Delivery, alarm: Alarm, kind: str, uid: str) -> dict[str, Any]:
    """The message as the webhook gets it; the e-mail is made of the same."""
    translate = translator(settings.locale)
    text = alarm_texts.text_of(
        alarm.code, alarm.subject, alarm.words or {}, translate, settings.locale, settings.zone
    )  # fmt: skip
    return {
        "id": uid,
        "kind": kind,
        "alarm": alarm.id,
        "code": alarm.code,
        "subject": alarm.subject,
        "severity": alarm.severity,
        "since": alarm.since.isoformat(),
        "ended": alarm.ended_at.isoformat() if alarm.ended_at else None,
        "what": text.what,
        "todo": translate(alarm_texts.OVER) if kind == "cleared" else text.todo,
        "title": f"Obzvon {signs.host()}: {translate(alarm_texts.KINDS[kind])}",
    }


def _send(settings: Delivery, channel: str, message: dict[str, Any]) -> str:
    if channel == "webhook":
        if not (settings.webhook_url and settings.webhook_secret):
            raise NotTaken("no webhook is set up")
        return webhook.send(
            settings.webhook_url,
            settings.webhook_secret,
            message,
            allowed=settings.allowed_hosts,
            certificate=settings.certificate,
        )
    if not (settings.mail_host and settings.mail_to):
        raise NotTaken("no e-mail is set up")
    moment = alarm_texts.moment(message["since"], settings.locale, settings.zone)
    body = f"{message['what']}\n\n{message['todo']}\n\n{moment}\n{message['code']} {message['subject']}\n"
    composed = mail.compose(
        settings.mail_from, settings.mail_to, f"{message['title']}: {message['what']}", body, message["id"]
    )
    return mail.send(settings.server, composed)


def test(channel: str) -> str:
    """Send a test now with the saved settings. :returns: what the receiver said.

    :raises OpsError: nothing is set up, or it was not taken, with the exact reason.
    """
    settings = delivery.load()
    if channel == "webhook" and not (settings.webhook_url and settings.webhook_secret):
        raise OpsError(
            "webhook_missing", N_("No webhook is set up: give its address first, and save."), status=409
        )  # fmt: skip
    if channel == "mail" and not (settings.mail_host and settings.mail_to and settings.mail_from):
        sentence = N_("No e-mail is set up: give the server and the addresses first, and save.")
        raise OpsError("mail_missing", sentence, status=409)
    alarm = Alarm(id=0, code="test", subject=signs.host(), severity="warning", words={}, since=utcnow())
    try:
        return _send(settings, channel, message_of(settings, alarm, "test", secrets.token_hex(16)))
    except NotTaken as exc:
        words = {"reason": str(exc)}
        if channel == "webhook":
            raise OpsError(
                "webhook_failed", N_("The webhook was not taken: {reason}"), status=502, words=words
            ) from exc
        raise OpsError("mail_failed", N_("The e-mail was not taken: {reason}"), status=502, words=words) from exc


def last_errors() -> dict[str, AlarmNotice]:
    """The youngest notice of each channel whose last try failed."""
    with database.read() as session:
        found: dict[str, AlarmNotice] = {}
        query = select(AlarmNotice).order_by(AlarmNotice.id.desc()).limit(100)
        seen: set[str] = set()
        for notice in session.scalars(query):
            if notice.channel not in seen and notice.tries:
                seen.add(notice.channel)
                if notice.error:
                    found[notice.channel] = notice
        return found
