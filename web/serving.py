"""Configuration of gunicorn: ``gunicorn -c python:web.serving 'web:create_app()'``; address and threads come by flags.

A thread that streams to a browser would hold the stop back until the grace period ends, so the streams are told of
the stop signal themselves.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

worker_class = "gthread"
workers = 1
graceful_timeout = 4
timeout = 120
keepalive = 5


def post_worker_init(worker: Any) -> None:
    """gunicorn's hook: put the end of the live streams before the worker's own handling of its signals."""
    from web import live

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        before = signal.getsignal(number)

        def stop(signum: int, frame: FrameType | None, before: Any = before) -> None:
            live.stopping.set()
            if callable(before):
                before(signum, frame)

        signal.signal(number, stop)
