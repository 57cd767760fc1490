"""Turns of long jobs: imports and reports take minutes, and must leave one process of a jobs worker for all else.

Otherwise two of them would keep contacts from being prepared, and with that from being called.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from config.settings import own_folder

#: More than a jobs worker may have processes.
MOST = 100


@contextmanager
def turn(folder: Path, processes: int) -> Iterator[bool]:
    """One of the turns of this jobs worker: one less than its ``processes``, but at least one.

    Locks of bytes of one file (fcntl), because the kernel gives them back when their holder dies; processes of one
    worker have the same parent.

    :returns: False when all turns are taken.
    """
    first = os.getppid() * MOST
    with (own_folder(folder) / "turns").open("a") as handle:
        yield any(_taken(handle, first + number) for number in range(max(1, processes - 1)))


def _taken(handle: IO[str], byte: int) -> bool:
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a folder that knows no locks: better too many than none
        return True
    return True
