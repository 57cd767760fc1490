"""Messages to the workers: hints that carry ids. A lost one costs time, no more: a tick or sweep comes later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from celery.exceptions import CeleryError
from kombu.exceptions import KombuError

from config.extensions import celery

log = structlog.get_logger(__name__)


def send(task: str, ids: Sequence[int] = (), *, queue: str, expires: float | None = None) -> bool:
    """Send a task by its name. :returns: False when the broker did not take it."""
    options: dict[str, Any] = {} if expires is None else {"expires": expires}
    try:
        celery.send_task(task, list(ids), queue=queue, retry=False, **options)
    except (CeleryError, KombuError, OSError) as exc:
        log.warning("message_not_sent", task=task, ids=list(ids), error=type(exc).__name__)
        return False
    return True
