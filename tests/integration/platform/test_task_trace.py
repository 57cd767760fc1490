"""A request's id reaches the log lines of the tasks that it sent, through a real broker and worker."""

from __future__ import annotations

import structlog
from celery import Celery
from celery.contrib.testing.worker import start_worker

from config import task_trace
from tests.support.servers import wait_until


def test_a_task_bears_the_id_of_its_request(redis_url):
    app = Celery("trace", broker=redis_url)
    app.conf.update(
        task_default_queue="trace", broker_connection_retry_on_startup=True, worker_hijack_root_logger=False
    )
    seen = []

    @app.task(name="trace.look")
    def look():
        seen.append(dict(structlog.contextvars.get_contextvars()))

    task_trace.install()
    structlog.contextvars.bind_contextvars(request_id="a-request-1")
    try:
        with start_worker(app, pool="solo", perform_ping_check=False):
            first = look.apply_async()
            structlog.contextvars.clear_contextvars()
            second = look.apply_async()
            wait_until(lambda: len(seen) == 2, hint="two tasks")
    finally:
        structlog.contextvars.clear_contextvars()
        app.close()
    assert seen[0] == {"task": "trace.look", "task_id": first.id, "request_id": "a-request-1"}
    assert seen[1] == {"task": "trace.look", "task_id": second.id}
