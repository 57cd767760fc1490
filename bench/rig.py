"""The rig of a benchmark: a home in a temporary folder, our Asterisk, Redis, a dial worker, and SIPp as callees."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask

from bench import callees
from bench.callees import Callees
from config import database, supervisor
from config.database import utcnow
from config.settings import Settings
from dialer.models import Node, Trunk, TrunkKind
from tests.support import servers
from web import first_start

#: Calls at once where nothing else is said: enough to keep two cores busy, and far below SIPp's own limits.
CHANNELS = 100
#: Far above what the machine can do: the rates must not be what is measured.
NO_LIMIT = 5000
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SQLITE, MARIADB = "sqlite", "mariadb"


@dataclass
class Rig:
    """A prepared home and its running processes."""

    settings: Settings
    app: Flask
    trunk_id: int
    processes: dict[str, subprocess.Popen[bytes]]

    def cpu_ms(self, *names: str) -> float:
        """CPU milliseconds that these processes and their children have used so far."""
        return sum(_cpu_ms(self.processes[name].pid) for name in names)

    def rss_mib(self, name: str) -> float:
        """Memory of this process that is in RAM."""
        lines = Path(f"/proc/{self.processes[name].pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024

    def kill(self, name: str) -> None:
        """As a crash does it."""
        self.processes[name].kill()
        self.processes[name].wait()

    def start(self, name: str) -> None:
        """Start it again."""
        program = next(item for item in first_start.programs(self.settings) if item.name == name)
        self.processes[name] = _start(self.settings, program)

    def log(self) -> Iterator[dict[str, Any]]:
        """The dial worker's own log, oldest line first; ``at`` is added as seconds since 1970."""
        for line in (self.settings.logs / "dial.log").read_text(errors="replace").splitlines():
            if line.startswith("{"):
                entry = json.loads(line)
                yield entry | {"at": dt.datetime.fromisoformat(entry["timestamp"]).timestamp()}


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return sum(int(fields[index]) for index in (11, 12, 13, 14)) * 1000 / TICKS_PER_S


@contextmanager
def durable_database(kind: str, folder: Path) -> Iterator[str]:
    """An empty database that loses no commit in a power cut; yields its address ('' for the home's own SQLite)."""
    if kind == SQLITE:
        yield ""
        return
    with servers.mariadb(folder / "mariadb", servers.DURABLE) as server, server.database() as address:
        yield address


@contextmanager
def temporary_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="obzvon-bench-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def rig(
    kind: str = SQLITE, called: Callees = callees.HANG_UP, *, channels: int = CHANNELS, cps: float = NO_LIMIT
) -> Iterator[Rig]:
    """Start everything, yield once calls can be placed, end everything that was started.

    :param kind: the database, :data:`SQLITE` or :data:`MARIADB`.
    :param cps: calls per second of the node.
    """
    with temporary_home() as home, durable_database(kind, home) as address:
        os.environ |= {
            "OBZVON_HOME": str(home / "obzvon"),
            "OBZVON_DATABASE_URL": address,
            "OBZVON_REHEARSAL": "false",
            "OBZVON_NODE_CPS": str(cps),
            "OBZVON_NODE_CHANNELS": "5000",
        }
        # A customer's processes start from compiled modules, whatever the shell of this one wants.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        prepared = first_start.prepare(first_block=40)
        try:
            with _running(prepared.settings, called, channels) as used:
                yield used
        finally:
            prepared.release()


@contextmanager
def _running(settings: Settings, called: Callees, channels: int) -> Iterator[Rig]:
    from web import create_app

    app = create_app(settings)
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        with app.app_context():
            port = callees.free_udp_port()
            trunk_id = _add_trunk(port, channels)
            first_start.render_asterisk(settings)
            used = Rig(settings, app, trunk_id, processes)
            processes["sipp"] = callees.start(called, settings.home, port)
            for name in ("redis", "pbx", "dial", "beat"):
                used.start(name)
            try:
                wait_for(connected, 60, "the dial worker's connection to the PBX")
                yield used
            except Exception:
                _show_end(settings.logs / "dial.log")
                raise
            finally:
                database.db.engine.dispose()
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for process in processes.values():
            _end(process)


def _show_end(log: Path) -> None:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    sys.stderr.write("\n".join(["The end of the dial worker's log:", *(line[:300] for line in lines[-15:]), ""]))


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(8)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def connected() -> bool:
    """The dial worker lives, and its PBX is settled."""
    with database.read() as session:
        return session.query(Node).one().is_connected(utcnow())


def _add_trunk(port: int, channels: int) -> int:
    def work(session: database.Session) -> int:
        node = session.query(Node).one()
        trunk = Trunk(
            nodes=[node],
            name="callees",
            kind=TrunkKind.SIP,
            host=callees.ADDRESS,
            port=port,
            channels=channels,
            cps=NO_LIMIT,
            qualify=False,  # the scenarios answer calls, not OPTIONS
        )
        session.add(trunk)
        session.flush()
        return trunk.id

    return database.write(work)


def _start(settings: Settings, program: supervisor.Program) -> subprocess.Popen[bytes]:
    with (settings.logs / f"{program.name}.log").open("ab") as log:
        return subprocess.Popen(
            list(program.command),
            cwd=supervisor.ROOT,
            env=os.environ | program.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def wait_for(condition: Callable[[], object], seconds: float, what: str, every_s: float = 0.05) -> None:
    """Wait until ``condition()`` is true.

    :raises TimeoutError: it did not become true.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(every_s)
