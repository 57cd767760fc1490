"""Calls per second, with the clock as a parameter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing import TokenBucket


def test_full_at_first_then_by_rate() -> None:
    bucket = TokenBucket(rate=10, burst=3)
    assert bucket.take(5, now=0.0) == 3
    assert bucket.take(1, now=0.05) == 0
    assert bucket.next_at(0.05) == pytest.approx(0.05)
    assert bucket.take(5, now=0.1) == 1
    assert bucket.available(10.0) == 3


def test_clock_that_goes_back_neither_grants_nor_blocks() -> None:
    bucket = TokenBucket(rate=10, burst=1)
    assert bucket.take(1, now=100.0) == 1
    assert bucket.take(1, now=50.0) == 0
    assert bucket.take(1, now=50.1) == 1


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0.5)])
def test_senseless_limits_are_refused(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="rate must be above 0"):
        TokenBucket(rate, burst)


@given(
    rate=st.floats(0.1, 1000),
    burst=st.floats(1, 100),
    steps=st.lists(st.tuples(st.floats(0, 2), st.integers(0, 200)), max_size=50),
)
def test_never_more_than_burst_and_rate_allow(rate: float, burst: float, steps: list[tuple[float, int]]) -> None:
    bucket, now, granted = TokenBucket(rate, burst), 0.0, 0
    for pause, wanted in steps:
        now += pause
        granted += bucket.take(wanted, now)
        assert granted <= burst + rate * now + 1e-6


@given(rate=st.floats(0.1, 1000), burst=st.floats(1, 100))
def test_a_token_is_there_when_it_was_promised(rate: float, burst: float) -> None:
    bucket = TokenBucket(rate, burst)
    bucket.take(1000, 0.0)
    assert bucket.take(1, bucket.next_at(0.0) + 1e-6) == 1
