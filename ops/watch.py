"""The watchman in the web process: its own sign of life, and the evaluation of alarms when no worker does it.

So an alarm goes out although beat, the jobs worker or the broker are down.
"""

from __future__ import annotations

import datetime as dt
import threading

import structlog
from flask import Flask

from config import database
from config.database import utcnow
from config.settings import Settings
from ops import alarms, notices, signs, store
from ops.models import SignOfLife

log = structlog.get_logger(__name__)

#: No evaluation for so long: somebody else has to do it.
OVERDUE = dt.timedelta(seconds=40)
LOOK_EVERY_S = 10.0


class Watch:
    """Threads of one web process; they end with it."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._beating = signs.Beating(f"web@{signs.host()}", "web", app.app_context)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._beating.start()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._beating.stop()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        began = utcnow()
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                with self._app.app_context():
                    look(self._settings, began)
            except Exception as exc:
                log.warning("watch_failed", error=type(exc).__name__)


def look(settings: Settings, began: dt.datetime) -> bool:
    """Evaluate when nobody has done so for long. :returns: whether it did."""
    with database.read() as session:
        row = session.get(SignOfLife, store.EVALUATOR)
    last = row.seen_at if row is not None else began
    if abs(utcnow() - last) < OVERDUE:  # far ahead: from before the clock was set back
        return False
    done = alarms.evaluate(settings)
    notices.deliver_due()
    return done
