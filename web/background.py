"""A whole copy of the product below this process: what the demonstration, the benchmark and the tests run against."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from config import supervisor
from config.errors import ObzvonError

#: The search for free ports begins here, so that the default ports stay free for the copy that a person starts.
FIRST_BLOCK = 20
READY_S = 150.0
#: Settings of the surroundings that hold for a copy of its own as well; its database and ports are never theirs.
INHERITED = ("OBZVON_RUNTIME", "OBZVON_LOG_LEVEL")


class BackgroundError(ObzvonError):
    """The copy did not start; the message is what it said."""


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment without the settings of another copy, plus ``home`` and ``extra``."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OBZVON_") or k in INHERITED}
    return kept | {"OBZVON_HOME": str(home)} | dict(extra or {})


class BackgroundCopy:
    """``python -m web.cli run`` as a child; ends with us, however we end."""

    def __init__(self, home: Path, extra: Mapping[str, str] | None = None, first_block: int = FIRST_BLOCK) -> None:
        self.home = home
        self.environment = environment(home, extra)
        self.first_block = first_block
        self.module = "web.cli"
        #: Once started: address of the pages, name and password of the administrator (empty at later starts).
        self.told: dict[str, str] = {}
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start and wait until the pages answer.

        :raises BackgroundError: it ended instead, or took longer than :data:`READY_S`.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        errors = self.home / "start.log"
        with errors.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.module, "run", "--json", "--first-block", str(self.first_block)],
                cwd=supervisor.ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
                preexec_fn=supervisor.end_with_parent,
            )
        assert self._process.stdout is not None
        limit = threading.Timer(READY_S, self._process.terminate)
        limit.start()
        try:
            line = self._process.stdout.readline()
        except BaseException:
            self.stop()
            raise
        finally:
            limit.cancel()
        if not line.startswith("{"):
            self.stop()
            sentence = errors.read_text(errors="replace").strip() or "It did not start in time."
            raise BackgroundError("not_started", sentence)
        self.told = json.loads(line)

    @property
    def running(self) -> bool:
        """Whether it is up and nobody ended it."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the command that a person would have in the terminal."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> int:
        """End it as Ctrl-C would; its exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(supervisor.STOP_S + 10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
            supervisor.end_leftovers(self.home)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        return code
