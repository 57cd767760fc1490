"""Spoils the broker: everything forgotten, every message delivered five times."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from pathlib import Path

import redis

TIMES = 5
#: Lists that Celery's messages go through; kombu keeps its own things in others.
QUEUES = ("dial.", "jobs")


def empty(socket_path: Path) -> int:
    """Forget everything. :returns: how many keys there were.

    :raises redis.RedisError: it is not there.
    """
    with contextlib.closing(redis.Redis(unix_socket_path=str(socket_path), socket_timeout=5)) as client:
        count = int(client.dbsize())  # type: ignore[arg-type]
        client.flushall()
    return count


def multiply(socket_path: Path, seconds: float) -> int:
    """For so long, put each message that is sent four more times into its queue. :returns: how many messages.

    :raises redis.RedisError: the broker is not there.
    """
    with (
        contextlib.closing(redis.Redis(unix_socket_path=str(socket_path), socket_timeout=5)) as client,
        contextlib.closing(redis.Redis(unix_socket_path=str(socket_path), socket_timeout=5)) as watched,
    ):
        client.ping()
        ours: Counter[str] = Counter()
        count = 0
        until = time.monotonic() + seconds
        with watched.monitor() as monitor:
            while time.monotonic() < until:
                if not monitor.connection.can_read(timeout=0.2):
                    continue
                command = str(monitor.next_command()["command"])
                if not command.upper().startswith("LPUSH ") or not command[6:].startswith(QUEUES):
                    continue
                _, queue, body = command.split(" ", 2)
                body = body.replace("\\\\", "\\")  # as MONITOR wrote it, but for the quotes
                if ours[body]:
                    ours[body] -= 1
                    continue
                count += 1
                ours[body] += TIMES - 1
                for _ in range(TIMES - 1):
                    client.lpush(queue, body)
    return count
