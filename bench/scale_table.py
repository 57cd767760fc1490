"""The computed table of docs/scale.md: ``python -m bench.scale_table`` rewrites it from the measured figures.

The figures stand in ``bench/scale_inputs.json``, each with where it was measured. The model is simple on purpose: each
part has a ceiling of its own, and the lowest one is what limits.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

INPUTS = Path(__file__).with_name("scale_inputs.json")
PAGE = Path(__file__).resolve().parent.parent / "docs" / "scale.md"
BEGIN, END = "<!-- computed: begin -->", "<!-- computed: end -->"
NODES = (1, 2, 5, 10, 20, 50, 100)
MESSAGE_S = 30


@dataclass(frozen=True)
class Inputs:
    """What was measured; calls per second unless the name says otherwise."""

    node_calls_s: float  # one node, its dial worker and its database on two cores
    node_channels: float  # messages playing at once on one node before the sound suffers
    database_calls_s: float  # claims and outcomes, ten calls at a time, of nodes with campaigns of their own
    campaign_calls_s: float  # the same when all nodes share one campaign: its row is locked by one at a time
    idle_node_calls_s: float  # what a node's ticks, live numbers and renewals cost the database, in calls


def read(path: Path = INPUTS) -> Inputs:
    """The measured figures."""
    return Inputs(**{name: float(entry["value"]) for name, entry in json.loads(path.read_text()).items()})


@dataclass(frozen=True)
class Row:
    """What so many nodes carry, and what limits it."""

    nodes: int
    calls_s: float
    calls_limit: str
    at_once: float  # messages of MESSAGE_S playing at the same time
    at_once_limit: str


def rows(inputs: Inputs) -> list[Row]:
    """One for each number of nodes."""
    found = []
    for nodes in NODES:
        by_nodes = nodes * inputs.node_calls_s
        by_database = max(0.0, inputs.database_calls_s - nodes * inputs.idle_node_calls_s)
        calls_s, calls_limit = min((by_nodes, "nodes"), (by_database, "database"))
        channels = nodes * inputs.node_channels
        at_once, at_once_limit = min((channels, "channels of the nodes"), (calls_s * MESSAGE_S, calls_limit))
        found.append(Row(nodes, calls_s, calls_limit, at_once, at_once_limit))
    return found


def table(inputs: Inputs) -> str:
    """The table as it stands in the page."""
    lines = [
        f"| nodes | calls per second | limited by | messages of {MESSAGE_S} s at once | limited by |",
        "|---|---|---|---|---|",
    ]
    for row in rows(inputs):
        calls = f"{row.calls_s:,.0f} | {row.calls_limit}"
        lines.append(f"| {row.nodes} | {calls} | {row.at_once:,.0f} | {row.at_once_limit} |")
    lines.append("")
    lines.append(f"One campaign alone, on any number of nodes: {inputs.campaign_calls_s:,.0f} calls per second.")
    return "\n".join(lines)


def written(page: str, computed: str) -> str:
    """The page with this table between its marks."""
    head, rest = page.split(BEGIN)
    return f"{head}{BEGIN}\n{computed}\n{END}{rest.split(END)[1]}"


def main() -> int:
    """Write the table into the page; with ``--check`` only say whether it is the same."""
    page = PAGE.read_text()
    new = written(page, table(read()))
    if "--check" in sys.argv:
        return int(new != page)
    PAGE.write_text(new)
    print(table(read()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
