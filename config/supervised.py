"""supervisord as we run it: ``python -m config.supervised …``, so that a full disk does not end it.

Its logger answers a line that cannot be written with a traceback on stderr. Where stderr is a file on the same disk,
that raises again; supervisord takes it for the death of a child's log, closes that, and in the end dies itself, and
everything with it. A lost line of a log is the lesser harm: it is given up without a word.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from supervisor import loggers, supervisord

_roll_over = loggers.RotatingFileHandler.doRollover


def _give_up(_handler: Any) -> None:
    """Called by supervisor while it handles the exception of a line that was not written."""
    if not isinstance(sys.exc_info()[1], OSError):
        raise


def _roll_over_or_go_on(handler: Any) -> None:
    """Begin a new file; where that is impossible, the old one goes on."""
    try:
        _roll_over(handler)
    except OSError:
        if handler.stream.closed:
            handler.stream = _reopened(handler.baseFilename)


def _reopened(name: str) -> Any:
    try:
        return open(name, "ab")
    except OSError:
        return open(os.devnull, "ab")


loggers.Handler.handleError = _give_up
loggers.RotatingFileHandler.doRollover = _roll_over_or_go_on

if __name__ == "__main__":
    supervisord.main()
