"""Which dial worker speaks for a node: a lease in the node's row, fenced by a number that grows with each new holder.

Two workers for one node happen by a slip, or when one was frozen and another took its place. Whoever holds the lease
claims and settles; the other waits. What matters is checked where it matters, under the lock of the node's row: a claim
and every outcome that was inferred rather than told by the PBX (``campaigns.store``). So an old holder that wakes up
can do no harm before it notices.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from config import database
from dialer.models import Node

log = structlog.get_logger(__name__)

#: Without renewing the lease is over after this time.
TTL_S = 15.0
RENEW_EVERY_S = 3.0
#: How often a worker that waits looks, and how often it says so.
LOOK_EVERY_S = 1.0
TELL_EVERY_S = 10.0


@dataclass(frozen=True)
class Life:
    """One life of a process, in a form that another process of the same host can prove dead."""

    host: str
    #: The kernel's boot and the namespace of process ids: only inside of both does a process id mean something.
    kernel: str
    pid: int
    started: str  # in the kernel's clock ticks since its boot
    token: str

    @classmethod
    def own(cls) -> Life:
        """This process."""
        pid = os.getpid()
        return cls(socket.gethostname()[:60], _kernel(), pid, _started(pid), secrets.token_hex(8))

    @classmethod
    def parse(cls, text: str) -> Life | None:
        """The inverse of ``str()``; None when it is none."""
        parts = text.split(" ")
        if len(parts) != 5 or not parts[2].isdigit():
            return None
        return cls(parts[0], parts[1], int(parts[2]), parts[3], parts[4])

    def __str__(self) -> str:
        return f"{self.host} {self.kernel} {self.pid} {self.started} {self.token}"

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.host}, PID {self.pid}"

    def is_dead(self) -> bool:
        """True when it is proven that this process has ended; one of another host or container is never proven."""
        return self.kernel == _kernel() != "" and _started(self.pid) != self.started


def _kernel() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When this process began; empty when there is none, or nothing of it but its exit code."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    except (OSError, IndexError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def holder_name(owner: str) -> str:
    """Who holds a lease, for people; empty when nobody does."""
    life = Life.parse(owner)
    return life.name if life else ""


@dataclass(frozen=True)
class _Seen:
    """Another holder, as the node's row told."""

    owner: str
    number: int
    until: dt.datetime | None


class Lease:
    """This process's lease of one node: :meth:`take`, :meth:`keep`, :meth:`release`."""

    def __init__(
        self,
        node_id: int,
        app_context: Callable[[], AbstractContextManager[object]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._node_id = node_id
        self._app_context = app_context
        self._clock = clock
        self._owner = str(Life.own())
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen: _Seen | None = None
        self._seen_since = 0.0
        #: 0 while we hold nothing.
        self.number = 0

    def take(self, pause: Callable[[], None]) -> int:
        """Wait until the node is ours, and hold it. :returns: our number.

        :param pause: called between two looks; waits a moment, and raises when the process shall end.
        """
        told_at = float("-inf")
        while not self.try_take():
            assert self._seen is not None
            if self._clock() - told_at >= TELL_EVERY_S:
                told_at = self._clock()
                log.warning("node_has_another_dial_worker", node_id=self._node_id, holder=holder_name(self._seen.owner))
            pause()
        return self.number

    def try_take(self) -> bool:
        """One look, and take the node if nobody holds it."""
        with self._app_context():
            found = database.write(self._take)
        if isinstance(found, int):
            self.number, self._seen = found, None
            log.info("node_taken", node_id=self._node_id, lease=found)
            return True
        if found != self._seen:
            self._seen, self._seen_since = found, self._clock()
        return False

    def _take(self, session: Session) -> int | _Seen:
        query = select(Node.lease_owner, Node.lease_number, Node.lease_until, database.clock_of(session))
        owner, number, until, now = session.execute(query.where(Node.id == self._node_id).with_for_update()).one()
        seen = _Seen(owner, number, until)
        if not (owner == "" or until is None or until <= now or self._is_over(seen)):
            return seen
        values = {"lease_owner": self._owner, "lease_number": number + 1, "lease_until": _later(now)}
        session.execute(update(Node).where(Node.id == self._node_id).values(**values))
        return int(number) + 1

    def _is_over(self, seen: _Seen) -> bool:
        """Also when the clock was set back: the holder is dead, or has not renewed while we watched."""
        life = Life.parse(seen.owner)
        if life is not None and life.is_dead():
            return True
        return seen == self._seen and self._clock() - self._seen_since >= TTL_S

    def keep(self, lost: Callable[[], None]) -> None:
        """Renew from a thread of its own; ``lost`` is called there, once, when another has taken the node."""
        self._thread = threading.Thread(target=self._keep, args=[lost], name="lease", daemon=True)
        self._thread.start()

    def _keep(self, lost: Callable[[], None]) -> None:
        while not self._stop.wait(RENEW_EVERY_S):
            try:
                ours = self.renew()
            except Exception:  # the database is away: claims are refused meanwhile, and the next try is soon
                log.warning("lease_not_renewed", node_id=self._node_id, exc_info=True)
                continue
            if not ours and not self._stop.is_set():
                log.error("lease_lost", node_id=self._node_id, lease=self.number)
                lost()
                return

    def renew(self) -> bool:
        """Hold on for another :data:`TTL_S`, unless another has taken the node."""
        with self._app_context():
            return database.write(self._renew)

    def _renew(self, session: Session) -> bool:
        mine = (Node.id == self._node_id, Node.lease_number == self.number, Node.lease_owner == self._owner)
        now = session.execute(select(database.clock_of(session)).where(*mine).with_for_update()).scalar_one_or_none()
        if now is None:
            return False
        session.execute(update(Node).where(*mine).values(lease_until=_later(now)))
        return True

    def release(self) -> None:
        """Let the next one have the node at once."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2)
        if self.number == 0:
            return
        mine = (Node.id == self._node_id, Node.lease_number == self.number, Node.lease_owner == self._owner)
        values = {"lease_owner": "", "lease_until": database.utcnow()}
        with self._app_context():
            database.write(lambda session: session.execute(update(Node).where(*mine).values(**values)))
        self.number = 0


def _later(now: dt.datetime) -> dt.datetime:
    return now + dt.timedelta(seconds=TTL_S)
