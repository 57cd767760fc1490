"""Gathers :class:`ops.facts.Facts`: a few indexed queries, one visit to the broker, a look at the disk."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from campaigns.models import Attempt, Campaign, Contact
from campaigns.states import CampaignState, ContactState
from config import database
from config.database import utcnow
from config.extensions import db
from config.settings import Settings
from dialer.models import Node, Trunk, TrunkKind, trunk_node
from dialer.pbx_status import PbxStatus
from ops import broker, signs, store
from ops.facts import CampaignFact, DiskFact, Facts, FolderFact, NodeFact, SignFact, TrunkFact

#: A dial worker's word about its trunks counts for so long.
FRESH = dt.timedelta(seconds=60)
JOBS = "jobs"
#: Folders that users' work is written to: setting or name below the home.
FOLDERS = ("sounds", "uploads", "exports")


def gather(settings: Settings, *, ping: bool = True) -> Facts:
    """The facts now. With ``ping`` the workers are asked as well, which takes a second."""
    with database.read() as session:
        nodes = _nodes(session)
        backup = store.setting(session, "backup")
        found: dict[str, Any] = {
            "nodes": nodes,
            "unknown": _unknown(session),
            "paused": _paused(session),
            "open_attempts": session.scalar(select(func.count()).where(Attempt.open_for_contact > 0)) or 0,
            "backup_at": _moment(backup.get("at")),
            "backup_every_h": int(store.setting(session, "delivery").get("backup_every_h", 48)),
            "restored": store.setting(session, "restored"),
            "database_bytes": database_bytes(session),
            "database_skew_s": _skew(session),
        }
    seen = broker.look([JOBS, *(f"dial.{node.name}" for node in nodes)], ping=ping)
    for name in seen.workers:
        if name.startswith(f"{JOBS}@"):
            signs.put(name, JOBS, pid=0, at_host=name.partition("@")[2])
    with database.read() as session:
        known = tuple(
            SignFact(row.name, row.role, row.host, row.pid, row.seen_at, row.facts or {})
            for row in signs.read_all(session)
        )
        trunks = _trunks(session, known)
    return Facts(
        now=utcnow(), signs=known, trunks=trunks, broker=seen, disks=disks(settings), folders=folders(settings), **found
    )


def _moment(value: object) -> dt.datetime | None:
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else None


def _nodes(session: Session) -> tuple[NodeFact, ...]:
    running = (
        select(trunk_node.c.node_id, func.count())
        .join(Campaign, Campaign.trunk_id == trunk_node.c.trunk_id)
        .where(Campaign.state == CampaignState.RUNNING)
        .group_by(trunk_node.c.node_id)
    )
    busy = {node_id: count for node_id, count in session.execute(running)}
    now = utcnow()
    return tuple(
        NodeFact(
            row.name,
            row.is_connected(now),
            row.seen_at,
            row.boot,
            row.ringing,
            row.talking,
            row.channels,
            busy.get(row.id, 0),
            row.draining,
            row.problem,
            row.problem_detail,
        )
        for row in session.scalars(select(Node).order_by(Node.name))
    )


def _unknown(session: Session) -> tuple[CampaignFact, ...]:
    """Campaigns with contacts that wait for a decision; counted by the index on campaign and state."""
    here = session.execute(
        select(Campaign.id, Campaign.name).where(Campaign.state != CampaignState.DELETING, Campaign.test_of.is_(None))
    )
    names = {campaign_id: name for campaign_id, name in here}
    if not names:
        return ()
    counts = session.execute(
        select(Contact.campaign_id, func.count())
        .where(Contact.campaign_id.in_(names), Contact.state == ContactState.UNKNOWN)
        .group_by(Contact.campaign_id)
    )
    return tuple(CampaignFact(campaign_id, names[campaign_id], count) for campaign_id, count in counts)


def _paused(session: Session) -> tuple[CampaignFact, ...]:
    rows = session.execute(
        select(Campaign.id, Campaign.name, Campaign.state_code, Campaign.state_detail).where(
            Campaign.state == CampaignState.PAUSED, Campaign.state_code != "", Campaign.test_of.is_(None)
        )
    )
    return tuple(CampaignFact(row[0], row[1], 0, row[2], row[3]) for row in rows)


def _trunks(session: Session, known: tuple[SignFact, ...]) -> tuple[TrunkFact, ...]:
    now = utcnow()
    told = {
        sign.name.removeprefix("dial."): PbxStatus.from_json(sign.facts)
        for sign in known
        if sign.role == "dial" and now - sign.seen_at < FRESH and "ami_error" not in sign.facts
    }
    up = session.execute(
        select(Attempt.trunk_id, func.count()).where(Attempt.open_for_contact > 0).group_by(Attempt.trunk_id)
    )
    open_calls = {trunk_id: count for trunk_id, count in up}
    lives_on = select(Trunk, Node.name).join(trunk_node, trunk_node.c.trunk_id == Trunk.id)
    lives_on = lives_on.join(Node, Node.id == trunk_node.c.node_id).order_by(Trunk.name, Node.name)
    found = []
    for row, node in session.execute(lives_on):
        status = told[node].trunks.get(row.name) if node in told else None
        asked = status is not None and row.qualify and row.enabled and row.kind != TrunkKind.OTHER
        found.append(
            TrunkFact(
                row.name,
                row.title or row.name,
                node,
                row.kind,
                row.enabled,
                status.reachable if status is not None and asked else None,
                status.registration if status is not None else "",
                row.register and row.enabled,
                open_calls.get(row.id, 0),
                row.channels,
            )
        )
    return tuple(found)


def database_bytes(session: Session) -> int:
    """Size of the database, its indexes included."""
    if db.engine.dialect.name == "sqlite":
        pages = session.execute(text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"))
        return int(pages.scalar() or 0)
    size = text("SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()")
    return int(session.execute(size).scalar() or 0)


def _skew(session: Session) -> float:
    """The database server's clock minus ours, in seconds."""
    if db.engine.dialect.name == "sqlite":
        return 0.0
    theirs = session.execute(text("SELECT UNIX_TIMESTAMP(NOW(3))")).scalar()
    return round(float(theirs or 0) - time.time(), 3)


def disks(settings: Settings) -> tuple[DiskFact, ...]:
    """The file systems of the home, and of the database when it is a file elsewhere."""
    paths = {"home": settings.home}
    if db.engine.dialect.name == "sqlite" and db.engine.url.database:
        file = Path(db.engine.url.database)
        with contextlib.suppress(OSError):
            if file.parent.stat().st_dev != settings.home.stat().st_dev:
                paths["database"] = file.parent
    found = []
    for subject, path in paths.items():
        with contextlib.suppress(OSError):
            usage = shutil.disk_usage(path)
            found.append(DiskFact(subject, str(path), usage.total, usage.free))
    return tuple(found)


def folders(settings: Settings) -> tuple[FolderFact, ...]:
    """Whether a file can really be written where users' work goes."""
    return tuple(FolderFact(name, str(settings.home / name), _cannot_write(settings.home / name)) for name in FOLDERS)


def _cannot_write(folder: Path) -> str:
    if not folder.exists():
        folder = folder.parent  # it is made when something is written there first
    try:
        descriptor, name = tempfile.mkstemp(prefix=".probe-", dir=folder)
        try:
            os.write(descriptor, b"can it be written?")
        finally:
            os.close(descriptor)
            Path(name).unlink(missing_ok=True)
    except OSError as exc:
        return exc.strerror or type(exc).__name__
    return ""


def from_epoch(seconds: object) -> dt.datetime | None:
    """A stored time in seconds since 1970 as aware UTC."""
    return dt.datetime.fromtimestamp(float(seconds), dt.UTC) if isinstance(seconds, int | float) else None
