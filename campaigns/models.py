"""Campaigns, their bases and contacts, and every attempt to reach one."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from campaigns.states import BaseState, CampaignState, ContactState, ExportState
from config.database import IDS_ONCE, UtcDateTime, utcnow
from config.extensions import db

#: SQLite increments only INTEGER primary keys; MariaDB needs BIGINT for many millions of rows.
BigId = BigInteger().with_variant(Integer, "sqlite")


class Campaign(db.Model):
    """One task of calling: what is said, to whom, when and how often (N13 to N18)."""

    __tablename__ = "campaign"
    __table_args__ = IDS_ONCE

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(20), default=CampaignState.DRAFT, index=True)
    #: Why the product itself paused it: a stable code and the words for its sentence.
    state_code: Mapped[str] = mapped_column(String(40), default="")
    state_detail: Mapped[str] = mapped_column(String(300), default="")
    trunk_id: Mapped[int | None] = mapped_column(ForeignKey("trunk.id"))
    caller_id: Mapped[str] = mapped_column(String(20), default="")
    region: Mapped[str] = mapped_column(String(2), default="RU")
    timezone: Mapped[str] = mapped_column(String(64), default="Europe/Moscow")
    channel_limit: Mapped[int] = mapped_column(Integer, default=10)
    attempts: Mapped[int] = mapped_column(Integer, default=3)
    ring_s: Mapped[int] = mapped_column(Integer, default=30)
    #: Seconds after which we say that the callee heard the message (N14).
    notification_s: Mapped[float] = mapped_column(Float, default=5.0)
    retry_s: Mapped[int] = mapped_column(Integer, default=900)
    #: Own times for some dispositions; None means ``retry_s``.
    retry_busy_s: Mapped[int | None] = mapped_column(Integer)
    retry_no_answer_s: Mapped[int | None] = mapped_column(Integer)
    retry_failed_s: Mapped[int | None] = mapped_column(Integer)
    #: ``campaigns.windows.CallingWindows.to_json``.
    windows: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: The message: stem of the file in ``settings.sounds``, its name as uploaded, its length.
    sound: Mapped[str] = mapped_column(String(64), default="")
    sound_name: Mapped[str] = mapped_column(String(255), default="")
    sound_s: Mapped[float] = mapped_column(Float, default=0.0)
    #: ``campaigns.message.blocks.Message.to_json``; None: every callee hears ``sound``.
    message: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: Digest of ``message`` and of what else its sound depends on; contacts are prepared for one version of it.
    message_version: Mapped[str] = mapped_column(String(16), default="", server_default="")
    #: What is done with answering machines: ``campaigns.machines.MachinePolicy``.
    machines: Mapped[str] = mapped_column(String(12), default="off", server_default="off")
    #: A test call's own campaign (``campaigns.trial_calls``): whose message it tries. No list shows it.
    test_of: Mapped[int | None] = mapped_column(Integer)
    #: The same when it is doubtful what answered: ``campaigns.machines.Doubtful``.
    machines_doubtful: Mapped[str] = mapped_column(String(8), default="human", server_default="human")
    created_by: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utcnow)
    started_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class SoundFile(db.Model):
    """A message as the PBX plays it, for the nodes that do not have the file; its content is in its parts."""

    __tablename__ = "sound_file"

    stem: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utcnow)
    #: A piece of a message (``tts.pieces``), which can be made again; else a sound that somebody uploaded.
    made: Mapped[bool] = mapped_column(default=False, server_default="0")


class SoundPart(db.Model):
    """A piece of a message: one row of ten megabytes would be longer than MariaDB takes by default."""

    __tablename__ = "sound_part"

    stem: Mapped[str] = mapped_column(ForeignKey("sound_file.stem", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"))


class ContactBase(db.Model):
    """A loaded list (N18)."""

    __tablename__ = "base"
    __table_args__ = IDS_ONCE

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), index=True)
    filename: Mapped[str] = mapped_column(String(255))
    comment: Mapped[str] = mapped_column(String(500), default="")
    path: Mapped[str] = mapped_column(String(500))  # relative to settings.uploads
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(20), default=BaseState.WAITING)
    #: Error code and sentence's words when state is failed.
    error_code: Mapped[str] = mapped_column(String(40), default="")
    error_detail: Mapped[str] = mapped_column(String(500), default="")
    #: What was found in the file: format, encoding, delimiter, header_line, columns, phone_column, zone_column, sheet.
    layout: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[float] = mapped_column(Float, default=0.0)  # 0 to 1
    rows: Mapped[int] = mapped_column(Integer, default=0)
    accepted: Mapped[int] = mapped_column(Integer, default=0)
    rejected: Mapped[int] = mapped_column(Integer, default=0)
    duplicates: Mapped[int] = mapped_column(Integer, default=0)
    created_by: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utcnow)
    #: Renewed by the job that loads it; an old one means that the job died and it may be started again.
    heartbeat_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    loaded_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class Contact(db.Model):
    """A person to be called."""

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("campaign_id", "number"),
        Index("ix_contact_due", "campaign_id", "state", "due_at"),
        Index("ix_contact_base", "base_id"),
        IDS_ONCE,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    base_id: Mapped[int] = mapped_column(ForeignKey("base.id"))
    line: Mapped[int] = mapped_column(Integer)  # line or sheet row in the file, from 1
    number: Mapped[str] = mapped_column(String(20))  # E.164 digits without plus
    fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # every column of the row, as text
    timezone: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20), default=ContactState.PENDING)
    #: Attempts that count against the campaign's ``attempts``.
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    #: All attempts, also those that do not count (trunk failure, never placed).
    tries: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    #: Not before this moment. None while an attempt is open, while its base is not ready, and when final.
    due_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    #: ``due_at`` was moved to the opening of a calling window; changed windows make the contact due again.
    put_off: Mapped[bool] = mapped_column(default=False, server_default="0")
    last_disposition: Mapped[str | None] = mapped_column(String(20))
    #: What is played to it, once prepared: ``campaigns.message.prompts.Prompts.to_json``.
    prompts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: The ``Campaign.message_version`` for which ``prompts`` were made, or could not be made.
    prepared: Mapped[str] = mapped_column(String(16), default="", server_default="")
    #: Why they could not be made: an error's code, and the column at fault.
    prepare_code: Mapped[str] = mapped_column(String(40), default="", server_default="")
    prepare_column: Mapped[str] = mapped_column(String(200), default="", server_default="")


class Preparation(db.Model):
    """Who prepares the contacts of a campaign now, and what is in the way (``campaigns.preparing``)."""

    __tablename__ = "preparation"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    #: The run that is at work, '' between runs; another one ends when it finds its mark gone.
    holder: Mapped[str] = mapped_column(String(16), default="", server_default="")
    beat_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    #: An error's code and words: nothing could be made in the last run.
    problem: Mapped[str] = mapped_column(String(40), default="", server_default="")
    words: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: Pieces of the last run that another engine spoke than the one chosen, and why: {"rhvoice: code": count}.
    fallbacks: Mapped[dict[str, int] | None] = mapped_column(JSON(none_as_null=True))


class SpeechSetting(db.Model):
    """What the administrator decided about speech engines, by the engine's name."""

    __tablename__ = "speech_setting"

    engine: Mapped[str] = mapped_column(String(20), primary_key=True)
    #: ``texts`` and ``personal``: these may leave the house.
    value: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class RejectedRow(db.Model):
    """A row of a base that became no contact, and why."""

    __tablename__ = "rejected_row"
    __table_args__ = (Index("ix_rejected_row_base", "base_id", "line"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    base_id: Mapped[int] = mapped_column(ForeignKey("base.id"))
    line: Mapped[int] = mapped_column(Integer)
    code: Mapped[str] = mapped_column(String(40))
    value: Mapped[str] = mapped_column(String(100))  # the cell as it stood, shortened
    #: For duplicates: the line or base of the row that was kept.
    detail: Mapped[str] = mapped_column(String(200), default="")


class Attempt(db.Model):
    """One dialling of one contact. A row here exists before the call does, and its outcome is written once."""

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("contact_id", "number_of_attempt"),
        UniqueConstraint("open_for_contact"),
        # Open attempts are counted at every claim: few rows of many millions, so the index holds only them on SQLite.
        Index(
            "ix_attempt_open",
            "open_for_contact",
            "campaign_id",
            "trunk_id",
            "node_id",
            sqlite_where=text("open_for_contact IS NOT NULL"),
        ),
        Index("ix_attempt_campaign", "campaign_id", "claimed_at"),
        IDS_ONCE,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uid: Mapped[str] = mapped_column(String(20), unique=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"))
    #: The contact while the attempt is open, else NULL: the database itself refuses a second open attempt.
    open_for_contact: Mapped[int | None] = mapped_column(BigId)
    number_of_attempt: Mapped[int] = mapped_column(Integer)  # 1, 2, 3 … including those that do not count
    trunk_id: Mapped[int] = mapped_column(ForeignKey("trunk.id"))
    node_id: Mapped[int] = mapped_column(ForeignKey("node.id"))
    boot: Mapped[str] = mapped_column(String(40))  # the PBX's boot id at the claim
    claimed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    disposition: Mapped[str | None] = mapped_column(String(20))
    counted: Mapped[bool] = mapped_column(default=True)
    sip_code: Mapped[int | None] = mapped_column(Integer)
    cause: Mapped[int | None] = mapped_column(Integer)
    listened_s: Mapped[float] = mapped_column(Float, default=0.0)
    detail: Mapped[str] = mapped_column(Text, default="")
    #: What made it reached: the notification time, the key phrase, or a key (``campaigns.states.ReachedBy``).
    reached_by: Mapped[str] = mapped_column(String(10), default="", server_default="")
    #: What answered, as AMD heard it, and its cause; '' when it was not asked.
    machine: Mapped[str] = mapped_column(String(12), default="", server_default="")
    machine_cause: Mapped[str] = mapped_column(String(60), default="", server_default="")
    #: The hand-over: where to, how it ended, seconds waited, seconds talked; '' and None when there was none.
    handover: Mapped[str] = mapped_column(String(80), default="", server_default="")
    handover_result: Mapped[str] = mapped_column(String(20), default="", server_default="")
    waited_s: Mapped[float | None] = mapped_column(Float)
    talked_s: Mapped[float | None] = mapped_column(Float)


class AttemptStep(db.Model):
    """What a callee did at one step of a message: a row for each time that the step was spoken."""

    __tablename__ = "attempt_step"
    __table_args__ = (Index("ix_attempt_step_campaign", "campaign_id", "step", "result"),)

    attempt_id: Mapped[int] = mapped_column(BigId, ForeignKey("attempt.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)  # 1, 2, 3 … within the call
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    step: Mapped[str] = mapped_column(String(16))
    #: The key that was pressed, ``none``, ``invalid``, ``end`` (no keys asked for) or ``gone`` (hung up within).
    result: Mapped[str] = mapped_column(String(10))
    #: Name and value of an answer or an entered number.
    name: Mapped[str] = mapped_column(String(30), default="")
    value: Mapped[str] = mapped_column(String(30), default="")


class FailedHandover(db.Model):
    """A hand-over that came to nothing and was followed by another one, which the attempt itself tells of."""

    __tablename__ = "failed_handover"
    __table_args__ = (Index("ix_failed_handover_campaign", "campaign_id"),)

    attempt_id: Mapped[int] = mapped_column(BigId, ForeignKey("attempt.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)  # 1, 2, 3 … within the call
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    #: As in the attempt.
    handover: Mapped[str] = mapped_column(String(80))
    handover_result: Mapped[str] = mapped_column(String(20))
    waited_s: Mapped[float] = mapped_column(Float, default=0.0)


class DoNotCall(db.Model):
    """A number that no campaign calls any more: its owner said so by key, or a manager did."""

    __tablename__ = "do_not_call"

    number: Mapped[str] = mapped_column(String(20), primary_key=True)  # E.164 digits without plus
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utcnow)
    #: The campaign whose callee asked for it; None: a manager put it here, or it was said in a test call.
    campaign_id: Mapped[int | None] = mapped_column(Integer)
    #: Said in a test call, which ``created_by`` asked for.
    test_call: Mapped[bool] = mapped_column(default=False, server_default="0")
    created_by: Mapped[str] = mapped_column(String(255), default="", server_default="")
    comment: Mapped[str] = mapped_column(String(200), default="", server_default="")


class Export(db.Model):
    """A report that somebody asked for as a file."""

    __tablename__ = "export"
    __table_args__ = IDS_ONCE

    id: Mapped[int] = mapped_column(primary_key=True)
    #: No foreign key: a campaign can be deleted while a report of it is written; the sweep removes what is left.
    campaign_id: Mapped[int] = mapped_column(Integer, index=True)
    state: Mapped[str] = mapped_column(String(20), default=ExportState.WAITING)
    progress: Mapped[float] = mapped_column(Float, default=0.0)  # 0 to 1
    filename: Mapped[str] = mapped_column(String(255))  # as the user gets it
    path: Mapped[str] = mapped_column(String(100), default="")  # relative to settings.home; '' until ready
    size: Mapped[int] = mapped_column(BigInteger, default=0)  # bytes
    locale: Mapped[str] = mapped_column(String(10), default="en")
    zone: Mapped[str] = mapped_column(String(64))
    #: Error code and the words for its sentence when state is failed.
    error_code: Mapped[str] = mapped_column(String(40), default="")
    error_detail: Mapped[str] = mapped_column(String(300), default="")
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    #: Which run writes it now; a run that finds another's mark here has been given up for dead and ends.
    run_token: Mapped[str] = mapped_column(String(16), default="")
    runs: Mapped[int] = mapped_column(Integer, default=0)
    heartbeat_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    #: When the job's message was sent last.
    sent_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utcnow)
    created_by: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utcnow)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
