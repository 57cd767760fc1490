"""Which faults come, in which order and with what values: computed from the seed alone. Pure."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass

#: Places in the code where the dial worker may die, in the order of a call's life (see dialer/crash_points.py).
CRASH_POINTS = (
    "before_claim_commit",
    "after_claim",
    "originate_before_send",
    "originate_after_send",
    "after_answer_event",
    "after_end_event",
    "before_record",
    "before_record_commit",
    "after_record_before_journal_delete",
    "after_settle_look",
)
#: process -> weight among kills. The dial worker and its PBX have the most to lose; each death of the PBX leaves up to
#: as many unknown contacts as calls are up.
KILLS = {"dial": 5, "pbx": 2, "redis": 3, "database": 4, "web": 2, "jobs": 2, "beat": 2}
#: Weight of all crash points together.
CRASHES = 6
#: (kind, target) -> weight among the faults that kill nothing.
OTHERS = {
    ("freeze", "dial"): 3,
    ("freeze", "pbx"): 3,
    ("freeze", "redis"): 1,
    ("freeze", "database"): 2,
    ("freeze", "web"): 1,
    ("freeze", "jobs"): 1,
    ("freeze", "beat"): 1,
    ("ami_cut", "ami"): 3,
    ("ami_hold", "ami"): 2,
    ("ami_delay", "ami"): 2,
    ("ami_duplicate", "ami"): 2,
    ("ami_drop", "ami"): 3,
    ("ami_reorder", "ami"): 1,
    ("ami_split", "ami"): 2,
    ("celery_five_times", "celery"): 3,
    ("redis_empty", "redis"): 2,
    ("disk_full", "disk"): 2,
    ("clock_back", "clock"): 1,
    ("clock_ahead", "clock"): 1,
}
#: One fault that kills nothing for so many kills.
KILLS_PER_OTHER = 3


@dataclass(frozen=True)
class Planned:
    """One planned fault; ``kind`` and ``target`` as in ``chaos/oracle/evidence.py``, a crash point as its target."""

    kind: str
    target: str
    #: Seconds that it lasts; 0 for a kill.
    lasts_s: float = 0.0
    #: Seconds of quiet before it, once dialing has resumed after the last one.
    pause_s: float = 0.0
    #: A number from 0 to 1 for whatever else it has to choose.
    dice: float = 0.0

    @property
    def kills(self) -> bool:
        return self.kind in ("kill", "crash_point")


def make(
    seed: int, kills: int, possible: Collection[str], others: int | None = None, longest_s: float = 12.0
) -> list[Planned]:
    """The faults in their order.

    :param possible: what this run can spoil: names of processes, and ami, celery, disk, clock, crash_point.
    :param others: how many faults that kill nothing; by default a fixed part of ``kills``.
    :param longest_s: no fault lasts longer.
    """
    dice = random.Random(f"plan {seed}")
    kill_weights: dict[tuple[str, str], float] = {("kill", name): KILLS[name] for name in KILLS if name in possible}
    if "crash_point" in possible:
        kill_weights |= {("crash_point", point): CRASHES / len(CRASH_POINTS) for point in CRASH_POINTS}
    other_weights = {key: weight for key, weight in OTHERS.items() if key[1] in possible}
    if others is None:
        others = -(-kills // KILLS_PER_OTHER)
    chosen = _draw(dice, kill_weights, kills) + _draw(dice, other_weights, others)
    dice.shuffle(chosen)
    return [
        Planned(
            kind,
            target,
            min(longest_s, _lasts(dice, kind, target)),
            round(dice.uniform(0.1, 0.8), 2),
            round(dice.random(), 4),
        )
        for kind, target in chosen
    ]


def _draw(dice: random.Random, weights: Mapping[tuple[str, str], float], count: int) -> list[tuple[str, str]]:
    """Each at least once while they fit, the heavy ones first; the rest by weight."""
    keys = list(weights)
    if not keys:
        return []
    dice.shuffle(keys)
    keys.sort(key=lambda key: -weights[key])
    sure = keys[:count]
    return sure + dice.choices(keys, [weights[key] for key in keys], k=count - len(sure))


def _lasts(dice: random.Random, kind: str, target: str) -> float:
    """Of the PBX and the dial worker some freezes are longer than the AMI's deadlines."""
    if kind in ("kill", "crash_point", "redis_empty", "ami_cut"):
        return 0.0
    if kind == "freeze" and target in ("pbx", "dial"):
        return float(dice.choice((1, 2, 4, 9, 12)))
    if kind == "ami_hold":
        return float(dice.choice((1, 3, 9)))
    if kind.startswith("clock"):
        return round(dice.uniform(4, 8), 1)
    return round(dice.uniform(1.5, 4), 1)
