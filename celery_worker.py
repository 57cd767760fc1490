"""Wiring of the workers: `celery -A celery_worker worker|beat`. No logic here.

The same file serves the jobs worker and the dial worker. The dial worker (``OBZVON_ROLE=dial``) has one more step: the
gateway, which holds the one AMI connection of its node. It belongs to the worker, not to the consumer, so that losing
the broker does not touch the calls.
"""

from __future__ import annotations

import fcntl
import os
from typing import Any, ClassVar

from celery import bootsteps
from celery.signals import setup_logging, worker_process_init

from campaigns import jobs
from campaigns.dial_loop import DialLoop, Ledger, node_id_of
from campaigns.waking import Waker
from config import logging as obzvon_logging
from config.app import create_base_app
from config.extensions import celery, db
from config.settings import get
from dialer import jobs as dialer_jobs
from dialer.gateway import Gateway

settings = get()
flask_app = create_base_app(settings)
app = celery
dial_queue = f"dial.{settings.node_name}"


class ContextTask(celery.Task):  # type: ignore[name-defined,misc]
    """Every task runs inside an application context."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with flask_app.app_context():
            return super().__call__(*args, **kwargs)


celery.Task = ContextTask
celery.conf.beat_schedule = {
    "tick": {"task": "campaigns.tick", "schedule": 1.0, "options": {"queue": dial_queue, "expires": 5}},
    "sweep": {"task": "campaigns.sweep", "schedule": 10.0, "options": {"queue": "jobs", "expires": 20}},
}


@setup_logging.connect
def _logging(**_: Any) -> None:
    obzvon_logging.setup(settings)


@worker_process_init.connect
def _own_connections(**_: Any) -> None:
    """A forked child must not share its parent's database connections."""
    with flask_app.app_context():
        db.engine.dispose(close=False)


class DialStep(bootsteps.StartStopStep):
    """Starts and stops the gateway with the worker."""

    requires: ClassVar[set[str]] = {"celery.worker.components:Pool"}

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self.gateway: Gateway | None = None
        self.lock: Any = None
        self.waker: Waker | None = None

    def start(self, parent: Any) -> None:
        # A second dial worker for the same node waits here until the first one is gone.
        self.lock = open(settings.home / "run" / f"dial-{settings.node_name}.lock", "w")  # noqa: SIM115
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        with flask_app.app_context():
            node_id = node_id_of(settings.node_name)
        ledger = Ledger(node_id, lambda campaign_ids: jobs.loop.wake(campaign_ids) if jobs.loop else None)
        self.gateway = Gateway(settings, ledger, flask_app.app_context)
        self.waker = Waker(jobs.dial_here, flask_app.app_context)
        jobs.loop = DialLoop(node_id, self.gateway, self.waker.wake)
        self.waker.start()
        dialer_jobs.gateway = self.gateway
        self.gateway.start()

    def stop(self, parent: Any) -> None:
        jobs.loop = None
        if self.waker is not None:
            self.waker.stop()
        if self.gateway is not None:
            self.gateway.stop()

    terminate = stop


if os.environ.get("OBZVON_ROLE") == "dial":
    celery.steps["worker"].add(DialStep)
