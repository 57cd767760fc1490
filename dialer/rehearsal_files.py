"""What the rehearsal carrier leaves behind: its recordings and log would fill the disk if nobody took them away."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from config.settings import Settings
from dialer.pbx_config import seat_log

KEEP_BYTES = 2 * 1024**3
LOG_BYTES = 100 * 1024**2
EVERY_S = 600.0

_swept_at = float("-inf")


def sweep(settings: Settings, *, now: float | None = None) -> int:
    """At most every ten minutes: remove old recordings, then the oldest over the size limit; put a long log aside.

    :returns: how many recordings were removed.
    """
    global _swept_at
    if time.monotonic() - _swept_at < EVERY_S:
        return 0
    _swept_at = time.monotonic()
    for log in (settings.carrier_log, seat_log(settings)):
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".1.jsonl"))  # the carrier opens the file anew for every line
    keep_s = settings.keep_recordings_days * 86400
    return _remove_recordings(settings.carrier_recordings, time.time() if now is None else now, keep_s)


def _remove_recordings(folder: Path, now: float, keep_s: float) -> int:
    files = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in folder.glob("*.wav"))
    total = sum(size for _, size, _ in files)
    removed = 0
    for changed, size, path in files:
        if now - changed <= keep_s and total <= KEEP_BYTES:
            break
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        total -= size
        removed += 1
    return removed
