"""supervisord: its configuration, and what to do about processes that outlived it.

All programs are in one group, because supervisord stops groups one after another but signals a whole group at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from config import secret_store
from config.settings import Settings, own_folder

GROUP = "obzvon"
#: Every process of a running copy has this in its environment, and nothing else has: how leftovers are recognised.
MARK = "OBZVON_SUPERVISED"
#: Seconds that a process has to end by itself; then it is killed together with its children.
STOP_S = 7
ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = Path(__file__).with_name("supervisord.conf.template")

PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl


@dataclass(frozen=True)
class Program:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    #: Seconds it has to stay up to count as started; a crash before that delays the next try a little more each time.
    start_s: int = 1


def redis(settings: Settings) -> Program:
    """The private broker: a unix socket only, nothing kept on disk (the database is the truth)."""
    linked = settings.runtime / "bin/redis-server"
    program = str(linked) if linked.exists() else shutil.which("redis-server") or "redis-server"
    options = {
        "port": "0",
        "unixsocket": str(settings.sockets / "redis.sock"),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
        "dir": str(settings.run),
        "daemonize": "no",
        "set-proc-title": "no",  # it would overwrite its environment, by which `leftovers` knows it
    }
    command = [program]
    for name, value in options.items():
        command += [f"--{name}", value]
    return Program("redis", command)


def python_programs(settings: Settings) -> list[Program]:
    """Web, jobs worker, dial worker and beat."""
    python = [sys.executable, "-m"]
    worker = [*python, "celery", "-A", "celery_worker", "worker", "--loglevel", settings.log_level]
    beat = [*python, "celery", "-A", "celery_worker", "beat", "--scheduler", "config.beat:Scheduler"]
    quiet = ["--without-gossip", "--without-mingle"]
    dial = [*worker, *quiet, "-Q", f"dial.{settings.node_name}"]
    # Imports and reports must not slow down the calls.
    jobs = ["nice", "-n", "5", *worker, "-Q", "jobs", "-n", "jobs@%h", "--pool", "prefork"]
    return [
        Program("web", [*python, "gunicorn", *_gunicorn_options(settings), "web:create_app()"], _role("web")),
        Program("jobs", [*jobs, *quiet, "-c", str(settings.jobs_workers)], _role("jobs")),
        Program("dial", [*dial, "-n", f"dial-{settings.node_name}@%h", "--pool", "threads", "-c", "4"], _role("dial")),
        Program("beat", [*beat, "--loglevel", settings.log_level], _role("beat")),
    ]


def _role(name: str) -> dict[str, str]:
    """How a process knows what it is: for its log lines, its metrics and its signs of life."""
    return {"OBZVON_ROLE": name}


def _gunicorn_options(settings: Settings) -> list[str]:
    host = f"[{settings.web_host}]" if ":" in settings.web_host else settings.web_host
    return [
        "--config=python:config.web_server",
        "--worker-class=gthread",
        "--workers=1",
        f"--threads={settings.web_threads}",
        f"--bind={host}:{settings.web_port}",
        "--timeout=60",
        "--graceful-timeout=3",  # pages with live numbers never end by themselves
        "--no-control-socket",
    ]


def render(settings: Settings, programs: Sequence[Program]) -> Path:
    """Write ``<home>/run/supervisord.conf`` (0600: it holds a secret) and make the folders it names.

    :return: the path of the file.
    """
    for folder in (settings.run, settings.logs, settings.sockets):
        own_folder(folder)
    values = {
        "socket": str(settings.sockets / "supervisor.sock"),
        "secret": secret_store.load(settings.home).supervisor_secret,
        "run": str(settings.run),
        "logs": str(settings.logs),
        "group": GROUP,
        "names": ",".join(program.name for program in programs),
        "programs": "\n".join(_section(settings, program) for program in programs),
    }
    target = settings.run / "supervisord.conf"
    temporary = target.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(Template(TEMPLATE.read_text()).substitute(values))
    temporary.replace(target)
    return target


def _section(settings: Settings, program: Program) -> str:
    environment = {"OBZVON_HOME": str(settings.home), "OBZVON_RUNTIME": str(settings.runtime)} | program.environment
    pairs = ",".join(f'{name}="{value}"' for name, value in environment.items())
    lines = {
        "command": shlex.join(program.command),
        "directory": str(ROOT),
        "environment": pairs,
        "startsecs": str(program.start_s),
        "startretries": "1000000000",
        "autorestart": "true",
        "stopsignal": "TERM",
        "stopwaitsecs": str(STOP_S),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": str(settings.logs / f"{program.name}.log"),
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": "3",
    }
    # A percent sign begins a placeholder of supervisord.
    text = "\n".join(f"{name} = {value}".replace("%", "%%") for name, value in lines.items())
    return f"[program:{program.name}]\n{text}\n"


def command(settings: Settings) -> list[str]:
    """supervisord in the foreground, in this terminal's charge."""
    return [sys.executable, "-m", "config.supervised", "--nodaemon", "-c", str(settings.run / "supervisord.conf")]


def end_with_parent() -> None:
    """To be called in a new child before it runs its program: the kernel sends it SIGTERM when its parent is gone."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def leftovers(home: Path) -> list[int]:
    """Processes of an earlier run of this home that are still there, found by :data:`MARK` in their environment."""
    mark = f"{MARK}={home}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if entry.stat().st_uid == os.getuid() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue  # it ended meanwhile, or is not ours to look at
    return found


def end_leftovers(home: Path, patience_s: float = 5) -> int:
    """End what an earlier run left behind: first asked, then killed. Only to be called by the holder of the lock.

    :return: how many processes were found.
    """
    first = leftovers(home)
    deadline = time.monotonic() + patience_s
    asked: set[int] = set()
    while alive := leftovers(home):
        hard = time.monotonic() > deadline
        for pid in alive:
            if hard or pid not in asked:
                _signal(pid, signal.SIGKILL if hard else signal.SIGTERM)
        asked.update(alive)
        time.sleep(0.1)
    return len(first)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
