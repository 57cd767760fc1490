"""What Celery tasks leave behind for an operator: ids in their log lines, their time in the metrics.

A task bears the id of the request that sent it, so that a click can be followed into the workers.
"""

from __future__ import annotations

import time
from typing import Any

import structlog
from celery.signals import before_task_publish, task_postrun, task_prerun

from config import metrics

REQUEST_ID = "request_id"
#: Task id -> when it began, in this process.
_began: dict[str, float] = {}


def install() -> None:
    """Bind the signals of this process; safe to call again."""
    before_task_publish.connect(_sent, dispatch_uid="obzvon-sent")
    task_prerun.connect(_begins, dispatch_uid="obzvon-begins")
    task_postrun.connect(_ended, dispatch_uid="obzvon-ended")


def _sent(headers: dict[str, Any] | None = None, **_: object) -> None:
    request_id = structlog.contextvars.get_contextvars().get(REQUEST_ID)
    if request_id and headers is not None:
        headers[REQUEST_ID] = request_id


def _begins(task_id: str = "", task: Any = None, **_: object) -> None:
    _began[task_id] = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    bound = {"task": task.name, "task_id": task_id}
    request_id = getattr(task.request, REQUEST_ID, None)
    if isinstance(request_id, str):
        bound[REQUEST_ID] = request_id[:64]
    structlog.contextvars.bind_contextvars(**bound)


def _ended(task_id: str = "", task: Any = None, state: str | None = None, **_: object) -> None:
    began = _began.pop(task_id, None)
    if began is not None:
        outcome = "ok" if state == "SUCCESS" else "failed"
        metrics.tasks.labels(task.name, outcome).observe(time.perf_counter() - began)
    structlog.contextvars.clear_contextvars()
