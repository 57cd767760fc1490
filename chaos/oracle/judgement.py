"""What the oracle says: breaches, and figures beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chaos.oracle.evidence import Fault


@dataclass(frozen=True, order=True)
class Breach:
    """One broken promise: ``I1`` to ``I7``, or ``E0`` when the evidence itself cannot be trusted."""

    invariant: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.sentence}"


@dataclass(frozen=True)
class Resume:
    """How long after a fault's end the next INVITE came."""

    fault: Fault
    #: None: no INVITE came after it.
    seconds: float | None
    #: Another fault began, or a user paused the campaign, before that INVITE: the time says nothing about this one.
    disturbed: bool = False


@dataclass(frozen=True)
class Measures:
    """Figures from the carrier's log and the attempts."""

    calls: int = 0
    #: Calls up together, by what the carrier saw.
    most_at_once: int = 0
    #: From the first INVITE to the last end.
    span_s: float = 0.0
    #: Campaign id -> share of its channels in use at the carrier between its first and its last INVITE, without pauses.
    channel_use: Mapping[int, float] = field(default_factory=dict)
    dispositions: Mapping[str, int] = field(default_factory=dict)
    unknown: int = 0
    #: Of the unknown, those whose call had ended at the carrier before the PBX died (within the tolerance).
    unknown_but_ended: int = 0
    resumes: tuple[Resume, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """Everything that was found; ``breaches`` is empty when all promises were kept."""

    breaches: tuple[Breach, ...]
    measures: Measures

    @property
    def clean(self) -> bool:
        return not self.breaches
