"""One file with everything that this copy knows: database, secrets, settings, messages, uploads, reports."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from alembic.runtime.migration import MigrationContext

from config import database
from config.database import utcnow
from config.extensions import db
from config.settings import Settings, own_folder
from ops import backup_file, database_copy, signs, store
from ops.errors import OpsError

log = structlog.get_logger(__name__)

FOLDERS = ("sounds", "uploads", "exports")
FILES = ("secrets.json", "obzvon.env")
#: Room that must be left on the disk, besides the copy of the database.
SPARE = 100 * 1024 * 1024


@dataclass(frozen=True)
class Made:
    """A finished backup."""

    path: Path
    size: int
    files: int


def make(settings: Settings, target: Path | None = None, *, note: bool = True) -> Made:
    """Write a backup, also while everything runs. Needs an application context.

    :param target: the file; by default ``<home>/backups/obzvon-<UTC time>.tar.gz``.
    :param note: remember in the database that it was made.
    :raises OpsError: no room, no right to write, or a damaged database; no half file is left.
    """
    began = utcnow()
    if target is None:
        target = settings.home / "backups" / f"obzvon-{began:%Y%m%d-%H%M%S}.tar.gz"
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = _write(settings, target)
    except OSError as exc:
        words = {"path": target, "reason": exc.strerror or type(exc).__name__}
        sentence = "The backup {path} could not be written: {reason}."
        raise OpsError("backup_not_written", sentence.format(**words), status=507, words=words) from exc
    if note:
        value = {"at": began.isoformat(), "path": str(target), "size": made.size}
        database.write(lambda session: store.put_setting(session, "backup", value))
    log.info("backup_made", path=str(target), size=made.size)
    return made


def _write(settings: Settings, target: Path) -> Made:
    own_folder(settings.run)
    work = Path(tempfile.mkdtemp(prefix="backup-", dir=settings.run))
    try:
        _require_room(work)
        moment = utcnow()
        how = database_copy.save(db.engine, work)
        with db.engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
        count = 0
        with backup_file.Writer(target) as writer:
            # First the database: what comes later into the folders is not named in it and does no harm.
            for path, name in (*_database_files(work), *_home_files(settings.home)):
                count += writer.add(path, name)
            writer.finish(
                {
                    "product": "obzvon",
                    "version": signs.VERSION,
                    "made_at": moment.isoformat(),
                    "host": signs.host(),
                    "schema": revision,
                    "database": {"kind": database_copy.kind_of(db.engine), "how": how},
                }
            )
        return Made(target, target.stat().st_size, count)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _require_room(folder: Path) -> None:
    from ops.look import database_bytes

    with database.read() as session:
        needed = database_bytes(session) + SPARE
    if shutil.disk_usage(folder).free < needed:
        raise OSError(28, os.strerror(28))


def _database_files(work: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(work.iterdir()):
        yield path, f"database/{path.name}"


def _home_files(home: Path) -> Iterator[tuple[Path, str]]:
    for name in FILES:
        yield home / name, name
    for folder in FOLDERS:
        for path in sorted((home / folder).rglob("*")):
            name = str(path.relative_to(home))
            # What is not named as we name files is on its way in, such as an upload of this very moment.
            if path.is_file() and not path.is_symlink() and backup_file.SAFE.fullmatch(name):
                yield path, name
