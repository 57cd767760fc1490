"""Messages are kept in the database too, in parts, so that every node has what its PBX must play (N15).

The file in ``settings.sounds`` is what is played; it is written from here on hosts where nobody uploaded it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import delete, false, insert, select, true, update
from sqlalchemy.orm import Session

from campaigns.message.blocks import Message, SoundBlock
from campaigns.models import Campaign, SoundFile, SoundPart
from config import database
from dialer.pbx_config import write_atomically

#: Bytes of one row; far below the longest statement that MariaDB takes, also when each byte is escaped.
PART = 256 * 1024
#: A sound that no campaign has goes after this time: its campaign may be about to be saved.
KEEP_UNUSED = dt.timedelta(days=1)
SWEPT_AT_ONCE = 5000
#: Files read by one query; a minute of speech is one megabyte.
FETCHED_AT_ONCE = 20


def path_of(folder: Path, stem: str) -> Path:
    """Where the PBX of this home looks for a message."""
    return folder / f"{stem}.wav"


def has(folder: Path, stem: str) -> bool:
    """Whether this home can play it."""
    return bool(stem) and path_of(folder, stem).is_file()


def is_kept(session: Session, stem: str) -> bool:
    """Whether the database has it, for any home to fetch."""
    return session.execute(select(SoundFile.stem).where(SoundFile.stem == stem)).first() is not None


def keep(folder: Path, stem: str, *, made: bool = False) -> None:
    """Put a file of this home into the database, unless it is there.

    :param made: a piece of a message, which can be made again.
    """
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
        session.add(SoundFile(stem=stem, size=len(content), sha256=digest, made=made))
        session.flush()
        session.execute(insert(SoundPart), parts)

    database.write(work)


def _used_again(session: Session, stem: str) -> bool:
    """Whether it is there; then the sweep leaves it alone until its campaign is saved."""
    again = update(SoundFile).where(SoundFile.stem == stem).values(created_at=database.utcnow())
    return bool(session.execute(again).rowcount)  # type: ignore[attr-defined]


def fetch(folder: Path, stem: str) -> bool:
    """Write it into this home from the database. :returns: False when the database has it not, or damaged."""
    return not fetch_all(folder, {stem})


def fetch_all(folder: Path, stems: Iterable[str]) -> set[str]:
    """Write these into this home from the database. :returns: those that the database has not, or damaged."""
    lost = set(stems)
    wanted = sorted(lost)
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(wanted), FETCHED_AT_ONCE):
        for stem, content in _contents(wanted[start : start + FETCHED_AT_ONCE]):
            write_atomically(path_of(folder, stem), content)
            lost.discard(stem)
    return lost


def _contents(stems: Sequence[str]) -> list[tuple[str, bytes]]:
    """Those of them that the database has whole."""
    query = select(SoundFile.stem, SoundFile.sha256, SoundPart.content).join(SoundPart)
    parts: dict[str, list[bytes]] = {}
    digests: dict[str, str] = {}
    with database.read() as session:
        for stem, digest, content in session.execute(
            query.where(SoundFile.stem.in_(stems)).order_by(SoundPart.stem, SoundPart.number)
        ):
            parts.setdefault(stem, []).append(content)
            digests[stem] = digest
    whole = ((stem, b"".join(found)) for stem, found in parts.items())
    return [(stem, content) for stem, content in whole if hashlib.sha256(content).hexdigest() == digests[stem]]


def keep_all(folder: Path) -> None:
    """Put every campaign's message that only this home has into the database: those of earlier releases."""
    with database.read() as session:
        used = set(session.scalars(select(Campaign.sound).where(Campaign.sound != "").distinct()))
        used -= set(session.scalars(select(SoundFile.stem)))
    for stem in used:
        if has(folder, stem):
            keep(folder, stem)


def recorded(message: Mapping[str, Any] | None) -> set[str]:
    """Sounds that a campaign's message (``Message.to_json``) plays."""
    if message is None:
        return set()
    return {block.stem for block in Message.model_validate(message).blocks() if isinstance(block, SoundBlock)}


def sweep(needed: Callable[[], set[str]]) -> None:
    """Forget what no campaign has any more, and pieces that no contact needs.

    :param needed: the pieces that contacts need; asked only when some may go.
    """
    before = database.utcnow() - KEEP_UNUSED
    old = select(SoundFile.stem).where(SoundFile.created_at < before)
    with database.read() as session:
        sent = set(
            session.scalars(old.where(SoundFile.made.is_(false()), SoundFile.stem.not_in(select(Campaign.sound))))
        )
        if sent:
            for message in session.scalars(select(Campaign.message).where(Campaign.message.is_not(None))):
                sent -= recorded(message)
        made = set(session.scalars(old.where(SoundFile.made.is_(true())).limit(SWEPT_AT_ONCE)))
    unused = sorted(sent | (made - needed() if made else set()))
    for start in range(0, len(unused), 500):
        gone = delete(SoundFile).where(SoundFile.stem.in_(unused[start : start + 500]), SoundFile.created_at < before)
        database.write(lambda session, gone=gone: session.execute(gone))  # type: ignore[misc]
