"""The rig of a benchmark: a home in a temporary folder, our Asterisk, Redis, a dial worker, and SIPp as callees."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from config import database, supervisor
from config.settings import Settings
from dialer.models import Node, Trunk, TrunkKind
from web import first_start

CALLEES = "127.0.0.3"
#: Calls at once in both runs: enough to keep two cores busy, and far below SIPp's own limits.
CHANNELS = 100
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


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


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return sum(int(fields[index]) for index in (11, 12, 13, 14)) * 1000 / TICKS_PER_S


def free_udp_port(address: str) -> int:
    """A UDP port of this address that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@contextmanager
def rig() -> Iterator[Rig]:
    """Start everything, yield, end everything that was started."""
    home = Path(tempfile.mkdtemp(prefix="obzvon-bench-"))
    os.environ |= {
        "OBZVON_HOME": str(home),
        "OBZVON_REHEARSAL": "false",
        "OBZVON_NODE_CPS": "5000",
        "OBZVON_NODE_CHANNELS": "1000",
        "OBZVON_LOG_LEVEL": "WARNING",
    }
    prepared = first_start.prepare(first_block=40)
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        from web import create_app

        app = create_app(prepared.settings)
        with app.app_context():
            port = free_udp_port(CALLEES)
            trunk_id = _add_trunk(port)
            first_start.render_asterisk(prepared.settings)
            processes["sipp"] = _sipp(home, port)
            for program in first_start.programs(prepared.settings):
                if program.name in ("redis", "pbx", "dial", "beat"):
                    processes[program.name] = _start(prepared.settings, program)
            yield Rig(prepared.settings, app, trunk_id, processes)
            database.db.engine.dispose()
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for process in processes.values():
            _end(process)
        prepared.release()
        shutil.rmtree(home, ignore_errors=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(8)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _add_trunk(port: int) -> int:
    def work(session: database.Session) -> int:
        node = session.query(Node).one()
        trunk = Trunk(
            nodes=[node],
            name="callees",
            kind=TrunkKind.SIP,
            host=CALLEES,
            port=port,
            channels=CHANNELS,
            cps=5000,
            qualify=False,  # the scenario answers calls, not OPTIONS
        )
        session.add(trunk)
        session.flush()
        return trunk.id

    return database.write(work)


def _sipp(home: Path, port: int) -> subprocess.Popen[bytes]:
    scenario = Path(__file__).with_name("uas.xml")
    options = ["-sf", str(scenario), "-i", CALLEES, "-p", str(port), "-nostdin", "-recv_timeout", "20000", "-nd"]
    log = (home / "sipp.log").open("wb")
    return subprocess.Popen(
        ["sipp", *options],
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=os.environ | {"TERM": "dumb"},
    )


def _start(settings: Settings, program: supervisor.Program) -> subprocess.Popen[bytes]:
    log = (settings.logs / f"{program.name}.log").open("ab")
    return subprocess.Popen(
        list(program.command),
        cwd=supervisor.ROOT,
        env=os.environ | program.environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def wait_for(condition: object, seconds: float, what: str) -> None:
    """Wait until ``condition()`` is true.

    :raises TimeoutError: it did not become true.
    """
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(0.05)
