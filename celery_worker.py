"""Wiring of the workers: `celery -A celery_worker worker|beat`. No logic here.

The same file serves the jobs worker and the dial worker. The dial worker (``OBZVON_ROLE=dial``) has one more step: the
gateway, which holds the one AMI connection of its node. It belongs to the worker, not to the consumer, so that losing
the broker does not touch the calls.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar

from celery import bootsteps
from celery.signals import setup_logging, worker_process_init
from celery.worker import state

from campaigns.dial_worker import DialWorker
from config import logging as obzvon_logging
from config.app import create_base_app
from config.extensions import celery, db
from config.settings import get

settings = get()
flask_app = create_base_app(settings)
app = celery


class ContextTask(celery.Task):  # type: ignore[name-defined,misc]
    """Every task runs inside an application context."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with flask_app.app_context():
            return super().__call__(*args, **kwargs)


celery.Task = ContextTask
celery.conf.beat_schedule = {
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
    """Starts and stops the dial worker's own part with the worker."""

    requires: ClassVar[set[str]] = {"celery.worker.components:Pool"}

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self.dial = DialWorker(settings, flask_app.app_context)

    def start(self, parent: Any) -> None:
        self.dial.start(state.maybe_shutdown)

    def stop(self, parent: Any) -> None:
        self.dial.stop()

    terminate = stop


if os.environ.get("OBZVON_ROLE") == "dial":
    celery.steps["worker"].add(DialStep)
