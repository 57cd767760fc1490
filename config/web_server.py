"""gunicorn's configuration file, as a module: what cannot be said by its options."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from config import logging as obzvon_logging
from config import settings

#: Set as soon as this worker is told to end. Live pages look at it: they would hold the end back otherwise.
stopping = threading.Event()


def post_worker_init(_worker: object) -> None:
    """The worker's logs have the same shape as everybody's; its live pages hear of the stop signals."""
    obzvon_logging.setup(settings.get())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        _tell_before(number)


def _tell_before(number: signal.Signals) -> None:
    before = signal.getsignal(number)

    def told(signum: int, frame: FrameType | None) -> None:
        stopping.set()
        if callable(before):
            before(signum, frame)

    signal.signal(number, told)
