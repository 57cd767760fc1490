"""Celery beat that sends nothing to a queue whose worker is behind: a broker keeps messages past their expiry.

It keeps nothing on disk, so that two of them in one home do not quarrel about a file.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery import beat
from kombu.exceptions import ChannelError, KombuError

from config.extensions import celery

log = structlog.get_logger(__name__)

#: So many messages waiting are enough: one more of a task that may run late or never would do nothing.
ENOUGH = 10


def waiting(queue: str) -> int:
    """Messages in a queue, on Redis and RabbitMQ alike; none when it does not exist."""
    with celery.connection_for_write() as connection:
        try:
            return int(connection.default_channel.queue_declare(queue=queue, passive=True).message_count)
        except ChannelError:
            return 0


class Scheduler(beat.Scheduler):  # type: ignore[misc]
    """Leaves out what would only wait, and goes on when the clock was set back."""

    def tick(self, *args: Any, **words: Any) -> float:
        """Celery waits until it is as late again as it was at the last message: an hour, without sweep and alarms."""
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at > entry.default_now()]
        for entry in ahead:
            entry.last_run_at = entry.default_now()
        if ahead:
            log.warning("clock_set_back")
            self._heap = None  # made anew: it is in the order of the old time
        return float(super().tick(*args, **words))

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        queue = (entry.options or {}).get("queue", celery.conf.task_default_queue)
        try:
            if waiting(queue) >= ENOUGH:
                log.warning("queue_is_long", queue=queue, left_out=entry.task)
                return
        except (OSError, KombuError, *celery.connection_for_write().connection_errors) as exc:
            log.warning("broker_away", error=type(exc).__name__, left_out=entry.task)
            return
        super().apply_entry(entry, producer)
