"""The Celery task of this package."""

from __future__ import annotations

from celery import shared_task
from flask import current_app


@shared_task(name="ops.evaluate")
def evaluate() -> None:
    """Look at everything, raise and end alarms, send what is due."""
    # Imported by the process that does it: the dial worker reads this file too, and calls wait for its start.
    from ops import alarms, notices

    alarms.evaluate(current_app.config["OBZVON"])
    notices.deliver_due()
