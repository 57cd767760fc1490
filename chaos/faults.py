"""Carries out planned faults, and writes down what was done when."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from chaos.copy import Copy
from chaos.oracle.evidence import Fault
from chaos.plan import Planned

#: A process that was killed just before is waited for, so that the next kill has somebody to die.
THERE_S = 15.0
#: How long a crash point may take to be passed while calls are made.
PASSED_S = 20.0
#: These have children of their own; sometimes all of them die together, sometimes the parent alone.
FAMILIES = ("web", "jobs")


@dataclass
class Done:
    """A fault that was carried out."""

    planned: Planned
    fault: Fault
    #: Seconds from its end to the next call; None: none was due or none came.
    resumed_s: float | None = None
    #: Why it came to nothing, if it did.
    missed: str = ""


class Missed(Exception):
    """The fault could not be carried out now."""


class Injector:
    """One for each run."""

    def __init__(self, copy: Copy, log: Path) -> None:
        self._copy = copy
        self._log = log
        self._ways: dict[str, Callable[[Planned], str]] = {
            "kill": self._kill,
            "crash_point": self._crash,
            "freeze": self._freeze,
        }

    def carry_out(self, planned: Planned) -> Done:
        """Do it, to its end."""
        self._began = time.time()
        detail = missed = ""
        try:
            detail = self._ways[planned.kind](planned)
        except Missed as exc:
            missed = str(exc)
        until = None if planned.kind == "kill" else time.time()
        target = "dial" if planned.kind == "crash_point" else planned.target
        return Done(planned, Fault(self._began, planned.kind, target, detail, until), missed=missed)

    def write(self, done: Done) -> None:
        """Add it to ``faults.jsonl``."""
        more = {"resumed_s": done.resumed_s, "missed": done.missed}
        with self._log.open("a") as handle:
            handle.write(json.dumps({**asdict(done.fault), **more}, ensure_ascii=False) + "\n")

    def _is_there(self, name: str) -> None:
        if not self._copy.wait_for(name, THERE_S):
            raise Missed(f"{name} did not come back within {THERE_S:g} s")

    def _kill(self, planned: Planned) -> str:
        name = planned.target
        self._is_there(name)
        whole = name in FAMILIES and planned.dice < 0.5
        self._began = time.time()
        if not self._copy.signal(name, signal.SIGKILL, whole):
            raise Missed(f"{name} was just gone")
        return "with its children" if whole else ""

    def _crash(self, planned: Planned) -> str:
        """Arm the place; the dial worker dies when it passes there."""
        self._is_there("dial")
        before = self._copy.pid("dial")
        self._copy.stack.arm(planned.target)
        deadline = time.monotonic() + PASSED_S
        while self._copy.stack.crash_file.exists():
            if time.monotonic() > deadline:
                self._copy.stack.crash_file.unlink(missing_ok=True)
                raise Missed(f"{planned.target} was not passed within {PASSED_S:g} s")
            time.sleep(0.01)
        return f"{planned.target}, process {before}"

    def _freeze(self, planned: Planned) -> str:
        name = planned.target
        self._is_there(name)
        pid = self._copy.pid(name)
        self._copy.signal(name, signal.SIGSTOP, whole_group=True)
        try:
            time.sleep(planned.lasts_s)
        finally:
            self._copy.thaw(pid)
        return f"for {planned.lasts_s:g} s"
