"""Looks into the database while a run goes on: an outcome that somebody has read must never be another, nor go away."""

from __future__ import annotations

import json
import time
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from chaos.oracle.event_log import SEEN

_NEWS = text("SELECT uid, disposition FROM attempt WHERE disposition IS NOT NULL")


class Observer:
    """Writes what it sees to a file of JSON lines, which the oracle takes as one more event log."""

    def __init__(self, database: str, log: Path) -> None:
        self._engine = create_engine(database)
        self._log = log
        self._seen: set[tuple[str, str]] = set()

    def look(self) -> bool:
        """Read all outcomes and write down the new ones; False when the database did not answer."""
        try:
            with self._engine.connect() as connection:
                found = {(uid, disposition) for uid, disposition in connection.execute(_NEWS)}
        except DBAPIError:
            self._engine.dispose()
            return False
        news = found - self._seen
        if news:
            line = {"event": SEEN, "time": time.time(), "outcomes": dict(sorted(news))}
            with self._log.open("a") as log:
                log.write(json.dumps(line) + "\n")
            self._seen |= news
        return True

    def close(self) -> None:
        self._engine.dispose()
