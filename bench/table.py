"""The table of results, for the terminal and for docs/benchmarks.md."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.result import Row

DOCS = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- make bench RECORD=1 writes from here -->", "<!-- to here -->"


def rows_of(results: Sequence[dict[str, Any]]) -> list[Row]:
    """All rows; a benchmark that failed has none."""
    fields = Row.__dataclass_fields__
    return [
        Row(**{name: value for name, value in row.items() if name in fields})
        for result in results
        for row in result.get("rows", [])
    ]


def text(results: Sequence[dict[str, Any]]) -> str:
    """For the terminal."""
    rows = rows_of(results)
    lines = [f"{row.what:48} {row.value:>9g} {row.goal_text:>18}  {_verdict(row)}  {row.note}" for row in rows]
    lines += [f"{result['benchmark']:48} {'failed':>9}" for result in results if "failed" in result]
    return "\n".join(lines)


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """For docs/benchmarks.md."""
    lines = [machine(), "", "| what | measured | goal | | how |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.value:g} | {row.goal_text} | {_verdict(row)} | {row.note} |" for row in rows_of(results)
    ]
    lines += [f"| {result['benchmark']} | failed | | | |" for result in results if "failed" in result]
    return "\n".join(lines)


def record(results: Sequence[dict[str, Any]]) -> None:
    """Replace the generated part of docs/benchmarks.md."""
    before, _, rest = DOCS.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCS.write_text(f"{before}{BEGIN}\n{markdown(results)}\n{END}{after}")


def machine() -> str:
    """One line: when, on what."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    memory_kib = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    return (
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, commit {commit.strip() or '?'}, {os.cpu_count()} cores ({model or '?'}), "
        f"{round(memory_kib / 2**20)} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}. Callees and measuring share the cores with everything else."
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _verdict(row: Row) -> str:
    return "met" if row.met else "missed"
