"""Wakes of campaigns inside the dial worker: a freed channel needs no broker to be used again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog

log = structlog.get_logger(__name__)


class Waker:
    """A thread that dials for the campaigns it is told, each once however often it was told meanwhile."""

    def __init__(self, dial: Callable[[int], None], app_context: Callable[[], AbstractContextManager[object]]) -> None:
        self._dial = dial
        self._app_context = app_context
        self._woken: dict[int, None] = {}  # in the order of their wakes
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="waker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 1) -> None:
        """What is still waiting is left to the next worker's tick."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def wake(self, campaign_id: int) -> None:
        """Dial for this campaign soon; returns at once. From any thread."""
        with self._changed:
            self._woken[campaign_id] = None
            self._changed.notify()

    def _run(self) -> None:
        while (campaign_id := self._next()) is not None:
            try:
                with self._app_context():
                    self._dial(campaign_id)
            except Exception:  # the tick tries again
                log.exception("campaign_not_dialled", campaign=campaign_id)

    def _next(self) -> int | None:
        with self._changed:
            self._changed.wait_for(lambda: self._woken or self._stopped)
            if self._stopped:
                return None
            campaign_id = next(iter(self._woken))
            del self._woken[campaign_id]
            return campaign_id
