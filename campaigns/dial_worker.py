"""One dial worker: the lease of its node, the gateway to its PBX, and the dial loop."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog

from campaigns import jobs
from campaigns.dial_loop import DialLoop, Ledger, node_id_of
from campaigns.prefetch import PieceFetcher, Prefetch
from config.settings import Settings
from dialer import jobs as dialer_jobs
from dialer.gateway import Gateway
from dialer.lease import LOOK_EVERY_S, Lease

log = structlog.get_logger(__name__)

#: Seconds between two looks at the trunks of this node.
TRUNKS_EVERY_S = 10.0
#: Threads without which nobody is called, though the process lives: when a fault ends one of them, the worker ends too.
NEEDED = frozenset({"gateway-ami", "gateway-recorder", "dial-loop", "lease", "prefetch", "trunks"})
DIED = 1
#: Exit code of a worker that lost its node to another one; the supervisor starts it again, and it waits.
LOST_NODE = 75


def end_with_thread(fault: threading.ExceptHookArgs) -> None:
    """What Python calls when a thread ends by an exception. The supervisor starts the worker again; calls go on."""
    threading.__excepthook__(fault)
    name = fault.thread.name if fault.thread is not None else ""
    if name in NEEDED:
        try:
            log.error("thread_died", thread=name, error=fault.exc_type.__name__)
        finally:
            os._exit(DIED)


class DialWorker:
    """Everything that a process needs to dial for one node."""

    def __init__(self, settings: Settings, app_context: Callable[[], AbstractContextManager[object]]) -> None:
        self._settings = settings
        self._app_context = app_context
        self._stopping = threading.Event()
        self._lease: Lease | None = None
        self._gateway: Gateway | None = None
        self._prefetch: Prefetch | None = None

    def start(self, ask_to_end: Callable[[], None]) -> Gateway:
        """Wait until no other worker speaks for this node, then connect and dial.

        :param ask_to_end: called while waiting; raises when the process shall end.
        :returns: the connection to the PBX, for whoever tells its state.
        """

        threading.excepthook = end_with_thread

        def pause() -> None:
            ask_to_end()
            self._stopping.wait(LOOK_EVERY_S)

        with self._app_context():
            node_id = node_id_of(self._settings.node_name)
        self._lease = Lease(node_id, self._app_context)
        number = self._lease.take(pause)
        self._lease.keep(self._lost)
        ledger = Ledger(node_id, lambda ids: jobs.loop.wake(ids) if jobs.loop else None, number)
        self._gateway = Gateway(self._settings, ledger, self._app_context)
        gateway, fetcher = self._gateway, PieceFetcher()
        self._prefetch = Prefetch(node_id, fetcher, lambda: gateway.boot is not None)
        jobs.loop = loop = DialLoop(node_id, gateway, lease=number, fetcher=fetcher, lacks=self._prefetch.wake)
        dialer_jobs.gateway = self._gateway
        self._gateway.start()
        threading.Thread(target=loop.run, args=[self._app_context], name="dial-loop", daemon=True).start()
        threading.Thread(target=self._prefetch.run, args=[self._app_context], name="prefetch", daemon=True).start()
        threading.Thread(target=self._follow_trunks, name="trunks", daemon=True).start()
        return self._gateway

    def stop(self) -> None:
        """Claim no more, hand over what is known, and let the next worker have the node."""
        self._stopping.set()
        self._end_loop()
        if self._gateway is not None:
            self._gateway.stop()
        if self._lease is not None:
            self._lease.release()

    def _follow_trunks(self) -> None:
        """A change of the trunks reaches the PBX, whatever became of the message about it."""
        while not self._stopping.is_set():
            try:
                with self._app_context():
                    dialer_jobs.follow_trunks()
            except Exception:
                log.exception("trunks_not_followed")
            self._stopping.wait(TRUNKS_EVERY_S)

    def _lost(self) -> None:
        """Another worker has taken the node, since we were silent: begin anew and wait for our turn."""
        try:
            self._end_loop()
            if self._gateway is not None:
                self._gateway.stop(timeout_s=2)
        finally:
            os._exit(LOST_NODE)

    def _end_loop(self) -> None:
        if self._prefetch is not None:
            self._prefetch.end()
        loop, jobs.loop = jobs.loop, None
        if loop is not None:
            loop.end()
