"""The whole product in a home of its own, on a disk, behind a line and with a database that the rig can spoil."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.clock import Clock
from chaos.clocked import CLOCK
from chaos.disk import Disk
from chaos.line import Line
from chaos.mariadb import MariaDb
from chaos.options import Options
from config.settings import Settings, kept_ports
from tests.support.stack import Stack

#: What supervisord runs, without the carrier: whatever happens to the carrier is no fault of the product.
PROCESSES = ("web", "jobs", "dial", "beat", "redis", "pbx")


class Ended(Exception):
    """The copy is not there any more, though nobody ended it."""


class Copy:
    """Started by :func:`running`."""

    def __init__(self, options: Options, folder: Path) -> None:
        self.folder = folder
        self.disk = Disk(folder / "disk")
        self.home = self.disk.folder / "home"
        self.carrier = folder / "carrier"
        self._prepare()
        self.mariadb = MariaDb(self.disk.folder / "mariadb") if options.database == "mariadb" else None
        extra = {
            "OBZVON_NODE_CHANNELS": str(options.channels),
            "OBZVON_NODE_CPS": str(options.channels),
            "OBZVON_REHEARSAL_RECORD": "false",
        }
        self.line = Line(lambda: kept_ports(self.home)["ami_port"], options.seed)
        extra["OBZVON_AMI_CONNECT_PORT"] = str(self.line.port)
        self.clock = Clock(folder / "clock")
        extra[CLOCK] = json.dumps(self.clock.environment())
        if self.mariadb is not None:
            extra["OBZVON_DATABASE_URL"] = self.mariadb.url
        self.stack = Stack(self.home, extra)
        self.stack.copy.first_block = options.first_block
        self.stack.copy.module = "chaos.clocked"

    def _prepare(self) -> None:
        """The carrier stands for the world outside: its log stays whole when our disk is full."""
        self.carrier.mkdir()
        self.home.mkdir()
        (self.home / "carrier").symlink_to(self.carrier)

    def start(self) -> None:
        if self.mariadb is not None:
            self.mariadb.start()
        self.stack.start()

    def check(self) -> None:
        """:raises Ended: its processes are not supervised any more."""
        if not self.stack.copy.running:
            raise Ended

    @property
    def settings(self) -> Settings:
        return self.stack.settings

    @property
    def targets(self) -> list[str]:
        """What this copy's faults may be about."""
        found = [*PROCESSES, "crash_point", "ami", "celery"]
        found += ["database"] if self.mariadb is not None else []
        found += ["disk"] if self.disk.is_own else []
        found += ["clock"] if self.clock.can_move else []
        return found

    @property
    def not_possible(self) -> list[str]:
        """What this machine does not let the rig do, for people."""
        found = []
        if not self.disk.is_own:
            found.append("a full disk (mounting a tmpfs needs root)")
        if not self.clock.can_move:
            found.append("a moved clock (libfaketime is not installed)")
        return found

    @property
    def redis_socket(self) -> Path:
        """Of the private broker."""
        return self.settings.sockets / "redis.sock"

    def pid(self, name: str) -> int:
        """Main process of web, jobs, dial, beat, redis, pbx or database; 0 while it is down."""
        if name == "database":
            assert self.mariadb is not None
            return self.mariadb.pid
        try:
            return self.stack.pid(name)
        except OSError:  # supervisord does not answer
            self.check()
            return 0

    def signal(self, name: str, number: signal.Signals, whole_group: bool) -> bool:
        """Send a signal to the main process, or to all processes of its group; False when it is not there."""
        pid = self.pid(name)
        if not pid:
            return False
        with contextlib.suppress(ProcessLookupError):
            if whole_group:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)
            return True
        return False

    def thaw(self, pid: int) -> None:
        """Let a process and its group go on."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGCONT)

    def wait_for(self, name: str, limit_s: float) -> int:
        """Wait until the process is there; its id, or 0."""
        deadline = time.monotonic() + limit_s
        while not (pid := self.pid(name)) and time.monotonic() < deadline:
            time.sleep(0.05)
        return pid

    def event_logs(self) -> tuple[Path, ...]:
        """The dial worker's own log, oldest first."""
        return tuple(sorted(self.settings.logs.glob("dial.log*"), reverse=True))

    def keep(self) -> None:
        """Save what is on the disk of our own beside the rest of the evidence."""
        kept = self.folder / "kept"
        for name in ("logs", "obzvon.sqlite3", "obzvon.sqlite3-wal", "start.log"):
            source = self.home / name
            with contextlib.suppress(OSError):
                kept.mkdir(exist_ok=True)
                (shutil.copytree if source.is_dir() else shutil.copy)(source, kept / name)

    def stop(self) -> None:
        """End the product; the database stays, for the judge."""
        self.disk.free()
        self.stack.stop()

    def close(self) -> None:
        """End everything."""
        self.stop()
        self.line.close()
        if self.mariadb is not None:
            self.mariadb.stop()
        self.disk.remove()


@contextmanager
def running(options: Options, folder: Path) -> Iterator[Copy]:
    """A started copy; nothing of it is left afterwards but the evidence in ``folder``."""
    copy = Copy(options, folder)
    try:
        try:
            copy.start()
        except BaseException:
            copy.keep()
            raise
        yield copy
    finally:
        copy.close()
