"""Places where a crash test may kill this process, as by ``kill -9``.

``OBZVON_CRASH_AT=name`` or ``name:N`` kills at the N-th passing of a place. ``OBZVON_CRASH_AT=@file`` lets a test arm a
process that runs already: once the file exists and holds ``name``, the next passing takes the file away and kills.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

_name, _, _count = os.environ.get("OBZVON_CRASH_AT", "").partition(":")
_file = Path(_name[1:]) if _name.startswith("@") else None
_left = int(_count) if _count.isdigit() else 1


def crash_point(name: str) -> None:
    """Die at once when a crash test asks for it here; else nothing."""
    global _left
    if not _name:
        return
    if _file is not None:
        with contextlib.suppress(FileNotFoundError):
            if _file.read_text().strip() == name:
                _file.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        return
    if name == _name:
        _left -= 1
        if _left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
