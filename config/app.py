"""A bare Flask application: settings and database, no pages. What the workers and the command line run in."""

from __future__ import annotations

from flask import Flask

from config import database, secret_store
from config.extensions import celery, db
from config.settings import Settings, get


def configure(app: Flask, settings: Settings) -> None:
    """Bind the database and Celery to this application."""
    app.config.update(
        SECRET_KEY=secret_store.load(settings.home).web_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=database.engine_options(settings.database_url),
        OBZVON=settings,
    )
    db.init_app(app)
    with app.app_context():
        database.install_events(db.engine)
    configure_celery(settings)


def configure_celery(settings: Settings) -> None:
    """JSON only, ids only, nothing kept in the broker: see shared principles in docs/architecture.md."""
    celery.conf.update(
        broker_url=settings.broker_url,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_default_queue="jobs",
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "socket_timeout": 5,
            "socket_connect_timeout": 5,
            "visibility_timeout": 3600,
            # Whoever sends a hint must not wait for a broker that is away: without these it takes 6 seconds.
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.05,
            "interval_max": 0.1,
        },
        task_publish_retry=False,
        worker_hijack_root_logger=False,
        enable_utc=True,
        timezone="UTC",
    )


def create_base_app(settings: Settings | None = None) -> Flask:
    """An application for workers and tests, without pages."""
    app = Flask("obzvon")
    configure(app, settings or get())
    return app
