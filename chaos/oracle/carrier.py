"""The carriers' logs: two JSON lines for each INVITE that arrived, the truth about who was called."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chaos.oracle.judgement import Breach

#: Telephone numbers appear in breaches like this: 7900*****67.
_NUMBER = re.compile(r"(?<!\d)(\d{4})\d+(\d{2})(?!\d)")


def masked(number: str) -> str:
    """``79001234567`` becomes ``7900*****67``."""
    return _NUMBER.sub(lambda m: f"{m[1]}{'*' * (len(m[0]) - 6)}{m[2]}", number)


@dataclass(frozen=True)
class Call:
    """One INVITE. Times are seconds since 1970; ``ended`` is None while it lasts."""

    call: str
    number: str
    uid: str
    invited: float
    answered: float | None = None
    ended: float | None = None

    @property
    def end(self) -> float:
        return float("inf") if self.ended is None else self.ended

    @property
    def connected_s(self) -> float:
        """How long the callee had the call at his ear."""
        return 0.0 if self.answered is None else self.end - self.answered


def read_calls(logs: Iterable[Path]) -> tuple[list[Call], list[Breach]]:
    """All calls in the order of their INVITEs, and what is wrong with the evidence itself."""
    calls: list[Call] = []
    wrong: list[Breach] = []
    for log in logs:
        if not log.exists():
            wrong.append(Breach("E0", f"{log.name}: the carrier's log is not there"))
            continue
        begun: dict[str, Call] = {}
        for place, entry in _entries(log, wrong):
            problem = _take(begun, entry)
            if problem:
                wrong.append(Breach("E0", f"{place}: {problem}"))
        calls += begun.values()
    return sorted(calls, key=lambda call: call.invited), wrong


def _entries(log: Path, wrong: list[Breach]) -> Iterable[tuple[str, dict[str, Any]]]:
    """The whole lines. Torn may be the last one only, where the carrier's machine died."""
    text = log.read_text(errors="replace")
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if isinstance(entry, dict):
            yield f"{log.name}:{number}", entry
        elif number < len(lines):  # the last element is what stands behind the last line break
            wrong.append(Breach("E0", f"{log.name}:{number}: a torn line, whose call is lost: {masked(line[:60])!r}"))


def _take(begun: dict[str, Call], entry: dict[str, Any]) -> str | None:
    """Add one line to the calls; what is wrong with it."""
    try:
        if entry["event"] == "invite":
            return _begin(begun, entry)
        if entry["event"] == "end":
            return _end(begun, entry)
        return f"an unknown event, {str(entry['event'])[:20]!r}"
    except (KeyError, TypeError, ValueError) as exc:
        return f"a line without what it must hold ({type(exc).__name__}: {exc})"


def _begin(begun: dict[str, Call], entry: dict[str, Any]) -> str | None:
    key = str(entry["call"])
    if key in begun:
        return f"a second INVITE line of {key}"
    begun[key] = Call(key, str(entry["number"]), str(entry["uid"]), float(entry["time"]))
    return None


def _end(begun: dict[str, Call], entry: dict[str, Any]) -> str | None:
    key, time, answered = str(entry["call"]), float(entry["time"]), entry["answered"]
    call = begun.get(key)
    if call is None:
        return f"the end of {key}, whose INVITE line is missing"
    if call.ended is not None:
        return f"a second end of {key}"
    if str(entry["uid"]) != call.uid:
        return f"{key} began as attempt {call.uid} and ended as {entry['uid']}"
    picked_up = None if answered is None else float(answered)
    if not call.invited <= (call.invited if picked_up is None else picked_up) <= time:
        return f"the times of {key} are not in order"
    begun[key] = replace(call, answered=picked_up, ended=time)
    return None


def most_at_once(spans: Sequence[tuple[float, float]]) -> int:
    """The greatest number of spans (begin, end) that hold together; one that ends when another begins has ended."""
    moments = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    up = most = 0
    for _, step in moments:
        up += step
        most = max(most, up)
    return most
