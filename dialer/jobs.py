"""The Celery task of this package."""

from __future__ import annotations

import threading

from celery import shared_task
from flask import current_app

from config.database import read
from dialer import pbx_config, trunks
from dialer.gateway import Gateway
from dialer.pbx_config import TrunkConfig

#: Set by the dial worker's bootstep; None in every other process.
gateway: Gateway | None = None
#: Tasks run in threads: without it an older list of trunks could be written last.
_reloading = threading.Lock()
#: The trunks as the PBX was told last.
_told: list[TrunkConfig] | None = None


@shared_task(name="dialer.reload_trunks")
def reload_trunks() -> None:
    """Render the trunks anew and have the PBX read them."""
    _follow(always=True)


def follow_trunks() -> None:
    """The same when they have changed: the message that said so may be lost, or may have come while we were away."""
    _follow(always=False)


def _follow(*, always: bool) -> None:
    global _told
    if gateway is None:
        return
    with _reloading:
        with read() as session:
            known = trunks.config_of(session)
        if always or known != _told:
            pbx_config.render_pbx(current_app.config["OBZVON"], known)
            gateway.reload()
            _told = known
