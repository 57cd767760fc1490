"""Reads the rehearsal carrier's log: the truth about which calls went out and what they heard."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers import wait_until


@dataclass(frozen=True)
class CarrierCall:
    """One INVITE. Times are seconds since 1970; ``ended`` is None while it lasts (or when the carrier died)."""

    call: str
    number: str
    uid: str
    invited: float
    #: When he took the phone off the hook, and when the first packet of sound had come (or none for half a second).
    picked_up: float | None = None
    answered: float | None = None
    ended: float | None = None
    keys: str = ""
    recording: str = ""
    #: The caller's name, and where all about the call is shown, as the INVITE said; '' when it did not.
    name: str = ""
    card: str = ""

    @property
    def connected_s(self) -> float:
        return 0.0 if self.answered is None or self.ended is None else self.ended - self.answered


def read_calls(log: Path) -> list[CarrierCall]:
    """All calls in the order of their INVITEs. A line that is not whole JSON is an error: it would be a lost call."""
    begun: dict[str, dict[str, object]] = {}
    for number, line in enumerate(log.read_text().splitlines() if log.exists() else [], 1):
        try:
            entry = json.loads(line)
        except ValueError as exc:
            raise AssertionError(f"{log}:{number} is torn: {line!r}") from exc
        key = entry["call"]
        if entry["event"] == "invite":
            assert key not in begun, f"{log}:{number}: a second INVITE of {key}"
            begun[key] = {"call": key, "number": entry["number"], "uid": entry["uid"], "invited": entry["time"]}
            begun[key] |= {name: told(entry.get(name, "")) for name in ("name", "card")}
        else:
            assert key in begun, f"{log}:{number}: the end of {key}, which never began"
            begun[key] |= {name: entry[name] for name in ("picked_up", "answered", "keys", "recording")}
            begun[key]["ended"] = entry["time"]
    return [CarrierCall(**fields) for fields in begun.values()]  # type: ignore[arg-type]


def wait_for_ends(log: Path, since: float = 0.0) -> None:
    """Until the carrier has written the end of every call that came after ``since`` (seconds since 1970).

    Its last line may come later than the outcome. What was up when an Asterisk was killed has no end: it came before.
    """

    def up() -> list[str]:
        return [call.number for call in read_calls(log) if call.ended is None and call.invited > since]

    wait_until(lambda: not up(), 20, f"the ends of all calls in {log}")


def most_at_once(calls: list[CarrierCall]) -> int:
    """The greatest number of calls that were up together."""
    moments = [(call.invited, 1) for call in calls] + [(call.ended, -1) for call in calls if call.ended is not None]
    up = most = 0
    for _, step in sorted(moments):
        up += step
        most = max(most, up)
    return most


def join(logs: Sequence[Path], target: Path) -> Path:
    """The logs of several carriers as one; a call's name there is the carrier's place and its own name."""
    lines = []
    for place, log in enumerate(logs):
        for line in log.read_text().splitlines() if log.exists() else []:
            entry = json.loads(line)
            lines.append(entry | {"call": f"{place}/{entry['call']}"})
    lines.sort(key=lambda entry: float(entry["time"]))
    target.write_text("".join(json.dumps(entry) + "\n" for entry in lines))
    return target


def told(encoded: str) -> str:
    """What a header of the INVITE said: base64, with a dot before it."""
    return base64.b64decode(encoded).decode().removeprefix(".")
