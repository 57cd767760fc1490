"""The clock of the copy's Python processes, moved by libfaketime. Asterisk and its callees keep the true time."""

from __future__ import annotations

import sysconfig
from pathlib import Path

#: How often a process looks at the file again, whole seconds.
LOOK_EVERY_S = 1


def library() -> Path | None:
    """Where Debian puts libfaketime for programs with threads; None: it is not installed."""
    triplet = sysconfig.get_config_var("MULTIARCH") or ""
    found = Path("/usr/lib") / triplet / "faketime/libfaketimeMT.so.1"
    return found if found.exists() else None


class Clock:
    """Moves the clock of every process that was started with :meth:`environment`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._library = library()
        self.shift_s = 0
        self.move(0)

    @property
    def can_move(self) -> bool:
        return self._library is not None

    def move(self, seconds: int) -> None:
        """Set it so far off the true time; in force within :data:`LOOK_EVERY_S`."""
        temporary = self._file.with_suffix(".new")
        temporary.write_text(f"{seconds:+d}\n")
        temporary.replace(self._file)
        self.shift_s = seconds

    def environment(self) -> dict[str, str]:
        """For the processes whose clock it is to be."""
        if self._library is None:
            return {}
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": str(LOOK_EVERY_S),
            # Waiting goes by the monotonic clock, which nobody can set.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": str(Path(__file__).with_name("moved_clock")),
        }
