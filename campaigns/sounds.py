"""Messages are kept in the database too, in parts, so that every node has what its PBX must play (N15).

The file in ``settings.sounds`` is what is played; it is written from here on hosts where nobody uploaded it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from campaigns.models import Campaign, SoundFile, SoundPart
from config import database
from dialer.pbx_config import write_atomically

#: Bytes of one row; far below the longest statement that MariaDB takes, also when each byte is escaped.
PART = 256 * 1024
#: A sound that no campaign has goes after this time: its campaign may be about to be saved.
KEEP_UNUSED = dt.timedelta(days=1)


def path_of(folder: Path, stem: str) -> Path:
    """Where the PBX of this home looks for a message."""
    return folder / f"{stem}.wav"


def has(folder: Path, stem: str) -> bool:
    """Whether this home can play it."""
    return bool(stem) and path_of(folder, stem).is_file()


def is_kept(session: Session, stem: str) -> bool:
    """Whether the database has it, for any home to fetch."""
    return session.execute(select(SoundFile.stem).where(SoundFile.stem == stem)).first() is not None


def keep(folder: Path, stem: str) -> None:
    """Put a file of this home into the database, unless it is there."""
    if database.write(lambda session: _used_again(session, stem)):
        return
    content = path_of(folder, stem).read_bytes()
    parts = [
        {"stem": stem, "number": number, "content": content[start : start + PART]}
        for number, start in enumerate(range(0, max(1, len(content)), PART))
    ]
    digest = hashlib.sha256(content).hexdigest()

    def work(session: Session) -> None:
        if _used_again(session, stem):
            return
        session.add(SoundFile(stem=stem, size=len(content), sha256=digest))
        session.flush()
        session.execute(insert(SoundPart), parts)

    database.write(work)


def _used_again(session: Session, stem: str) -> bool:
    """Whether it is there; then the sweep leaves it alone until its campaign is saved."""
    again = update(SoundFile).where(SoundFile.stem == stem).values(created_at=database.utcnow())
    return bool(session.execute(again).rowcount)  # type: ignore[attr-defined]


def fetch(folder: Path, stem: str) -> bool:
    """Write it into this home from the database. :returns: False when the database has it not, or damaged."""
    with database.read() as session:
        digest = session.execute(select(SoundFile.sha256).where(SoundFile.stem == stem)).scalar_one_or_none()
        if digest is None:
            return False
        query = select(SoundPart.content).where(SoundPart.stem == stem).order_by(SoundPart.number)
        content = b"".join(session.execute(query).scalars())
    if hashlib.sha256(content).hexdigest() != digest:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path_of(folder, stem), content)
    return True


def keep_all(folder: Path) -> None:
    """Put every campaign's message that only this home has into the database: those of earlier releases."""
    with database.read() as session:
        used = set(session.scalars(select(Campaign.sound).where(Campaign.sound != "").distinct()))
        used -= set(session.scalars(select(SoundFile.stem)))
    for stem in used:
        if has(folder, stem):
            keep(folder, stem)


def sweep() -> None:
    """Forget what no campaign has any more."""
    before = database.utcnow() - KEEP_UNUSED
    unused = (SoundFile.created_at < before, SoundFile.stem.not_in(select(Campaign.sound)))
    with database.read() as session:
        if session.execute(select(SoundFile.stem).where(*unused).limit(1)).first() is None:
            return
    database.write(lambda session: session.execute(delete(SoundFile).where(*unused)))
