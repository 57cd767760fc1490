"""Jumps of the clock, and signs of life of what really works."""

import contextlib

from ops.signs import Beating, Clock, Pulse
from tests.support.servers import wait_until


class Times:
    """Two clocks that tests move."""

    def __init__(self):
        self.wall, self.steady = 1000.0, 50.0

    def both(self, seconds):
        self.wall += seconds
        self.steady += seconds


def test_a_clock_that_jumps_is_noticed_and_one_that_is_corrected_is_not():
    times = Times()
    clock = Clock(lambda: times.wall, lambda: times.steady)
    times.both(3600)
    times.wall += 0.5
    assert clock.look() is None
    times.wall -= 3600
    assert clock.look()["seconds"] == -3600
    times.both(10)
    assert clock.look() == {"seconds": -3600, "at": 1000.5}  # remembered, not repeated


def test_a_pulse_stops_when_nothing_is_done():
    now = [0.0]
    pulse = Pulse(lambda: now[0])
    assert pulse.facts() == {}
    now[0] = 26.0
    assert pulse.facts() is None
    pulse.felt()
    assert pulse.facts() == {}


def test_a_database_that_is_away_does_not_end_the_thread():
    told = []

    @contextlib.contextmanager
    def away():
        told.append(1)
        raise OSError("away")
        yield

    beating = Beating("x", "web", away, every_s=0.01)
    beating.start()
    wait_until(lambda: len(told) >= 3, hint="it goes on")
    beating.stop()
