"""The Celery task of this package."""

from __future__ import annotations

from celery import shared_task
from flask import current_app

from ops import alarms, notices


@shared_task(name="ops.evaluate")
def evaluate() -> None:
    """Look at everything, raise and end alarms, send what is due."""
    alarms.evaluate(current_app.config["OBZVON"])
    notices.deliver_due()
