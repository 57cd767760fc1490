"""Signs of life of the processes, alarms, their notices, and the settings of their delivery."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from config.database import IDS_ONCE, UtcDateTime, utcnow
from config.extensions import db


class SignOfLife(db.Model):
    """The last sign of life of one process, written by itself, or by whoever it answered."""

    __tablename__ = "sign_of_life"

    #: ``web@host``, ``jobs@host``, ``dial.node``, ``beat@host``; ``evaluator``: who evaluated the alarms last.
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    host: Mapped[str] = mapped_column(String(100), default="")
    pid: Mapped[int] = mapped_column(Integer, default=0)
    version: Mapped[str] = mapped_column(String(20), default="")
    seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    #: What this process alone knows; for a dial worker ``dialer.pbx_status.PbxStatus.to_json``.
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class Alarm(db.Model):
    """A condition that somebody must look at: first seen, raised when it lasts, ended when it is over for a while."""

    __tablename__ = "alarm"
    __table_args__ = (Index("ix_alarm_ended", "ended_at"), IDS_ONCE)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(100), default="")
    #: ``code:subject`` until it ended, else NULL: the database itself refuses a second one.
    open_key: Mapped[str | None] = mapped_column(String(150), unique=True)
    severity: Mapped[str] = mapped_column(String(10))
    #: Words for its sentences in ``ops.alarm_texts``; from the last evaluation that saw it.
    words: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    since: Mapped[dt.datetime] = mapped_column(UtcDateTime)  # first seen
    raised_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # it lasted; None: not yet told to anybody
    gone_since: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # not seen since, but not ended yet
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    acknowledged_by: Mapped[str] = mapped_column(String(100), default="")
    acknowledged_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    notified_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class AlarmNotice(db.Model):
    """One message about an alarm through one channel: sent until it was taken, or given up."""

    __tablename__ = "alarm_notice"
    __table_args__ = (Index("ix_alarm_notice_due_at", "due_at"), IDS_ONCE)

    id: Mapped[int] = mapped_column(primary_key=True)
    #: In the message too: whoever gets it twice (we died before we could note that it was taken) can see that.
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str] = mapped_column(String(10))  # webhook, mail
    kind: Mapped[str] = mapped_column(String(10))  # raised, cleared
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utcnow)
    #: Next try not before; NULL: taken or given up.
    due_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    sent_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(String(300), default="")


class OpsSetting(db.Model):
    """Settings and facts of this package by name: ``delivery``, ``backup``, ``restored``."""

    __tablename__ = "ops_setting"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utcnow)
    changed_by: Mapped[str] = mapped_column(String(100), default="")
