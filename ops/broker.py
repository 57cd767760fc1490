"""The broker as seen from here: does it answer, how long are its queues, which workers answer."""

from __future__ import annotations

from collections.abc import Sequence

from celery.exceptions import CeleryError
from kombu.exceptions import KombuError

from config.extensions import celery
from ops.facts import BrokerFact

PATIENCE_S = 2.0
PING_S = 1.0


def look(queues: Sequence[str] = (), *, ping: bool = False) -> BrokerFact:
    """Ask the broker; takes at most some seconds, and never raises."""
    try:
        with celery.connection_for_read(connect_timeout=PATIENCE_S) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=PATIENCE_S)
            lengths = {queue: _length(connection, queue) for queue in queues}
        workers = tuple(sorted(_workers())) if ping else ()
    except (CeleryError, KombuError, OSError, *_recoverable()) as exc:
        return BrokerFact(False, type(exc).__name__)
    return BrokerFact(True, "", lengths, workers)


def _recoverable() -> tuple[type[Exception], ...]:
    """What this broker's own library raises; it is not loaded for the others."""
    connection = celery.connection_for_read()
    try:
        return (*connection.connection_errors, *connection.channel_errors)
    except (ImportError, KombuError):
        return ()


def _length(connection: object, queue: str) -> int:
    """Messages that wait; a queue that is not there has none."""
    channel = connection.channel()  # type: ignore[attr-defined]
    try:
        return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except connection.channel_errors:  # type: ignore[attr-defined]
        return 0
    finally:
        channel.close()


def _workers() -> list[str]:
    replies = celery.control.ping(timeout=PING_S) or []
    return [name for reply in replies for name in reply]
