"""Notes when this machine gave us no processor time: what is late then says nothing about the product."""

from __future__ import annotations

import threading
import time
from types import TracebackType

TICK_S = 0.01


class Metronome:
    """Wakes a hundred times a second while the block runs, and notes by how much it overslept."""

    def __init__(self) -> None:
        self._late: list[tuple[float, float]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Metronome:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def late_s(self, since: float, until: float) -> float:
        """Seconds overslept between these times (seconds since 1970)."""
        return sum(late for at, late in self._late if since <= at and at - late <= until)

    def _run(self) -> None:
        while not self._ended.is_set():
            before = time.time()
            time.sleep(TICK_S)
            now = time.time()
            self._late.append((now, max(0.0, now - before - TICK_S)))
