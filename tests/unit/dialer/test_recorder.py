"""The thread that hands results to the ledger: nothing is lost, and one bad result holds up no other."""

import contextlib

import pytest

from dialer.calls import CallOutcome, CallResult
from dialer.recorder import Recorder
from tests.support.servers import wait_until


class Ledger:
    """Cannot take ``bad``, and takes nothing at all as long as it is ``away``."""

    def __init__(self):
        self.taken, self.away = [], 0

    def record(self, results):
        if self.away:
            self.away -= 1
            raise RuntimeError("the database is away")
        uids = [result.uid for result in results]
        if "bad" in uids:
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        self.taken += uids

    def open_calls(self):
        return []

    def live(self, ringing, talking):
        pass


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def recorder(ledger):
    forgotten = []
    made = Recorder(ledger, contextlib.nullcontext, forgotten.extend, lambda: (0, 0))
    made.forgotten = forgotten
    yield made
    made.stop(5)


def result(uid):
    return CallResult(uid, CallOutcome.ANSWERED, ended_at=object())


def test_one_that_cannot_be_recorded_holds_up_no_other(ledger, recorder):
    asked = []
    for uid in ("a", "bad", "b"):
        recorder.put(result(uid))
    recorder.ask_open_calls(asked.append)
    recorder.start()
    wait_until(lambda: asked, 20, "what waits behind it is answered")
    assert ledger.taken == ["a", "b"]
    assert recorder.forgotten == ["a", "b"]  # the journal keeps the other


def test_a_database_that_is_away_loses_nothing(ledger, recorder):
    ledger.away = 3
    for uid in ("a", "b"):
        recorder.put(result(uid))
    recorder.start()
    wait_until(lambda: recorder.forgotten == ["a", "b"], 20)
    assert ledger.taken == ["a", "b"]
