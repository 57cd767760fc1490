"""The dial worker's own part of calling: claim, place, wake. One per process, used by the Celery jobs.

A finished call wakes its campaign through the node's queue; the tick is only a net for wakes that were lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import structlog
from sqlalchemy import select

from campaigns import outcomes, store
from config import database
from dialer.calls import CallRequest, CallResult, OpenCall
from dialer.crash_points import crash_point
from dialer.models import Node
from dialer.pacing import TokenBucket

log = structlog.get_logger(__name__)

#: A wake that was sent but never came (broker gone) stops blocking further ones after this time.
WAKE_LOST_S = 1.0
#: Where the rate is the limit, wait for a few calls' worth of tokens rather than claim one by one.
RATE_PAUSE_S = 0.05
#: Seconds between two claims of one message.
BREATHE_S = 0.02
#: Key of the node's own bucket among those of the trunks, whose ids begin at 1.
NODE = 0
#: Tokens for this many seconds may be saved up: short bursts after a pause, no flood.
BURST_S = 0.1


class Placer(Protocol):
    """What is needed of ``dialer.gateway.Gateway``."""

    @property
    def boot(self) -> str | None: ...

    @property
    def trouble(self) -> str: ...

    def place(self, requests: Sequence[CallRequest]) -> None: ...


class DialLoop:
    """Claims for one node. All methods are thread safe; claims of one node run one after another."""

    def __init__(
        self, node_id: int, gateway: Placer, send: Callable[[int], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._node_id = node_id
        self._gateway = gateway
        self._send = send
        self._clock = clock
        self._claiming = threading.Lock()
        self._woken: dict[int, float] = {}
        self._woken_lock = threading.Lock()
        self._buckets: dict[int, TokenBucket] = {}
        self._timers: dict[int, threading.Timer] = {}

    def wake(self, campaign_ids: Iterable[int]) -> None:
        """Ask for a claim soon; many wakes of one campaign become one message."""
        for campaign_id in campaign_ids:
            with self._woken_lock:
                since = self._woken.get(campaign_id)
                if since is not None and self._clock() - since < WAKE_LOST_S:
                    continue
                self._woken[campaign_id] = self._clock()
            self._send(campaign_id)

    def tick(self) -> None:
        """Claim for every running campaign of the node: the net under lost wakes, due retries, opened windows."""
        boot = self._gateway.boot
        trouble = self._gateway.trouble
        database.write(lambda session: store.node_lives(session, self._node_id, boot, database.utcnow(), trouble))
        with database.read() as session:
            running = store.running_on_node(session, self._node_id)
        for campaign_id in running:
            try:
                self.dial(campaign_id)
            except Exception:  # one campaign's fault must not keep the others from being dialled
                log.exception("campaign_not_dialled", campaign=campaign_id)

    def dial(self, campaign_id: int) -> None:
        """Claim and place what this campaign may call now."""
        with self._woken_lock:
            self._woken.pop(campaign_id, None)
        more = True
        while more:
            boot = self._gateway.boot
            if boot is None:
                return
            with self._claiming:
                more = self._claim_and_place(campaign_id, boot)
            if more:
                time.sleep(BREATHE_S)  # SQLite's lock goes to whoever asks first: let Stop and outcomes in

    def _claim_and_place(self, campaign_id: int, boot: str) -> bool:
        capacity = store.Capacity(self._node_id, boot, self._by_rate)
        claim = database.write(lambda session: store.claim(session, campaign_id, capacity, database.utcnow))
        if claim.requests:
            log.info("calls_claimed", campaign=campaign_id, attempts=[request.uid for request in claim.requests])
            crash_point("after_claim")
            for key in (NODE, claim.trunk_id):
                self._buckets[key].take(len(claim.requests), self._clock())
            self._gateway.place(claim.requests)
        if claim.rate_limited:
            self._wake_later(campaign_id, claim.trunk_id)
        return claim.more

    def _by_rate(self, trunk_id: int, trunk_cps: float, node_cps: float) -> int:
        now = self._clock()
        return min(self._bucket(NODE, node_cps).available(now), self._bucket(trunk_id, trunk_cps).available(now))

    def _bucket(self, key: int, rate: float) -> TokenBucket:
        bucket = self._buckets.get(key)
        if bucket is None or bucket.rate != rate:
            bucket = self._buckets[key] = TokenBucket(rate, burst=max(1.0, rate * BURST_S))
        return bucket

    def _wake_later(self, campaign_id: int, trunk_id: int) -> None:
        pending = self._timers.get(campaign_id)
        if pending is not None and pending.is_alive():
            return
        now = self._clock()
        wait = max(self._buckets[key].next_at(now) for key in (NODE, trunk_id))
        timer = threading.Timer(max(RATE_PAUSE_S, wait), self.wake, [[campaign_id]])
        timer.daemon = True
        self._timers[campaign_id] = timer
        timer.start()


class Ledger:
    """The gateway's view of our attempts (``dialer.calls.CallLedger``)."""

    def __init__(self, node_id: int, wake: Callable[[Iterable[int]], None]) -> None:
        self._node_id = node_id
        self._wake = wake

    def record(self, results: Sequence[CallResult]) -> None:
        """Commit these outcomes and wake their campaigns."""
        recorded = database.write(lambda session: outcomes.record(session, results, database.utcnow()))
        if recorded.dispositions:
            log.info("outcomes_recorded", outcomes=recorded.dispositions)
        self._wake(recorded.campaign_ids)

    def open_calls(self) -> Sequence[OpenCall]:
        """Attempts of this node without outcome."""
        with database.read() as session:
            return store.open_calls(session, self._node_id)

    def live(self, ringing: int, talking: int) -> None:
        """Keep the node's live numbers for the pages."""

        database.write(lambda session: store.node_calls(session, self._node_id, ringing, talking))


def node_id_of(name: str) -> int:
    """The row of this node.

    :raises LookupError: it was never prepared.
    """
    with database.read() as session:
        node_id = session.execute(select(Node.id).where(Node.name == name)).scalar_one_or_none()
    if node_id is None:
        raise LookupError(f"node {name} is not in the database: start with `make run`")
    return node_id
