"""What one contact hears, as files: kept in ``contact.prompts``, and played by the PBX without asking anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from campaigns.message.blocks import MAIN


@dataclass(frozen=True, slots=True)
class Prompts:
    """Files of one contact's message, by their stems, in the order in which they are played.

    The PBX plays the stem ``x`` under the relative name ``o/x`` (``settings.played``). Recorded sounds,
    spoken words and silence are all such files.
    """

    #: The language in which this contact hears the message.
    language: str
    #: Every place of ``Message.spoken`` (``step`` or ``step.invalid``); one whose blocks were all left out is empty.
    places: Mapping[str, tuple[str, ...]]
    #: Seconds from the begin of the step ``main`` to the end of its last key phrase; None without one.
    heard_s: float | None = None
    #: Seconds of the step ``main``.
    seconds: float = 0.0

    @property
    def main(self) -> tuple[str, ...]:
        """The files of what is said first."""
        return self.places[MAIN]

    def stems(self) -> set[str]:
        """Every file that a call with this contact may need."""
        return {stem for stems in self.places.values() for stem in stems}

    def to_json(self) -> dict[str, Any]:
        """Short names: it is kept once for each contact."""
        places = {place: list(stems) for place, stems in self.places.items()}
        return {"l": self.language, "p": places, "h": self.heard_s, "s": self.seconds}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Prompts:
        places = {str(place): tuple(stems) for place, stems in kept["p"].items()}
        return cls(kept["l"], places, kept["h"], kept["s"])
