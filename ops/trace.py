"""Everything that the logs of one home say about one attempt, in order of time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Line:
    """One log line; ``values`` is what it says, ``at`` its time as written (ISO 8601, UTC)."""

    at: str
    file: str
    values: dict[str, Any]


def lines(uid: str, logs: Path) -> list[Line]:
    """The lines of all processes that name this attempt, rotated files included, oldest first."""
    found = [line for file in sorted(logs.glob("*.log*")) for line in _of_file(uid, file)]
    return sorted(found, key=lambda line: line.at)


def _of_file(uid: str, file: Path) -> Iterator[Line]:
    try:
        with file.open(encoding="utf-8", errors="replace") as handle:
            for text in handle:
                if uid in text:
                    yield _read(text, file.name)
    except FileNotFoundError:
        return  # rotated away meanwhile


def _read(text: str, file: str) -> Line:
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        return Line("", file, {"event": text.strip()})
    return Line(str(values.get("timestamp", "")), file, values)


def written(line: Line, uid: str) -> str:
    """The line for a terminal: when, who, what, and what it says of this attempt alone."""
    skipped = {"timestamp", "event", "level", "role", "node", "pid", "logger", "attempt"}
    values = dict(line.values)
    if isinstance(values.get("outcomes"), dict):
        values["outcome"] = values.pop("outcomes").get(uid)
    if isinstance(values.get("attempts"), list):
        values["together_with"] = len(values.pop("attempts")) - 1
    rest = " ".join(f"{name}={value}" for name, value in values.items() if name not in skipped)
    who = f"{values.get('role', '')}@{values.get('node', '')}" if "role" in values else line.file
    return f"{line.at or '-':27} {who:12} {values.get('event', '')} {rest}".rstrip()
