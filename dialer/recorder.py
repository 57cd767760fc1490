"""The gateway's own thread towards its owner: commits results in batches, asks for open calls, tells the live ones."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy.exc import DataError, IntegrityError

from dialer.calls import CallLedger, CallResult, OpenCall
from dialer.crash_points import crash_point

log = logging.getLogger(__name__)

#: Results committed together. More would hold the database's write lock for long, fewer would cost a commit each.
MOST_AT_ONCE = 500
#: What is a result's own fault: the database is there, and takes others.
OF_A_RESULT = (DataError, IntegrityError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
#: Seconds between two hints of the live numbers.
LIVE_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class _Ask:
    """Wants the open calls as they are when all results before it are committed."""

    answer: Callable[[Sequence[OpenCall]], None]


class _Stop:
    pass


class Recorder:
    """Calls the ledger, always from its one thread, and keeps results until the ledger took them."""

    def __init__(
        self,
        ledger: CallLedger,
        app_context: Callable[[], AbstractContextManager[object]],
        recorded: Callable[[Sequence[str]], None],
        count_live: Callable[[], tuple[int, int]],
    ) -> None:
        self._ledger = ledger
        self._app_context = app_context
        self._recorded = recorded
        self._count_live = count_live
        self._queue: queue.SimpleQueue[CallResult | _Ask | _Stop] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._told: tuple[int, int] | None = None
        self._told_at = 0.0

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="gateway-recorder", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Commit what is waiting, as far as the time allows, and end."""
        self._queue.put(_Stop())
        if self._thread is not None:
            self._thread.join(timeout_s)
            self._stopping.set()
            self._thread.join(1)

    def put(self, result: CallResult) -> None:
        self._queue.put(result)

    def ask_open_calls(self, answer: Callable[[Sequence[OpenCall]], None]) -> None:
        """``answer`` gets the open calls, in this object's thread, once everything put before is committed."""
        self._queue.put(_Ask(answer))

    def _run(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=LIVE_EVERY)
            except queue.Empty:
                self._tell_live()
                continue
            if isinstance(item, _Stop):
                return
            if self._take(item):
                return
            self._tell_live()

    def _take(self, item: CallResult | _Ask | _Stop) -> bool:
        """Handle this item and what waits behind it; True when one of them says stop."""
        results: list[CallResult] = []
        asks: list[_Ask] = []
        stop = False
        while True:
            if isinstance(item, CallResult):
                results.append(item)
            elif isinstance(item, _Ask):
                asks.append(item)
            else:
                stop = True
            if stop or asks or len(results) >= MOST_AT_ONCE:
                break
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
        if results:
            self._commit(results)
        for ask in asks:
            found: list[OpenCall] = []
            if self._retry(lambda found=found: found.extend(self._ledger.open_calls())):  # type: ignore[misc]
                ask.answer(found)
        return stop

    def _commit(self, results: Sequence[CallResult]) -> None:
        """Record these. One that cannot be written must not keep the others from it, for ever.

        It stays open, and in the call journal, from where the sweep brings it again.
        """
        try:
            if self._retry(lambda: self._record(results), OF_A_RESULT):
                # Without an end there was no hangup handler, and so no entry in the call journal.
                self._recorded([result.uid for result in results if result.ended_at is not None])
        except OF_A_RESULT:
            if len(results) > 1:
                for result in results:
                    self._commit([result])
            else:
                log.exception("the outcome of %s cannot be recorded", results[0].uid)

    def _record(self, results: Sequence[CallResult]) -> None:
        crash_point("before_record")
        self._ledger.record(results)
        crash_point("after_record_before_journal_delete")

    def _retry(self, work: Callable[[], object], but: tuple[type[Exception], ...] = ()) -> bool:
        """Until it succeeds, or until we are stopped: then the journal still has what was not committed.

        Exceptions of the kinds ``but`` are raised.
        """
        pause = 0.05
        while True:
            try:
                with self._app_context():
                    work()
                return True
            except but:
                raise
            except Exception:
                log.exception("the ledger failed; again in %.2f s", pause)
                if self._stopping.wait(pause):
                    return False
                pause = min(2.0, pause * 2)

    def _tell_live(self) -> None:
        now = time.monotonic()
        if now - self._told_at < LIVE_EVERY:
            return
        counts = self._count_live()
        if counts == self._told and now - self._told_at < 10 * LIVE_EVERY:
            return
        self._told, self._told_at = counts, now
        try:
            with self._app_context():
                self._ledger.live(*counts)
        except Exception:
            log.warning("the live numbers could not be told", exc_info=True)
