"""A node, and nothing that waits."""

from __future__ import annotations

import pytest

from config.extensions import celery
from ops import broker


@pytest.fixture
def settings(app):
    made = app.config["OBZVON"]
    for folder in (made.run, made.sounds, made.uploads):
        folder.mkdir(parents=True)
    return made


@pytest.fixture
def redis_broker(app, redis_url):
    """Celery speaks to a real Redis."""
    celery.conf.broker_url = redis_url
    celery._after_fork()
    broker.look()
    return redis_url
