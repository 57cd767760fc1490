"""Nodes (Asterisk servers) and trunks (ways out of them)."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, Double, Float, ForeignKey, Integer, String, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

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
    #: Takes no new calls; those that are up go on to their end.
    draining: Mapped[bool] = mapped_column(default=False, server_default="0")
    #: Why it claims nothing for a campaign: a stable code and the words for its sentence; empty when all is well.
    problem: Mapped[str] = mapped_column(String(40), default="", server_default="")
    problem_detail: Mapped[str] = mapped_column(String(300), default="", server_default="")
    #: Tells whether its home has the same key for the passwords of trunks as the others.
    key_print: Mapped[str] = mapped_column(String(16), default="", server_default="")
    #: Which dial worker speaks for this node (``dialer.lease``): its life, the number that grows with every new
    #: holder, and until when it holds without renewing; no time: nobody ever held it.
    lease_owner: Mapped[str] = mapped_column(String(200), default="", server_default="")
    lease_number: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    lease_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    def is_connected(self, now: dt.datetime) -> bool:
        """Whether the dial worker lives and speaks to its PBX."""
        return self.connected and not self.is_silent(now)

    def is_silent(self, now: dt.datetime) -> bool:
        """Whether nothing was heard of its dial worker for so long that it counts as gone."""
        return self.seen_at is None or now - self.seen_at >= NODE_SILENT


#: Which trunks live on which nodes. Limits of a trunk hold over all of its nodes together.
trunk_node = Table(
    "trunk_node",
    db.metadata,
    Column("trunk_id", Integer, ForeignKey("trunk.id", ondelete="CASCADE"), primary_key=True),
    Column("node_id", Integer, ForeignKey("node.id"), primary_key=True, index=True),
)


class Trunk(db.Model):
    """A way out: dial template, limits, what it may dial and as whom."""

    __tablename__ = "trunk"
    __table_args__ = IDS_ONCE

    id: Mapped[int] = mapped_column(primary_key=True)
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
    #: State of the token bucket behind ``cps``, for all nodes together (``dialer.pacing.refill``): tokens left at that
    #: moment, in seconds since 1970 of the database's clock; no moment: full.
    tokens: Mapped[float] = mapped_column(Double, default=0.0, server_default="0")
    tokens_at: Mapped[float | None] = mapped_column(Double)
    #: Caps of a day, see dialer.trunk_caps; None: no cap. Money is in whatever currency the price is.
    minutes_per_day: Mapped[int | None] = mapped_column(Integer)
    price_per_minute: Mapped[float | None] = mapped_column(Float)
    spend_per_day: Mapped[float | None] = mapped_column(Float)
    #: Premium-rate, shared-cost, personal and satellite numbers may be dialled.
    costly_allowed: Mapped[bool] = mapped_column(default=False, server_default="0")
    #: Parameters of answering machine detection, ``dialer.amd``; None: the usual ones.
    amd: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utcnow)
    nodes: Mapped[list[Node]] = relationship(secondary=trunk_node, lazy="selectin", order_by="Node.name")
