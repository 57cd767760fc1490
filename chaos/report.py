"""What is printed at the end of a run: a table for people, one JSON line for programs."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from chaos.faults import Done
from chaos.run import Result


def summary(result: Result) -> dict[str, Any]:
    """The JSON line."""
    judgement = result.judgement
    measures = judgement.measures if judgement is not None else None
    done = [item for item in result.done if not item.missed]
    resumed = [item.resumed_s for item in done if item.resumed_s is not None]
    return {
        "contacts": result.options.contacts,
        "database": result.options.database,
        "seed": result.options.seed,
        "attempts": sum(measures.dispositions.values()) if measures else 0,
        "calls": measures.calls if measures else 0,
        "kills": sum(item.planned.kills for item in done),
        "faults": len(done),
        "planned": result.planned,
        "missed": sum(bool(item.missed) for item in result.done),
        "by_kind": dict(sorted(Counter(_kind(item) for item in done).items())),
        "unknown": measures.unknown if measures else 0,
        "dispositions": dict(measures.dispositions) if measures else {},
        "most_at_once": measures.most_at_once if measures else 0,
        "user_actions": result.user_actions,
        "seconds": round(result.seconds, 1),
        "resume_s_max": round(max(resumed, default=0.0), 2),
        "resume_s_p95": round(percentile(resumed, 95), 2),
        "not_possible": result.not_possible,
        "troubles": len(result.troubles),
        "breaches": len(judgement.breaches) if judgement is not None else None,
    }


def _kind(done: Done) -> str:
    planned = done.planned
    if planned.kind == "crash_point":
        return "crash_point"
    return f"{planned.kind} {planned.target}" if planned.kind in ("kill", "freeze") else planned.kind


def percentile(values: list[float], part: int) -> float:
    """The value that ``part`` % do not exceed; 0 when there is none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-len(ordered) * part // 100) - 1)]


def table(result: Result) -> str:
    """Faults by kind, and how soon dialing went on by itself after each."""
    by_kind: dict[str, list[Done]] = defaultdict(list)
    for item in result.done:
        by_kind[_kind(item)].append(item)
    lines = [f"{'fault':<22}{'done':>6}{'missed':>8}{'median':>9}{'p95':>8}{'max':>8}  s until the next call"]
    for kind, items in sorted(by_kind.items()):
        seconds = [item.resumed_s for item in items if item.resumed_s is not None]
        missed = sum(bool(item.missed) for item in items)
        figures = "".join(f"{percentile(seconds, part):>8.2f}" for part in (50, 95, 100)) if seconds else ""
        lines.append(f"{kind:<22}{len(items) - missed:>6}{missed:>8} {figures}")
    lines += [f"not possible here: {name}" for name in result.not_possible]
    lines += [
        f"missed: {item.planned.kind} {item.planned.target}: {item.missed}" for item in result.done if item.missed
    ]
    lines += [f"trouble: {text}" for text in result.troubles]
    if result.judgement is not None:
        lines += [f"BREACH {breach}" for breach in result.judgement.breaches]
        if result.judgement.clean:
            lines.append("The oracle found no breach.")
    return "\n".join(lines)
