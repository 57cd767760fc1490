"""Ways to tamper with a run, and what the oracle must say to each."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from chaos.oracle import judge
from tests.unit.chaos.run import Run, clean

Tamper = Callable[[Run], None]


class Plants(dict[str, tuple[Tamper, str, str]]):
    """Name of the tampering -> (what is done, invariant, a pattern of the sentence)."""

    def __call__(self, invariant: str, sentence: str) -> Callable[[Tamper], Tamper]:
        """Decorate a function that plants one breach into a clean run."""

        def remember(tamper: Tamper) -> Tamper:
            assert tamper.__name__ not in self
            self[tamper.__name__] = (tamper, invariant, sentence)
            return tamper

        return remember

    def must_be_found(self, name: str, folder: Path) -> None:
        """Tamper with a clean run and look for the breach among what the oracle says."""
        tamper, invariant, sentence = self[name]
        run = clean()
        tamper(run)
        found = judge(run.evidence(folder)).breaches
        assert any(b.invariant == invariant and re.search(sentence, b.sentence) for b in found), [str(b) for b in found]
