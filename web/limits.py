"""How often somebody may try: counted in the private Redis, or in this process while there is none."""

from __future__ import annotations

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from config.settings import Settings


def install(app: Flask, settings: Settings) -> Limiter:
    """A limiter of this application's own."""
    app.config.update(
        RATELIMIT_STORAGE_URI=storage(settings.broker_url),
        RATELIMIT_STRATEGY="fixed-window",
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_SWALLOW_ERRORS=True,
        RATELIMIT_KEY_PREFIX="obzvon",
    )
    return Limiter(key_func=get_remote_address, app=app)


def storage(broker_url: str) -> str:
    """The limiter's storage that goes with this Celery broker.

    >>> storage("redis+socket:///x/redis.sock")
    'redis+unix:///x/redis.sock'
    >>> storage("amqp://host")
    'memory://'
    """
    if broker_url.startswith("redis+socket://"):
        return "redis+unix://" + broker_url.removeprefix("redis+socket://")
    return broker_url if broker_url.startswith(("redis://", "rediss://")) else "memory://"
