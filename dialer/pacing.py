"""Calls per second. Pure: the clock is a parameter, in seconds."""

from __future__ import annotations

#: Tokens for this many seconds may be saved up: short bursts after a pause, no flood.
BURST_S = 0.1


def burst_of(rate: float) -> float:
    """The most tokens that a bucket of this rate holds."""
    return max(1.0, rate * BURST_S)


def refill(tokens: float, at: float | None, now: float, rate: float) -> float:
    """What a bucket holds now that held ``tokens`` at ``at``; one without a moment is full.

    A clock that was set back grants nothing for the time in between, one set forward at most a full bucket.
    """
    if at is None:
        return burst_of(rate)
    return min(burst_of(rate), tokens + max(0.0, now - at) * rate)


def next_in(tokens: float, rate: float) -> float:
    """Seconds until one whole token is there; 0.0 when one is."""
    return max(0.0, (1.0 - tokens) / rate) if tokens < 1.0 - 1e-9 else 0.0


class TokenBucket:
    """Grants at most ``burst`` at once and ``rate`` per second in the long run. Begins full."""

    def __init__(self, rate: float, burst: float) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError("rate must be above 0 and burst at least 1")
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at: float | None = None

    def take(self, n: int, now: float) -> int:
        """Take up to ``n`` tokens; returns how many there were."""
        granted = max(0, min(n, self.available(now)))
        self._tokens -= granted
        return granted

    def available(self, now: float) -> int:
        """Whole tokens that :meth:`take` would grant now."""
        self._refill(now)
        return int(self._tokens + 1e-9)

    def next_at(self, now: float) -> float:
        """Seconds from ``now`` until one token is there; 0.0 when one is."""
        self._refill(now)
        return max(0.0, (1.0 - self._tokens) / self.rate) if self._tokens < 1.0 - 1e-9 else 0.0

    def _refill(self, now: float) -> None:
        # A clock that went back (another one than monotonic) must neither grant nor block.
        if self._at is not None and now > self._at:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
