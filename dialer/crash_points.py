"""Places where a crash test may kill this process: ``OBZVON_CRASH_AT=name`` or ``name:N`` for the N-th passing."""

from __future__ import annotations

import os
import signal

_name, _, _count = os.environ.get("OBZVON_CRASH_AT", "").partition(":")
_left = int(_count) if _count.isdigit() else 1


def crash_point(name: str) -> None:
    """Die at once, as by ``kill -9``, when a crash test asks for it here; else nothing."""
    global _left
    if name != _name:
        return
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
