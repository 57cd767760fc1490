"""gunicorn's configuration file, as a module: what cannot be said by its options."""

from __future__ import annotations

from config import logging as obzvon_logging
from config import settings


def post_worker_init(_worker: object) -> None:
    """The worker's logs have the same shape as everybody's."""
    obzvon_logging.setup(settings.get())
