"""The Celery task of this package."""

from __future__ import annotations

import threading

from celery import shared_task
from flask import current_app

from config.database import read
from dialer import pbx_config, trunks
from dialer.gateway import Gateway

#: Set by the dial worker's bootstep; None in every other process.
gateway: Gateway | None = None
#: Tasks run in threads: without it an older list of trunks could be written last.
_reloading = threading.Lock()


@shared_task(name="dialer.reload_trunks")
def reload_trunks() -> None:
    """Render the trunks anew and have the PBX read them."""
    if gateway is None:
        return
    with _reloading:
        with read() as session:
            known = trunks.config_of(session)
        pbx_config.render_pbx(current_app.config["OBZVON"], known)
        gateway.reload()
