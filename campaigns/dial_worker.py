"""One dial worker: the lease of its node, the gateway to its PBX, and the tick."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog

from campaigns import jobs
from campaigns.dial_loop import DialLoop, Ledger, node_id_of
from config.settings import Settings
from dialer import jobs as dialer_jobs
from dialer.gateway import Gateway
from dialer.lease import LOOK_EVERY_S, Lease

log = structlog.get_logger(__name__)

TICK_S = 1.0
#: Ticks between two looks at the trunks of this node.
TRUNKS_EVERY = 10
#: Exit code of a worker that lost its node to another one; the supervisor starts it again, and it waits.
LOST_NODE = 75


class DialWorker:
    """Everything that a process needs to dial for one node."""

    def __init__(self, settings: Settings, app_context: Callable[[], AbstractContextManager[object]]) -> None:
        self._settings = settings
        self._app_context = app_context
        self._stopping = threading.Event()
        self._lease: Lease | None = None
        self._gateway: Gateway | None = None

    def start(self, ask_to_end: Callable[[], None]) -> None:
        """Wait until no other worker speaks for this node, then connect and tick.

        :param ask_to_end: called while waiting; raises when the process shall end.
        """

        def pause() -> None:
            ask_to_end()
            self._stopping.wait(LOOK_EVERY_S)

        name = self._settings.node_name
        with self._app_context():
            node_id = node_id_of(name)
        self._lease = Lease(node_id, self._app_context)
        number = self._lease.take(pause)
        self._lease.keep(self._lost)
        ledger = Ledger(node_id, lambda ids: jobs.loop.wake(ids) if jobs.loop else None, number)
        self._gateway = Gateway(self._settings, ledger, self._app_context)
        jobs.loop = DialLoop(
            node_id, self._gateway, lambda campaign_id: jobs.send_dial(campaign_id, name), lease=number
        )
        dialer_jobs.gateway = self._gateway
        self._gateway.start()
        threading.Thread(target=self._tick, name="tick", daemon=True).start()

    def stop(self) -> None:
        """Claim no more, hand over what is known, and let the next worker have the node."""
        self._stopping.set()
        jobs.loop = None
        if self._gateway is not None:
            self._gateway.stop()
        if self._lease is not None:
            self._lease.release()

    def _tick(self) -> None:
        """By our own thread: messages would pile up in the broker while we are away."""
        for tick in itertools.count():
            loop = jobs.loop
            if self._stopping.wait(TICK_S) or loop is None:
                return
            try:
                with self._app_context():
                    if tick % TRUNKS_EVERY == 0:
                        dialer_jobs.follow_trunks()
                    loop.tick()
            except Exception:
                log.exception("tick_failed")

    def _lost(self) -> None:
        """Another worker has taken the node, since we were silent: begin anew and wait for our turn."""
        jobs.loop = None
        if self._gateway is not None:
            self._gateway.stop(timeout_s=2)
        os._exit(LOST_NODE)
