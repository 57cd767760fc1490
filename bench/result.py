"""What a benchmark brings: rows of the table, each with its goal, and everything else that was measured."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    what: str
    value: float
    unit: str  # "of bare", "ms", …
    goal: float
    at_least: bool  # else at most
    note: str = ""  # what the value is made of

    @property
    def met(self) -> bool:
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    @property
    def goal_text(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.goal:g} {self.unit}".rstrip()


@dataclass(frozen=True)
class Result:
    """The rows of one benchmark, and its details for whoever wants to know more."""

    rows: list[Row]
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"rows": [asdict(row) | {"met": row.met} for row in self.rows], "details": self.details}


def at_least(what: str, value: float, unit: str, goal: float, note: str = "") -> Row:
    return Row(what, round(value, 3), unit, goal, True, note)


def at_most(what: str, value: float, unit: str, goal: float, note: str = "") -> Row:
    return Row(what, round(value, 3), unit, goal, False, note)


def percentile(values: Sequence[float], percent: int) -> float:
    """Such as the 99th."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
