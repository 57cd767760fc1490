"""Back to what a backup holds. Nothing is touched before the whole file was checked; what was there is kept aside.

Calls that were made after the backup are not known afterwards. So every campaign that was active comes back paused
with that reason, and attempts that were open come back as of another life of the PBX: they end with what its journal
says, or as ``unknown``, and nobody is called again without a person's decision.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import delete, make_url, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from campaigns.models import Attempt, Campaign
from campaigns.pause_reasons import RESTORED
from campaigns.states import CampaignState
from config import database
from config.app import create_base_app
from config.database import utcnow
from config.extensions import db
from config.settings import Settings
from ops import backup, backup_file, database_copy, signs, store
from ops.errors import OpsError
from ops.models import Alarm, AlarmNotice, SignOfLife
from ops.readiness import MIGRATIONS

#: Brings the database of this application to a revision (the newest by default).
Migrate = Callable[..., None]
#: What is moved aside and put in place, besides a database that is a file.
PARTS = ("secrets.json", *backup.FOLDERS)
SQLITE_PARTS = tuple(f"{database_copy.SQLITE_FILE}{end}" for end in ("", "-wal", "-shm"))
#: No life of an Asterisk has this name.
OTHER_BOOT = "before the restore"


@dataclass(frozen=True)
class Restored:
    """What was done."""

    made_at: dt.datetime
    aside: Path | None  # where what was there is kept
    paused: int  # campaigns that came back paused
    open_attempts: int


def restore(settings: Settings, source: Path, migrate: Migrate) -> Restored:
    """Restore this home; the caller holds its lock, so that nothing runs on it.

    :raises OpsError: the file cannot be used, the database is another kind, or is in use; nothing is changed then.
    """
    for left in settings.home.glob(".restore-*"):  # of a restore that was killed
        shutil.rmtree(left, ignore_errors=True)
    staging = settings.home / f".restore-{utcnow():%Y%m%d-%H%M%S}"
    staging.mkdir(mode=0o700)
    try:
        manifest = backup_file.unpack(source, staging)
        _check(settings, manifest, source)
        aside = settings.home / f"before-restore-{utcnow():%Y%m%d-%H%M%S}"
        if manifest["database"]["kind"] == "sqlite":
            return _sqlite(settings, staging, aside, manifest, migrate)
        return _mariadb(settings, staging, aside, manifest, migrate)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check(settings: Settings, manifest: dict[str, Any], source: Path) -> None:
    kind, schema = manifest["database"]["kind"], manifest["schema"]
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    if schema not in {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}:
        sentence = "{path} was made by a newer Obzvon: install that version first. Nothing was changed."
        raise OpsError("backup_newer", sentence.format(path=source), status=409, words={"path": source})
    ours = "sqlite" if settings.database_url.startswith("sqlite") else "mariadb"
    if kind != ours:
        words = {"theirs": kind, "ours": ours}
        sentence = (
            "The backup holds a database of {theirs}, and this copy uses {ours}: set OBZVON_DATABASE_URL to a "
            "database of that kind first. Nothing was changed."
        )
        raise OpsError("backup_other_database", sentence.format(**words), status=409, words=words)


def _sqlite(settings: Settings, staging: Path, aside: Path, manifest: dict[str, Any], migrate: Migrate) -> Restored:
    """Everything that can fail is done on the copy; then the parts change places."""
    (staging / "database" / database_copy.SQLITE_FILE).replace(staging / database_copy.SQLITE_FILE)
    url = f"sqlite:///{staging}/{database_copy.SQLITE_FILE}"
    app = create_base_app(settings.model_copy(update={"home": staging, "database_url": url}))
    paused, left_open = _make_ready(app, manifest, migrate)
    database_copy.settle(staging / database_copy.SQLITE_FILE)
    place = Path(make_url(settings.database_url).database or "").absolute()
    for name in SQLITE_PARTS:
        present = place.with_name(place.name + name.removeprefix(database_copy.SQLITE_FILE))
        _aside(present, aside / name)
    _put_files(settings, staging, aside)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(staging / database_copy.SQLITE_FILE, place)
    return _told(manifest, aside, paused, left_open)


def _mariadb(settings: Settings, staging: Path, aside: Path, manifest: dict[str, Any], migrate: Migrate) -> Restored:
    app = create_base_app(settings)
    before = aside / "database-before.tar.gz"
    with app.app_context():
        if database_copy.tables_of(db.engine):
            _require_quiet()
            backup.make(settings, before, note=False)
        try:
            _load(app, staging / "database", manifest, migrate)
            paused, left_open = _make_ready(app, manifest, migrate)
        except (SQLAlchemyError, OpsError) as exc:
            kept = f" What was there is in {before}: restore that file." if before.exists() else ""
            reason = exc.sentence if isinstance(exc, OpsError) else type(exc).__name__
            raise OpsError("restore_failed", f"The database could not be restored: {reason}{kept}", status=500) from exc
    _put_files(settings, staging, aside)
    return _told(manifest, aside, paused, left_open)


def _load(app: Flask, folder: Path, manifest: dict[str, Any], migrate: Migrate) -> None:
    database_copy.drop_all(db.engine)
    if manifest["database"]["how"] == "dump":
        database_copy.load_dump(db.engine, folder)
    else:
        migrate(app, revision=manifest["schema"])
        database_copy.load_rows(db.engine, folder)


def _require_quiet() -> None:
    """Another host may work on the same database; the lock of the home does not tell."""
    with database.read() as session:
        try:
            found = [sign.name for sign in signs.read_all(session) if utcnow() - sign.seen_at < signs.SILENT]
        except SQLAlchemyError:
            return  # a database without that table, of an older version or of something else
    if any("@" in name or name.startswith("dial.") for name in found):
        words = {"names": ", ".join(found)}
        sentence = "Processes still work on this database ({names}): end them first. Nothing was changed."
        raise OpsError("restore_in_use", sentence.format(**words), status=409, words=words)


def _make_ready(app: Flask, manifest: dict[str, Any], migrate: Migrate) -> tuple[int, int]:
    """The newest schema, and what must not go on as if no time had passed."""
    made_at = dt.datetime.fromisoformat(manifest["made_at"])

    def work(session: Session) -> tuple[int, int]:
        active = Campaign.state.in_([CampaignState.RUNNING, CampaignState.PAUSED])
        paused = session.execute(
            update(Campaign)
            .where(active)
            .values(state=CampaignState.PAUSED, state_code=RESTORED, state_detail=f"{made_at:%Y-%m-%d %H:%M:%S}")
        )
        left_open = session.execute(update(Attempt).where(Attempt.open_for_contact > 0).values(boot=OTHER_BOOT))
        session.execute(delete(SignOfLife))
        session.execute(update(AlarmNotice).values(due_at=None))
        session.execute(update(Alarm).where(Alarm.ended_at.is_(None)).values(ended_at=utcnow(), open_key=None))
        value = {"backup_at": made_at.isoformat(), "restored_at": utcnow().isoformat()}
        store.put_setting(session, "restored", value)
        return int(paused.rowcount), int(left_open.rowcount)  # type: ignore[attr-defined]

    with app.app_context():
        migrate(app)
        counts = database.write(work)
        db.engine.dispose()
    return counts


def _put_files(settings: Settings, staging: Path, aside: Path) -> None:
    for name in PARTS:
        _aside(settings.home / name, aside / name)
        if (staging / name).exists():
            shutil.move(staging / name, settings.home / name)
    kept = staging / "obzvon.env"
    if kept.exists():
        # Settings of this host win: those of the backup may name another database or other ports.
        target = settings.home / "obzvon.env"
        shutil.move(kept, target.with_name("obzvon.env.from-backup") if target.exists() else target)


def _aside(present: Path, kept: Path) -> None:
    if present.is_dir() and not any(present.iterdir()):
        present.rmdir()
    if present.exists():
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(present, kept)


def _told(manifest: dict[str, Any], aside: Path, paused: int, left_open: int) -> Restored:
    made_at = dt.datetime.fromisoformat(manifest["made_at"])
    return Restored(made_at, aside if aside.exists() else None, paused, left_open)
