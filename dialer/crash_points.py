"""Places where a crash test may kill this process, each once: ``OBZVON_CRASH_FILE`` names a file that a test writes.

The file holds the name of a point. The process that passes that point takes the file away and dies as by ``kill -9``;
the one that is started in its place lives. Without the setting a point costs one comparison.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

_file = Path(name) if (name := os.environ.get("OBZVON_CRASH_FILE")) else None


def crash_point(name: str) -> None:
    """Die at once when a crash test asks for it here; else nothing."""
    if _file is None:
        return
    try:
        if _file.read_text() != name:
            return
        _file.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
