"""Follows the carrier's log while it grows: how far dialing is, and since when it goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

#: A call's id begins with the milliseconds at which it was claimed, in twelve hex digits.
TIME_DIGITS = 12


class CarrierWatch:
    """Reads what is new at each :meth:`look`."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._rest = b""
        #: (time of the INVITE, time of its claim by the dial worker's clock), in the order of the log.
        self.invites: list[tuple[float, float]] = []
        #: Numbers called so far.
        self.numbers: set[str] = set()
        self.up = 0

    def look(self) -> None:
        """Take in the lines written since the last look."""
        try:
            with self._log.open("rb") as handle:
                handle.seek(self._read)
                data = handle.read()
        except FileNotFoundError:
            return
        self._read += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, entry: dict[str, str]) -> None:
        if entry["event"] != "invite":
            self.up -= 1
            return
        self.up += 1
        uid = entry["uid"]
        claimed = int(uid[:TIME_DIGITS], 16) / 1000 if uid else float(entry["time"])
        self.invites.append((float(entry["time"]), claimed))
        self.numbers.add(entry["number"])

    def first_claimed_after(self, moment: float) -> float | None:
        """Time of the first INVITE that was claimed and came after ``moment``; one that was on its way is none."""
        self.look()
        return min((invited for invited, claimed in self._since(moment) if claimed > moment), default=None)

    def _since(self, moment: float) -> list[tuple[float, float]]:
        found = []
        for item in reversed(self.invites):
            if item[0] < moment - 5:  # lines of calls that arrive together may be out of order
                break
            if item[0] > moment:
                found.append(item)
        return found

    def wait_resumed(self, since: Callable[[], float | None], limit_s: float) -> float | None:
        """Wait until a call claimed after ``since()`` has arrived. :returns: seconds from then; None: none came.

        ``since`` is asked again and again; None means that nothing can be expected now.
        """
        waited = 0.0
        while waited < limit_s:
            moment = since()
            if moment is not None:
                waited += 0.05
                found = self.first_claimed_after(moment)
                if found is not None:
                    return found - moment
            time.sleep(0.05)
        return None
