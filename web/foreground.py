"""One running copy: supervisord below us, ended completely whenever we end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from types import FrameType

from config import supervisor
from config.settings import Settings
from web.first_start import Prepared

#: A first start on a slow machine imports everything from a cold disk.
PATIENCE_S = 120.0
SLOW_S = 20.0


def run(prepared: Prepared, ready: Callable[[], None]) -> int:
    """Run the prepared home until a signal comes; ``ready`` is called once it answers.

    :return: the exit code: 0 after Ctrl-C, SIGTERM or SIGHUP, 1 when something failed.
    """
    settings = prepared.settings
    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    daemon = _start(settings)
    try:
        answered = _wait_for_answer(settings, lambda: bool(stopping) or daemon.poll() is not None)
        if answered:
            ready()
        elif not stopping:
            _tell(f"It does not answer; the reason should be in {settings.logs}.")
        while answered and not stopping and daemon.poll() is None:
            time.sleep(0.2)
        if daemon.poll() is not None:
            _tell(f"supervisord ended with code {daemon.returncode}; see {settings.logs / 'supervisord.log'}.")
    finally:
        _end(settings, daemon)
    return 0 if stopping else 1


def _start(settings: Settings) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches us alone, and we tell supervisord once.
    return subprocess.Popen(
        supervisor.command(settings),
        env=os.environ | {supervisor.MARK: str(settings.home), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        start_new_session=True,
        preexec_fn=supervisor.end_with_parent,
        cwd=supervisor.ROOT,
    )


def address(settings: Settings) -> str:
    """The address to show and to try; a server on all addresses is reached on the loopback one."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.web_host, settings.web_host)  # noqa: S104 - is compared
    return f"http://{host}:{settings.web_port}/"


def _wait_for_answer(settings: Settings, given_up: Callable[[], bool]) -> bool:
    start = time.monotonic()
    told = False
    answers = _page_answers if settings.runs("web") else _supervisor_answers
    while not given_up() and time.monotonic() - start < PATIENCE_S:
        if answers(settings):
            return True
        if not told and time.monotonic() - start > SLOW_S:
            told = True
            _tell(f"Still waiting; logs are in {settings.logs}.")
        time.sleep(0.2)
    return False


def _page_answers(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(address(settings), timeout=5):  # noqa: S310 - our own address
            return True
    except urllib.error.HTTPError as exc:
        exc.close()
        return exc.code < 500
    except OSError:
        return False


def _supervisor_answers(settings: Settings) -> bool:
    """A copy without pages is ready when its processes are being started; what they do is seen on the page Nodes."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(settings.sockets / "supervisor.sock"))
        except OSError:
            return False
    return True


def _end(settings: Settings, daemon: subprocess.Popen[bytes]) -> None:
    """End supervisord, which ends all; whatever is left after that is ended by us."""
    if daemon.poll() is None:
        daemon.terminate()
        try:
            daemon.wait(supervisor.STOP_S + 4)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
    supervisor.end_leftovers(settings.home, patience_s=1)


def _tell(text: str) -> None:
    with contextlib.suppress(OSError):  # stderr may be a file on a disk that is full
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
