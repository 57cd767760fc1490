"""Starting and ending a group of processes with the real command line and supervisord."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from config import supervisor
from tests.support.metronome import Metronome
from tests.support.servers import wait_until
from tests.support.stack import Stack

FIRST_BLOCK = 70


@pytest.fixture
def copy(tmp_path):
    """A small copy that is ended, whatever a test did to it."""
    small = Stack(tmp_path / "home")
    small.copy.module = "tests.support.small_copy"
    small.copy.first_block = FIRST_BLOCK
    yield small
    small.stop()
    supervisor.end_leftovers(small.copy.home, patience_s=0)


def gone(small, timeout_s=15):
    wait_until(lambda: not small.leftovers(), timeout_s, hint="every process ended")


def all_there(small):
    """Family's child comes a moment after the others."""
    wait_until(lambda: len(small.leftovers()) >= 5, 15, hint="supervisord, redis, web, family and its child")
    assert len(small.leftovers()) == 5


def test_it_tells_its_address_and_ends_completely(copy):
    """Ctrl-C ends every process within 15 s, also those that ignore it and their children; the next start is clean."""
    copy.copy.environment["STUBBORN"] = "yes"
    copy.start()
    assert copy.copy.told == {
        "address": f"http://127.0.0.1:{copy.settings.web_port}/",
        "name": "admin",
        "password": "secret",
    }
    all_there(copy)
    started = time.monotonic()
    assert copy.stop() == 0
    assert time.monotonic() - started < 15
    assert copy.leftovers() == []
    assert list(copy.settings.sockets.glob("*.sock")) == []
    del copy.copy.environment["STUBBORN"]
    copy.start()


def test_a_killed_process_comes_back_at_once(copy):
    """kill -9 of any process: another one takes its place within about a second."""
    copy.start()
    names = ("redis", "web", "family")
    # One that dies before it counts as started comes back later each time.
    wait_until(lambda: {copy.processes()[name]["statename"] for name in names} == {"RUNNING"}, 15, hint="all run")
    with Metronome() as metronome:
        before = {name: copy.kill(name) for name in names}
        started = time.time()
        wait_until(lambda: all(copy.pid(name) not in (0, before[name]) for name in names), 20, hint="all are back")
        back = time.time()
    assert back - started < 2.5 + metronome.late_s(started, back)


def test_a_home_runs_once(copy):
    """The second start is refused with the number of the first process, and leaves the first alone."""
    copy.start()
    second = subprocess.run(
        [sys.executable, "-m", "tests.support.small_copy", "run"],
        env=copy.copy.environment,
        cwd=supervisor.ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"process {copy.copy.pid}" in second.stderr
    all_there(copy)


def test_another_home_runs_beside_it(copy, tmp_path):
    """Without any setting: it finds its own ports."""
    copy.start()
    other = Stack(tmp_path / "other")
    other.copy.module, other.copy.first_block = copy.copy.module, FIRST_BLOCK
    try:
        other.start()
        assert other.settings.web_port != copy.settings.web_port
    finally:
        other.stop()
    all_there(copy)


def test_nothing_outlives_its_parent(copy):
    """kill -9 of the command in the terminal: supervisord is told by the kernel and ends its processes."""
    copy.start()
    os.kill(copy.copy.pid, signal.SIGKILL)
    gone(copy)


def test_leftovers_of_a_kill_of_all_are_ended_at_the_next_start(copy):
    """kill -9 of command and supervisord together: the orphans are found by their mark and ended, then it starts."""
    copy.start()
    daemon = int((copy.settings.run / "supervisord.pid").read_text())
    orphans = set(copy.leftovers()) - {daemon}
    os.kill(daemon, signal.SIGSTOP)
    os.kill(copy.copy.pid, signal.SIGKILL)
    os.kill(daemon, signal.SIGKILL)
    copy.stop()
    assert orphans <= set(copy.leftovers())
    copy.start()
    assert not orphans & set(copy.leftovers())
    assert "earlier run" in (copy.copy.home / "start.log").read_text()


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def test_a_taken_port_is_told_in_one_sentence(copy):
    """At a later start somebody else has the port."""
    copy.start()
    port = copy.settings.web_port
    copy.stop()
    thief = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)], stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: listens(port), 15, hint="the thief listens")
        with pytest.raises(Exception, match=f"Port {port} .*OBZVON_WEB_PORT") as caught:
            copy.start()
        assert "\n" not in str(caught.value)
    finally:
        thief.terminate()
        thief.wait()
