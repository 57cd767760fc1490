"""How the installer talks, runs programs and waits for another copy of itself."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class SetupError(Exception):
    """Something cannot be installed; the message is a sentence that says what to do."""


def say(text: str) -> None:
    """Tell the user; on stderr, because stdout may belong to a program's result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def run(command: Sequence[str], log: Path, *, stdin: int = subprocess.DEVNULL) -> int:
    """Run a program with its output added to ``log``; its exit code."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        output.write(("\n$ " + " ".join(command) + "\n").encode())
        output.flush()
        return subprocess.run(command, stdin=stdin, stdout=output, stderr=output, check=False).returncode


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Only one installer at a time; a second one waits and says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up is at work; waiting for it.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
