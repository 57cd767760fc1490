"""Read by every Python process whose clock libfaketime moves (see ``chaos/clock.py``): mends its one fault.

With ``FAKETIME_DONT_FAKE_MONOTONIC`` libfaketime 0.9.10 takes the system's real time off the absolute monotonic time
that ``time.sleep`` gives to clock_nanosleep(2), which then answers EINVAL. Waiting in select(2) is left alone by it.
"""

import select
import time


def _sleep(seconds: float) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    until = time.monotonic() + seconds
    while seconds > 0:
        select.select([], [], [], seconds)
        seconds = until - time.monotonic()


time.sleep = _sleep
