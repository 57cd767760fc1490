"""The dial workers' own log: what they said they had committed. Lines may be missing or torn, none may contradict."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CLAIMED, SENT, RECORDED, ADOPTED = "calls_claimed", "calls_sent", "outcomes_recorded", "calls_adopted"
#: Not of a dial worker: what an observer read in the database while it ran.
SEEN = "outcomes_seen"


@dataclass
class EventLog:
    """By attempt uid, in the order of the lines."""

    #: uid -> campaigns that said they had claimed it.
    claimed: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    #: uid -> how many times its Originate was written.
    sent: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    #: uid -> outcomes said to be committed.
    recorded: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    adopted: set[str] = field(default_factory=set)
    #: uid -> outcomes that somebody read in the database meanwhile.
    seen: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def uids(self) -> set[str]:
        """Every attempt that is spoken of."""
        return {*self.claimed, *self.sent, *self.recorded, *self.adopted, *self.seen}


def read_events(logs: Iterable[Path]) -> EventLog:
    """All of them; other events and torn lines are passed over (a killed worker leaves half a line)."""
    found = EventLog()
    for log in logs:
        for line in log.read_text(errors="replace").splitlines() if log.exists() else ():
            _take(found, _event(line))
    return found


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _take(found: EventLog, event: dict[str, Any]) -> None:
    name = event.get("event")
    if name == CLAIMED:
        for uid in event["attempts"]:
            found.claimed[uid].append(int(event["campaign"]))
    elif name == SENT:
        for uid in event["attempts"]:
            found.sent[uid] += 1
    elif name == ADOPTED:
        found.adopted.update(event["attempts"])
    elif name == RECORDED:
        for uid, outcome in event["outcomes"].items():
            found.recorded[uid].append(str(outcome))
    elif name == SEEN:
        for uid, outcome in event["outcomes"].items():
            found.seen[uid].add(str(outcome))
