"""Carries out planned faults, and writes down what was done when."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import redis

from chaos import broker
from chaos.clock import LOOK_EVERY_S
from chaos.copy import Copy
from chaos.oracle.evidence import Fault
from chaos.plan import Planned

#: A process that was killed just before is waited for, so that the next kill has somebody to die.
THERE_S = 30.0
#: How long a crash point may take to be passed while calls are made.
PASSED_S = 20.0
#: These have children of their own; sometimes all of them die together, sometimes the parent alone.
FAMILIES = ("web", "jobs")
#: Seconds by which the clock is moved.
SHIFTS = {"clock_back": -3600, "clock_ahead": 3600}


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
        self._began = self._moved = 0.0
        self._ways: dict[str, Callable[[Planned], str]] = {
            "kill": self._kill,
            "crash_point": self._crash,
            "freeze": self._freeze,
            "ami_cut": self._cut,
            "celery_five_times": self._multiply,
            "redis_empty": self._empty,
            "disk_full": self._fill,
            "clock_back": self._clock,
            "clock_ahead": self._clock,
        } | {f"ami_{way}": self._spoil_line for way in ("hold", "delay", "duplicate", "drop", "reorder", "split")}

    def carry_out(self, planned: Planned) -> Done:
        """Do it, to its end."""
        self._began = time.time()
        detail = missed = ""
        try:
            detail = self._ways[planned.kind](planned)
        except Missed as exc:
            missed = str(exc)
        until = None if planned.kind == "kill" else time.time()
        fault = Fault(self._began, planned.kind, planned.target, detail, until)
        if planned.kind == "crash_point":
            fault = replace(fault, target="dial")
        if planned.kind in SHIFTS:
            fault = replace(fault, kind="clock", target="all", shift_s=SHIFTS[planned.kind])
        return Done(planned, fault, missed=missed)

    def write(self, done: Done) -> None:
        """Add it to ``faults.jsonl``."""
        more = {"resumed_s": done.resumed_s}
        with self._log.open("a") as handle:
            handle.write(json.dumps({**asdict(done.fault), **more}, ensure_ascii=False) + "\n")

    def set_clock(self, shift_s: int) -> None:
        """Set it for good; written down once it is set back."""
        clock = self._copy.clock
        now = time.time()
        if clock.shift_s and self._moved:
            done = Done(Planned("clock", "clock"), Fault(self._moved, "clock", "all", "", now, shift_s=clock.shift_s))
            self.write(done)
        self._moved = now
        clock.move(shift_s)

    def _is_there(self, name: str) -> None:
        if not self._copy.wait_for(name, THERE_S):
            raise Missed(f"{name} did not come back within {THERE_S:g} s")

    def _kill(self, planned: Planned) -> str:
        name = planned.target
        whole = name in FAMILIES and planned.dice < 0.5
        deadline = time.monotonic() + THERE_S
        self._is_there(name)
        self._began = time.time()
        while not self._copy.signal(name, signal.SIGKILL, whole):
            if time.monotonic() > deadline:
                raise Missed(f"{name} was gone each time")
            self._is_there(name)
            self._began = time.time()
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
        _wait_for_end(before)
        return planned.target

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

    def _cut(self, planned: Planned) -> str:
        in_half = planned.dice < 0.5
        self._copy.line.cut(in_half)
        return "in the middle of an action" if in_half else ""

    def _spoil_line(self, planned: Planned) -> str:
        self._copy.line.spoil(planned.kind.removeprefix("ami_"), planned.lasts_s)
        return f"for {planned.lasts_s:g} s, {self._copy.line.touched} times"

    def _multiply(self, planned: Planned) -> str:
        try:
            return f"{broker.multiply(self._copy.redis_socket, planned.lasts_s)} messages"
        except redis.RedisError as exc:
            raise Missed(f"the broker: {exc}") from exc

    def _empty(self, planned: Planned) -> str:
        try:
            return f"{broker.empty(self._copy.redis_socket)} keys"
        except redis.RedisError as exc:
            raise Missed(f"the broker: {exc}") from exc

    def _fill(self, planned: Planned) -> str:
        try:
            self._copy.disk.fill()
            time.sleep(planned.lasts_s)
        finally:
            self._copy.disk.free()
        return f"for {planned.lasts_s:g} s"

    def _clock(self, planned: Planned) -> str:
        try:
            self._copy.clock.move(SHIFTS[planned.kind])
            time.sleep(planned.lasts_s)
        finally:
            self._copy.clock.move(0)
        time.sleep(LOOK_EVERY_S + 0.2)  # until the last process has seen it
        return f"for {planned.lasts_s:g} s"


def _wait_for_end(pid: int) -> None:
    """Until the process is gone or a zombie: its other threads may live a moment longer than the one that asked."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
        except OSError:
            return
        if state in "ZX":
            return
        time.sleep(0.005)
