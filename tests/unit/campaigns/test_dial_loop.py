"""The dial worker's thread: claims when it is woken, later when the rate says so, and each second for everybody."""

import contextlib
import threading
from types import SimpleNamespace

import pytest

from campaigns import dial_loop
from campaigns.dial_loop import DialLoop
from tests.support.servers import wait_until


class Watched(DialLoop):
    """Notes what it would claim for."""

    def __init__(self):
        super().__init__(1, gateway=None)
        self.dialled = []
        self.ticks = 0
        self.free = threading.Event()
        self.free.set()

    def dial(self, campaign_id):
        self.free.wait(5)
        self.dialled.append(campaign_id)
        if campaign_id == 13:
            raise RuntimeError("a campaign that cannot be dialled")

    def tick(self):
        self.ticks += 1
        if self.ticks == 1:
            raise RuntimeError("the database is away")


@pytest.fixture
def loop():
    watched = Watched()
    thread = threading.Thread(target=watched.run, args=[contextlib.nullcontext])
    thread.start()
    yield watched
    watched.free.set()
    watched.end()
    thread.join(5)
    assert not thread.is_alive()


def test_woken_at_once_and_faults_of_one_campaign_stop_nothing(loop):
    loop.wake([13])
    loop.wake([5])
    wait_until(lambda: 5 in loop.dialled, 20)
    wait_until(lambda: loop.ticks >= 2, 20, "the tick goes on after a fault")


def test_many_wakes_become_one_claim(loop):
    loop.free.clear()
    loop.wake([1])
    wait_until(lambda: not loop._woken, 20, "it is being claimed for")
    for _ in range(100):
        loop.wake([1, 2])
    loop.free.set()
    wait_until(lambda: 2 in loop.dialled, 20)
    assert sorted(loop.dialled) == [1, 1, 2]


def test_rate_limited_campaign_is_claimed_for_when_its_rate_allows(loop):
    loop._wake_later(7, 0.1)
    loop._wake_later(7, 30.0)  # the first one counts
    wait_until(lambda: loop.dialled == [7], 20)


def test_a_campaign_with_much_to_look_through_keeps_neither_others_nor_the_tick(monkeypatch):
    """Such as 100,000 contacts whose own windows are closed, all to be put off: the node would look dead meanwhile."""
    monkeypatch.setattr(dial_loop, "TICK_S", 0.1)
    claimed, ticks = [], []

    class Endless(DialLoop):
        def _claim_and_place(self, campaign_id, boot):
            claimed.append(campaign_id)
            return campaign_id == 1

        def tick(self):
            ticks.append(len(claimed))

    loop = Endless(1, SimpleNamespace(boot="boot"))
    thread = threading.Thread(target=loop.run, args=[contextlib.nullcontext], daemon=True)
    loop.wake([1])
    thread.start()
    wait_until(lambda: len(ticks) >= 3, 20, "it ticks")
    loop.wake([2])
    wait_until(lambda: 2 in claimed, 20, "the other has its turn")
    before = len(claimed)
    wait_until(lambda: claimed[before:].count(1), 20, "and the first goes on")
    loop.end()
    thread.join(20)
    assert not thread.is_alive()
