"""A process with a child, for :mod:`tests.support.small_copy`; with ``STUBBORN`` set, both ignore requests to end."""

import os
import signal
import time

stubborn = bool(os.environ.get("STUBBORN"))
if stubborn:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
parent = os.getpid()
if os.fork():
    time.sleep(600)
while stubborn or os.getppid() == parent:
    time.sleep(0.1)
