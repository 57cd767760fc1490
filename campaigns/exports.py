"""Reports as files: asked for, written by a job, fetched, and deleted after a week.

The row is the truth. The message to the job may be lost, doubled or late: a run takes the export by a conditional
update and marks it with a token of its own, so of any number of runs one writes; a run that died is noticed by its
heartbeat, and :func:`sweep` sends the message again.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from campaigns import reports
from campaigns.errors import CampaignError
from campaigns.models import Campaign, Export
from campaigns.states import CampaignState, ExportState
from config import audit, database, messages, settings
from config.database import utcnow
from config.i18n import translator

__all__ = ["Export", "cancel", "file_of", "of_campaign", "request", "run", "sweep"]

log = structlog.get_logger(__name__)

FOLDER = "exports"
#: A run whose heartbeat is older is dead.
DEAD_AFTER = dt.timedelta(seconds=30)
#: The message is sent again when nobody took it for so long (a long import may keep all workers busy).
SEND_AGAIN_AFTER = dt.timedelta(seconds=60)
#: A report that killed its worker this often would do it again.
MOST_RUNS = 3
#: Seconds between two updates of progress and heartbeat.
BEAT_S = 1.0


class _Lost(Exception):
    """Another run has taken this export over, or its row is gone."""


def folder() -> Path:
    """Where the files lie, under names of our own."""
    return settings.get().home / FOLDER


def _path(export: Export) -> Path:
    return settings.get().home / export.path


def request(campaign_id: int, *, locale: str = "en", zone: str | None = None, by: str = "") -> int:
    """Ask for the Excel report of a campaign; returns the export's id at once.

    :param zone: tz database name for all times; by default the campaign's.
    :raises CampaignError: ``campaign_missing``, ``report_zone_unknown``.
    """

    def insert(session: Session) -> int:
        campaign = session.get(Campaign, campaign_id)
        if campaign is None or campaign.state == CampaignState.DELETING:
            raise CampaignError("campaign_missing", "There is no such campaign.", status=404)
        wanted = zone or campaign.timezone
        export = Export(
            campaign_id=campaign_id,
            filename=_filename(campaign.name, _local_date(wanted)),
            locale=locale,
            zone=wanted,
            created_by=by,
        )
        session.add(export)
        session.flush()
        audit.append(session, "report_requested", "report", export.id, campaign=campaign_id)
        return export.id

    export_id = database.write(insert)
    _send(export_id)
    return export_id


def _local_date(zone: str) -> dt.date:
    try:
        return utcnow().astimezone(ZoneInfo(zone)).date()
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise reports.zone_unknown(zone) from exc


def _filename(name: str, day: dt.date) -> str:
    """What the browser saves it as: the campaign's name without what a file system or header may take amiss."""
    plain = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|;]+', " ", name)
    plain = " ".join(plain.split()).strip(". ")[:80] or "campaign"
    return f"{plain} {day.isoformat()}.xlsx"


def of_campaign(campaign_id: int) -> Sequence[Export]:
    """All exports of a campaign, the newest first."""
    with database.read() as session:
        query = select(Export).where(Export.campaign_id == campaign_id).order_by(Export.id.desc())
        return session.execute(query).scalars().all()


def get(export_id: int) -> Export:
    """One export.

    :raises CampaignError: ``export_missing``.
    """
    with database.read() as session:
        export = session.get(Export, export_id)
    if export is None:
        raise CampaignError("export_missing", "There is no such report: it may be over a week old.", status=404)
    return export


def file_of(export_id: int) -> tuple[Path, str]:
    """The finished file, and the name under which a user saves it.

    :raises CampaignError: ``export_missing``, ``export_not_ready``.
    """
    export = get(export_id)
    if export.state != ExportState.READY:
        raise CampaignError("export_not_ready", "The report is not written yet: wait until it is ready.", status=409)
    path = _path(export)
    if not path.is_file():
        raise CampaignError("export_missing", "The report's file is gone: ask for a new report.", status=404)
    return path, export.filename


def hand_out(export_id: int) -> tuple[Path, str]:
    """The same as :func:`file_of`, for somebody who takes it: that is kept in the audit trail."""
    found = file_of(export_id)
    audit.record("report_downloaded", "report", export_id, campaign=get(export_id).campaign_id)
    return found


def cancel(export_id: int) -> None:
    """Stop writing this report; one that is finished stays.

    :raises CampaignError: ``export_missing``.
    """

    def work(session: Session) -> None:
        export = session.get(Export, export_id)
        if export is None:
            raise CampaignError("export_missing", "There is no such report: it may be over a week old.", status=404)
        if export.state == ExportState.WAITING:
            export.state = ExportState.CANCELLED
            export.finished_at = utcnow()
        elif export.state == ExportState.WORKING:
            export.cancel_requested = True

    database.write(work)


def remove(export_id: int) -> None:
    """Delete an export and its file; a run that writes it finds that out and ends."""
    with database.read() as session:
        export = session.get(Export, export_id)
    if export is not None:
        _remove(export)


def _remove(export: Export) -> None:
    database.write(lambda session: session.execute(delete(Export).where(Export.id == export.id)))
    if export.path:
        _path(export).unlink(missing_ok=True)


# --- the job ---------------------------------------------------------------------------------------------------------


def run(export_id: int) -> bool:
    """Write the file of an export that waits, or whose run died; anything else is left as it is.

    :returns: whether there was anything to do.
    """
    token = secrets.token_hex(8)
    export = database.write(lambda session: _take(session, export_id, token))
    if export is not None:
        _run(export, token)
    return export is not None


def _run(export: Export, token: str) -> None:
    export_id = export.id
    path = folder() / f"{export_id}-{token}.xlsx"
    try:
        _write(export, token, path)
    except _Lost:
        path.unlink(missing_ok=True)
    except reports.ReportCancelled:
        _finish(export_id, token, state=ExportState.CANCELLED)
    except DBAPIError:
        raise  # the database is away: the heartbeat grows old and the sweep begins anew
    except CampaignError as exc:
        _finish(export_id, token, state=ExportState.FAILED, error_code=exc.code, error_detail=exc.sentence[:300])
    except OSError as exc:
        path.unlink(missing_ok=True)
        detail = str(exc.strerror or type(exc).__name__)[:300]
        log.warning("export_not_written", export=export_id, error=detail)
        _finish(export_id, token, state=ExportState.FAILED, error_code="export_disk", error_detail=detail)
    except Exception:
        path.unlink(missing_ok=True)
        log.exception("export_failed", export=export_id)
        _finish(export_id, token, state=ExportState.FAILED, error_code="export_failed")


def _take(session: Session, export_id: int, token: str) -> Export | None:
    """Make this run the only writer; None when there is nothing to do."""
    now = utcnow()
    free = or_(
        Export.state == ExportState.WAITING,
        and_(Export.state == ExportState.WORKING, _is_old(Export.heartbeat_at, DEAD_AFTER, now)),
    )
    values = {
        "state": ExportState.WORKING,
        "run_token": token,
        "heartbeat_at": now,
        "progress": 0.0,
        "runs": Export.runs + 1,
    }
    taken = session.execute(update(Export).where(Export.id == export_id, free).values(values))
    if _rows(taken) == 0:
        return None
    export = session.get_one(Export, export_id)
    if export.cancel_requested or export.runs > MOST_RUNS:
        export.state = ExportState.CANCELLED if export.cancel_requested else ExportState.FAILED
        export.error_code = "" if export.cancel_requested else "export_failed"
        export.finished_at = now
        return None
    return export


def _is_old(moment: Any, age: dt.timedelta, now: dt.datetime) -> Any:
    """A time so far ahead is from before the clock was set back: as good as old."""
    return or_(moment < now - age, moment > now + age)


def _write(export: Export, token: str, path: Path) -> None:
    beat = _Beat(export.id, token)
    reports.write_workbook(
        export.campaign_id,
        path,
        translate=translator(export.locale),
        zone=export.zone,
        progress=beat.progress,
        cancelled=beat.cancelled,
    )
    done = {"state": ExportState.READY, "progress": 1.0, "path": f"{FOLDER}/{path.name}", "size": path.stat().st_size}
    if not _finish(export.id, token, **done):
        raise _Lost


class _Beat:
    """Writes progress and heartbeat once a second, and learns in the same moment whether to go on."""

    def __init__(self, export_id: int, token: str) -> None:
        self.export_id = export_id
        self.token = token
        self.share = 0.0
        self.next_at = 0.0

    def progress(self, share: float) -> None:
        self.share = share

    def cancelled(self) -> bool:
        now = time.monotonic()
        if now < self.next_at:
            return False
        self.next_at = now + BEAT_S
        return database.write(self._beat)

    def _beat(self, session: Session) -> bool:
        ours = (Export.id == self.export_id, Export.run_token == self.token, Export.state == ExportState.WORKING)
        session.execute(update(Export).where(*ours).values(progress=self.share, heartbeat_at=utcnow()))
        wish = session.execute(select(Export.cancel_requested).where(*ours)).scalar_one_or_none()
        if wish is None:
            raise _Lost
        return wish


def _finish(export_id: int, token: str, **values: Any) -> bool:
    """End this run; False when the export is no longer this run's."""

    def work(session: Session) -> bool:
        ours = (Export.id == export_id, Export.run_token == token, Export.state == ExportState.WORKING)
        done = session.execute(update(Export).where(*ours).values(finished_at=utcnow(), **values))
        return _rows(done) > 0

    return database.write(work)


def _rows(result: Any) -> int:
    return int(result.rowcount)


# --- the sweep -------------------------------------------------------------------------------------------------------


def sweep() -> None:
    """Send forgotten jobs again; delete what is over a week old, what has no campaign, and files without a row."""
    now = utcnow()
    for export in _outdated(now):
        _remove(export)
    for export_id in database.write(lambda session: _forgotten(session, now)):
        _send(export_id)
    _remove_strays(now)


def send_waiting() -> None:
    """Ask for the jobs that found no turn."""
    with database.read() as session:
        waiting = session.scalars(select(Export.id).where(Export.state == ExportState.WAITING)).all()
    for export_id in waiting:
        _send(export_id)


def _outdated(now: dt.datetime) -> Sequence[Export]:
    kept = select(Campaign.id).where(Campaign.state != CampaignState.DELETING)
    keep = dt.timedelta(days=settings.get().keep_reports_days)
    with database.read() as session:
        query = select(Export).where(or_(Export.created_at < now - keep, Export.campaign_id.not_in(kept)))
        return session.execute(query).scalars().all()


def _forgotten(session: Session, now: dt.datetime) -> list[int]:
    """Exports whose message was sent long ago and that nobody writes; marked as sent now."""
    nobody = or_(
        Export.state == ExportState.WAITING,
        and_(Export.state == ExportState.WORKING, _is_old(Export.heartbeat_at, DEAD_AFTER, now)),
    )
    query = select(Export.id).where(nobody, _is_old(Export.sent_at, SEND_AGAIN_AFTER, now))
    found = list(session.execute(query).scalars())
    if found:
        session.execute(update(Export).where(Export.id.in_(found)).values(sent_at=now))
    return found


def _remove_strays(now: dt.datetime) -> None:
    """Files and folders that killed runs left; a day old, so that none of them is being written."""
    if not folder().is_dir():
        return
    with database.read() as session:
        known = set(session.execute(select(Export.path)).scalars())
    for path in folder().iterdir():
        if f"{FOLDER}/{path.name}" not in known and path.stat().st_mtime < (now - dt.timedelta(days=1)).timestamp():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _send(export_id: int) -> None:
    """Tell a worker. A broker that is away costs nothing but time: the sweep sends it again."""
    messages.send("campaigns.write_export", [export_id], queue="jobs", expires=SEND_AGAIN_AFTER.total_seconds())
