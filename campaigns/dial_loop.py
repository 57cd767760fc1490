"""The dial worker's own part of calling: claim, place, wake. One per process, used by the Celery jobs.

A finished call wakes its campaign in this process, without the broker: a broker that is away or frozen holds up no
call. The tick, each second, finds retries that became due, windows that opened, and what was missed.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import outcomes, piece_store, prepared, sounds, store
from campaigns.prefetch import PieceFetcher
from config import database, messages, metrics, settings
from dialer.calls import CallRequest, CallResult, OpenCall
from dialer.crash_points import crash_point
from dialer.models import Node
from dialer.pacing import TokenBucket, burst_of

log = structlog.get_logger(__name__)

TICK_S = 1.0
#: Where the rate is the limit, wait for a few calls' worth of tokens rather than claim one by one.
RATE_PAUSE_S = 0.05
#: With less room on the home's disk nothing is claimed: neither we nor the PBX could write down what came of a call.
LEAST_FREE = 64 * 2**20
#: Least seconds between two requests to prepare contacts of a campaign.
ASK_EVERY_S = 3.0
#: Seconds between two claims of one message.
BREATHE_S = 0.02


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
        self,
        node_id: int,
        gateway: Placer,
        clock: Callable[[], float] = time.monotonic,
        *,
        lease: int = 0,
        fetcher: PieceFetcher | None = None,
        lacks: Callable[[], None] = lambda: None,
    ) -> None:
        """:param lacks: called when a claim found pieces that are not here."""
        self._node_id = node_id
        self._gateway = gateway
        self._clock = clock
        self._lease = lease
        self._fetcher = fetcher or PieceFetcher()
        self._lacks = lacks
        self._claiming = threading.Lock()
        #: Guards the next three.
        self._asked = threading.Condition()
        self._woken: set[int] = set()
        self._later: dict[int, float] = {}  # campaign -> when to claim for it, by our clock
        self._ended = False
        self._bucket: TokenBucket | None = None
        self._lacking: dict[int, str] = {}
        self._ask_again: dict[int, float] = {}
        self._room = True
        self._told_problem: tuple[str, str] | None = None

    def wake(self, campaign_ids: Iterable[int]) -> None:
        """Ask :meth:`run` for a claim soon; many wakes of one campaign become one claim."""
        with self._asked:
            self._woken.update(campaign_ids)
            self._asked.notify()

    def run(self, app_context: Callable[[], AbstractContextManager[object]]) -> None:
        """Claim whenever woken, and tick each second, until :meth:`end`: the dial worker's thread for this."""
        next_tick = self._clock()
        while not self._ended:
            woken = self._wait(next_tick)
            with app_context():
                for campaign_id in woken:
                    self._dial_or_log(campaign_id)
                if self._clock() >= next_tick:
                    next_tick = self._clock() + TICK_S
                    self._tick_or_log()

    def end(self) -> None:
        """Let :meth:`run` return."""
        with self._asked:
            self._ended = True
            self._asked.notify()

    def _wait(self, next_tick: float) -> set[int]:
        """Until somebody is to be dialled for, or the tick is due. :returns: campaigns to claim for."""
        with self._asked:
            while not self._woken and not self._ended:
                left = min([next_tick, *self._later.values()]) - self._clock()
                if left <= 0:
                    break
                self._asked.wait(left)
            now = self._clock()
            due = {campaign_id for campaign_id, at in self._later.items() if at <= now}
            for campaign_id in due:
                del self._later[campaign_id]
            woken, self._woken = self._woken | due, set()
            return woken

    def _tick_or_log(self) -> None:
        try:
            self.tick()
        except Exception:
            log.exception("tick_failed")

    def _dial_or_log(self, campaign_id: int) -> None:
        try:
            self.dial(campaign_id)
        except Exception:  # one campaign's fault must not keep the others from being dialled
            log.exception("campaign_not_dialled", campaign=campaign_id)

    def tick(self) -> None:
        """Claim for every running campaign of the node; doing it twice at once does no harm."""
        boot = self._gateway.boot
        self._room = shutil.disk_usage(settings.get().home).free >= LEAST_FREE
        lives = (self._node_id, self._lease, boot)
        trouble = self._gateway.trouble
        database.write(lambda session: store.node_lives(session, *lives, database.utcnow(), trouble))
        with database.read() as session:
            running = store.running_on_node(session, self._node_id)
        for campaign_id in set(self._lacking).difference(running):
            self._lacking.pop(campaign_id, None)
        for campaign_id in running:
            self._dial_or_log(campaign_id)
        self._tell_problem()

    def dial(self, campaign_id: int) -> None:
        """Claim and place what this campaign may call now; after a second the others and the tick have their turn."""
        more, until = True, self._clock() + TICK_S
        while more:
            boot = self._gateway.boot
            if boot is None or not self._room:
                return
            with self._claiming:
                more = self._claim_and_place(campaign_id, boot)
            if more and self._clock() >= until:
                self.wake([campaign_id])
                return
            if more:
                time.sleep(BREATHE_S)  # SQLite's lock goes to whoever asks first: let Stop and outcomes in

    def _claim_and_place(self, campaign_id: int, boot: str) -> bool:
        folder = settings.get().sounds
        capacity = store.Capacity(
            self._node_id,
            boot,
            self._by_rate,
            self._lease,
            lambda stem: sounds.has(folder, stem),
            piece_store.pieces().begun,
        )

        def work(session: Session) -> store.Claim:
            found = store.claim(session, campaign_id, capacity, database.utcnow)
            if found.requests:
                crash_point("before_claim_commit")
            return found

        claim = database.write(work)
        if claim.requests:
            metrics.claimed(len(claim.requests))
            log.info("calls_claimed", campaign=campaign_id, attempts=[request.uid for request in claim.requests])
            crash_point("after_claim")
            if self._bucket is not None:
                self._bucket.take(len(claim.requests), self._clock())
            self._gateway.place(claim.requests)
        if claim.rate_limited:
            self._wake_later(campaign_id, claim.wait_s)
        if claim.parked:
            self._prepare(campaign_id)
        fetched = bool(claim.lacks_pieces) and self._fetch_pieces(campaign_id, claim.lacks_pieces)
        return self._fetch_sound(campaign_id, claim.lacks_sound) or fetched or claim.more

    def _by_rate(self, node_cps: float) -> int:
        if self._bucket is None or self._bucket.rate != node_cps:
            self._bucket = TokenBucket(node_cps, burst_of(node_cps))
        return self._bucket.available(self._clock())

    def _fetch_sound(self, campaign_id: int, stem: str | None) -> bool:
        """Bring the message that this node lacks from the database; True when a claim may be tried again."""
        if stem is None:
            self._lacking.pop(campaign_id, None)
            return False
        if stem and sounds.fetch(settings.get().sounds, stem):
            log.info("sound_fetched", campaign=campaign_id, sound=stem)
            return True
        if campaign_id not in self._lacking:
            log.error("sound_lost", campaign=campaign_id, sound=stem)
        self._lacking[campaign_id] = stem
        return False

    def _fetch_pieces(self, campaign_id: int, lacking: dict[int, set[str]]) -> bool:
        """Bring the pieces that this node lacks from the database; who misses others is prepared anew.

        :returns: whether a claim may be tried again at once.
        """
        self._lacks()
        stems = set().union(*lacking.values())
        lost = self._fetcher.fetch(stems)
        log.info("pieces_fetched", campaign=campaign_id, pieces=len(stems) - len(lost), ahead=False)
        anew = [contact_id for contact_id, stems in lacking.items() if stems & lost]
        if anew:
            log.info("pieces_lost", campaign=campaign_id, contacts=len(anew))
            database.write(lambda session: prepared.unprepare(session, anew))
            self._prepare(campaign_id)
        return True

    def _prepare(self, campaign_id: int) -> None:
        """Ask the jobs workers, now and then, and by a thread of its own: a broker that is away holds up no call."""
        now = self._clock()
        if now < self._ask_again.get(campaign_id, 0.0):
            return
        self._ask_again[campaign_id] = now + ASK_EVERY_S
        order = ("campaigns.prepare", [campaign_id])
        options = {"queue": "jobs", "expires": 60}
        threading.Thread(target=messages.send, args=order, kwargs=options, name="ask-jobs", daemon=True).start()

    def _tell_problem(self) -> None:
        problem = ("", "")
        if not self._room:
            problem = ("node_disk_full", str(settings.get().home))
        elif self._lacking:
            problem = ("node_lacks_sound", ", ".join(map(str, sorted(self._lacking))))
        if problem != self._told_problem:
            node = (self._node_id, self._lease)
            database.write(lambda session: store.node_problem(session, *node, *problem))
            self._told_problem = problem

    def _wake_later(self, campaign_id: int, trunk_wait_s: float) -> None:
        node_wait_s = self._bucket.next_at(self._clock()) if self._bucket is not None else 0.0
        with self._asked:
            self._later.setdefault(campaign_id, self._clock() + max(RATE_PAUSE_S, trunk_wait_s, node_wait_s))
            self._asked.notify()


class Ledger:
    """The gateway's view of our attempts (``dialer.calls.CallLedger``)."""

    def __init__(self, node_id: int, wake: Callable[[Iterable[int]], None], lease: int = 0) -> None:
        self._node_id = node_id
        self._wake = wake
        self._lease = lease

    def record(self, results: Sequence[CallResult]) -> None:
        """Commit these outcomes and wake their campaigns.

        What the PBX told is true whoever writes it. What was inferred from its silence is for the worker that speaks
        for the node now: another one may have placed the call again since.
        """
        try:
            recorded = database.write(lambda session: self._record(session, results))
        except store.LeaseLostError:
            told = [result for result in results if not _is_inferred(result)]
            log.error("inferred_outcomes_dropped", count=len(results) - len(told), lease=self._lease)
            recorded = database.write(lambda session: self._record(session, told))
        if recorded.dispositions:
            metrics.recorded(results, recorded.dispositions)
            log.info("outcomes_recorded", outcomes=recorded.dispositions)
        self._wake(recorded.campaign_ids)

    def _record(self, session: Session, results: Sequence[CallResult]) -> outcomes.Recorded:
        recorded = outcomes.record(session, results, database.utcnow())
        if any(_is_inferred(result) for result in results):
            # After the trunk's row, which a claim locks before the node's.
            store.require_lease(session, self._node_id, self._lease)
        crash_point("before_record_commit")
        return recorded

    def open_calls(self) -> Sequence[OpenCall]:
        """Attempts of this node without outcome."""
        with database.read() as session:
            return store.open_calls(session, self._node_id)

    def live(self, ringing: int, talking: int) -> None:
        """Keep the node's live numbers for the pages."""
        metrics.live(ringing, talking)
        node = (self._node_id, self._lease)
        database.write(lambda session: store.node_calls(session, *node, ringing, talking))


def _is_inferred(result: CallResult) -> bool:
    """Without an end: the PBX has no record of it."""
    return result.ended_at is None


def node_id_of(name: str) -> int:
    """The row of this node.

    :raises LookupError: it was never prepared.
    """
    with database.read() as session:
        node_id = session.execute(select(Node.id).where(Node.name == name)).scalar_one_or_none()
    if node_id is None:
        raise LookupError(f"node {name} is not in the database: start with `make run`")
    return node_id
