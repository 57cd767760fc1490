"""Signs of life: each process that can writes its own row every ten seconds."""

from __future__ import annotations

import datetime as dt
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from config import database
from config.database import utcnow
from ops.models import SignOfLife

log = structlog.get_logger(__name__)

EVERY_S = 10.0
#: A process of a role that writes its own sign and said nothing for so long counts as silent.
SILENT = dt.timedelta(seconds=35)
#: A clock that moves by more than this against the monotonic one has jumped.
CLOCK_STEP_S = 5.0
VERSION = "0.1.0"


def host() -> str:
    """This machine's name."""
    return socket.gethostname()[:60]


def put(name: str, role: str, facts: dict[str, Any] | None = None, pid: int | None = None, at_host: str = "") -> None:
    """Write one sign of life, as of now."""
    row = SignOfLife(
        name=name[:100],
        role=role,
        host=at_host or host(),
        pid=os.getpid() if pid is None else pid,
        version=VERSION,
        seen_at=utcnow(),
        facts=facts or {},
    )
    database.write(lambda session: session.merge(row))


def read_all(session: Session) -> list[SignOfLife]:
    """Every sign of life, by name."""
    return list(session.scalars(select(SignOfLife).order_by(SignOfLife.name)))


class Clock:
    """Notices when the wall clock jumps."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._apart = wall() - steady()
        self.jump: dict[str, float] | None = None

    def look(self) -> dict[str, float] | None:
        """The last jump: ``seconds`` (negative: back) and when (``at``, steady seconds since 1970 by the new clock)."""
        apart = self._wall() - self._steady()
        step = apart - self._apart
        self._apart = apart
        if abs(step) > CLOCK_STEP_S:
            self.jump = {"seconds": round(step, 1), "at": round(self._wall(), 3)}
            log.error("clock_jumped", seconds=round(step, 1))
        return self.jump


class Pulse:
    """The work of a process whose sign of life says that it works, not merely that it runs."""

    def __init__(self, steady: Callable[[], float] = time.monotonic, patience_s: float = 25.0) -> None:
        self._steady = steady
        self._patience_s = patience_s
        self._last = steady()

    def felt(self) -> None:
        """It did something."""
        self._last = self._steady()

    def facts(self) -> dict[str, Any] | None:
        """None when it did nothing for long."""
        return {} if self._steady() - self._last < self._patience_s else None


class Beating:
    """A thread that gives this process's sign of life until stopped; nothing that fails ends it."""

    def __init__(
        self,
        name: str,
        role: str,
        app_context: Callable[[], AbstractContextManager[object]],
        facts: Callable[[], dict[str, Any] | None] = dict,
        every_s: float = EVERY_S,
    ) -> None:
        self._name, self._role = name, role
        self._app_context, self._facts = app_context, facts
        self._every_s = every_s
        self._clock = Clock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sign-of-life", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 2) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            try:
                self._beat()
            except Exception as exc:
                log.warning("sign_of_life_not_written", name=self._name, error=type(exc).__name__)
            if self._stopping.wait(self._every_s):
                return

    def _beat(self) -> None:
        jump = self._clock.look()
        facts = self._facts()
        if facts is None:  # it runs, but does not do its work
            return
        if jump:
            facts = {**facts, "clock_jump": jump}
        with self._app_context():
            put(self._name, self._role, facts)
