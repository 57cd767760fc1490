"""Nodes (Asterisk servers) and trunks (ways out of them)."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from sqlalchemy import JSON, Float, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from config.database import IDS_ONCE, UtcDateTime, utcnow
from config.extensions import db

#: A node whose dial worker said nothing for so long counts as not connected (it ticks each second when all is well).
NODE_SILENT = dt.timedelta(seconds=15)


class TrunkKind(StrEnum):
    REHEARSAL = "rehearsal"
    SIP = "sip"
    OTHER = "other"  # DAHDI, OOH323, IAX2: configured in Asterisk by hand, dialled by template


class Node(db.Model):
    """One Asterisk with its own dial worker; its Celery queue is ``dial.<name>``."""

    __tablename__ = "node"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20), unique=True)
    channels: Mapped[int] = mapped_column(Integer)
    cps: Mapped[float] = mapped_column(Float)
    boot: Mapped[str] = mapped_column(String(40), default="")
    connected: Mapped[bool] = mapped_column(default=False)
    ringing: Mapped[int] = mapped_column(default=0)
    talking: Mapped[int] = mapped_column(default=0)
    #: A stable code when its PBX is there but must not be used (see dialer.ami_rights), else ''.
    trouble: Mapped[str] = mapped_column(String(40), default="", server_default="")
    seen_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # the dial worker's last sign of life

    def is_connected(self, now: dt.datetime) -> bool:
        """Whether the dial worker lives and speaks to its PBX."""
        return self.connected and self.seen_at is not None and now - self.seen_at < NODE_SILENT


class Trunk(db.Model):
    """A way out: dial template, limits, what it may dial and as whom."""

    __tablename__ = "trunk"
    __table_args__ = IDS_ONCE

    id: Mapped[int] = mapped_column(primary_key=True)
    node_id: Mapped[int] = mapped_column(ForeignKey("node.id"))
    name: Mapped[str] = mapped_column(String(40), unique=True)  # [a-z0-9-], also the PJSIP endpoint's name
    title: Mapped[str] = mapped_column(String(100), default="")
    kind: Mapped[str] = mapped_column(String(20), default=TrunkKind.SIP)
    template: Mapped[str] = mapped_column(String(100), default="PJSIP/{number}@{trunk}")
    channels: Mapped[int] = mapped_column(Integer, default=60)
    cps: Mapped[float] = mapped_column(Float, default=10.0)
    number_prefix: Mapped[str] = mapped_column(String(10), default="")  # put before the E.164 digits
    allowed_prefixes: Mapped[list[str]] = mapped_column(JSON, default=list)  # E.164 digits; empty: all
    caller_ids: Mapped[list[str]] = mapped_column(JSON, default=list)  # digits; the first is the default
    host: Mapped[str] = mapped_column(String(255), default="")
    port: Mapped[int] = mapped_column(Integer, default=5060)
    username: Mapped[str] = mapped_column(String(100), default="")
    secret_encrypted: Mapped[str] = mapped_column(String(500), default="")
    register: Mapped[bool] = mapped_column(default=False)
    #: Ask the carrier now and then whether it is there (OPTIONS); off for the few that never answer it.
    qualify: Mapped[bool] = mapped_column(default=True)
    enabled: Mapped[bool] = mapped_column(default=True)
    #: [attempt id, contact id] of the outcomes in a row that were congestion; ten different contacts mean that
    #: the trunk itself is ill.
    congested: Mapped[list[list[int]]] = mapped_column(JSON, default=list)
    #: Caps of a day, see dialer.trunk_caps; None: no cap. Money is in whatever currency the price is.
    minutes_per_day: Mapped[int | None] = mapped_column(Integer)
    price_per_minute: Mapped[float | None] = mapped_column(Float)
    spend_per_day: Mapped[float | None] = mapped_column(Float)
    #: Premium-rate, shared-cost, personal and satellite numbers may be dialled.
    costly_allowed: Mapped[bool] = mapped_column(default=False, server_default="0")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utcnow)
