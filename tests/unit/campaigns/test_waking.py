"""The dial worker wakes itself: soon, once for many wakes, and whatever one campaign does."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest

from campaigns.waking import Waker


class Campaigns:
    """Notes who was dialled for; the first can be held up."""

    def __init__(self) -> None:
        self.dialled: list[int] = []
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.idle = threading.Semaphore(0)

    def dial(self, campaign_id: int) -> None:
        self.begun.set()
        assert self.go_on.wait(5)
        self.dialled.append(campaign_id)
        self.idle.release()
        if campaign_id == 13:
            raise RuntimeError("a fault of one campaign")


@pytest.fixture
def campaigns() -> Campaigns:
    return Campaigns()


@pytest.fixture
def waker(campaigns: Campaigns) -> Iterator[Waker]:
    waker = Waker(campaigns.dial, contextlib.nullcontext)
    waker.start()
    yield waker
    campaigns.go_on.set()
    waker.stop(5)


def test_many_wakes_during_a_claim_become_one(waker: Waker, campaigns: Campaigns) -> None:
    """Nothing that is woken while it is dialled for is forgotten, and nothing is done more often than needed."""
    waker.wake(1)
    assert campaigns.begun.wait(5)
    for campaign_id in (1, 2, 1, 2, 1):
        waker.wake(campaign_id)
    campaigns.go_on.set()
    for _ in range(3):
        assert campaigns.idle.acquire(timeout=5)
    assert campaigns.dialled == [1, 1, 2]
    assert not campaigns.idle.acquire(timeout=0.05)


def test_a_fault_of_one_campaign_does_not_stop_the_others(waker: Waker, campaigns: Campaigns) -> None:
    """The thread lives on."""
    campaigns.go_on.set()
    waker.wake(13)
    waker.wake(2)
    for _ in range(2):
        assert campaigns.idle.acquire(timeout=5)
    assert campaigns.dialled == [13, 2]


def test_a_stopped_waker_dials_no_more(campaigns: Campaigns) -> None:
    """A wake that comes late is the next worker's."""
    waker = Waker(campaigns.dial, contextlib.nullcontext)
    waker.start()
    waker.stop(5)
    waker.wake(1)
    assert not campaigns.begun.wait(0.05)
