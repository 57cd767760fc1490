"""How large the benchmarks are: full, or small (``SMALL=1``) to see that they work."""

from __future__ import annotations

import os

SMALL = os.environ.get("SMALL", "") not in ("", "0")


def sized(full: int, small: int) -> int:
    """The size of this run."""
    return small if SMALL else full
