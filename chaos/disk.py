"""A small disk of the rig's own, so that it can be filled without harm to the machine."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

SIZE_MB = 700
CHUNK = 1024 * 1024


class Disk:
    """A tmpfs at ``folder`` where the user may mount one; otherwise a plain folder that cannot be filled."""

    def __init__(self, folder: Path, size_mb: int = SIZE_MB) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=0700", "obzvon-chaos", str(folder)]
        self.is_own = False
        if sys.platform == "linux" and os.geteuid() == 0:
            self.is_own = subprocess.run(command, capture_output=True, check=False).returncode == 0

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"

    def fill(self) -> None:
        """Leave not one byte."""
        descriptor = os.open(self._filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for size in (CHUNK, 4096):
                while self._written(descriptor, size):
                    pass
        finally:
            os.close(descriptor)

    def _written(self, descriptor: int, size: int) -> bool:
        try:
            return os.write(descriptor, b"\0" * size) == size
        except OSError as exc:
            if exc.errno in (errno.ENOSPC, errno.EDQUOT):
                return False
            raise

    def free(self) -> None:
        """Make room again."""
        self._filler.unlink(missing_ok=True)

    def remove(self) -> None:
        """Unmount it; everything on it is gone."""
        if self.is_own:
            done = subprocess.run(["umount", str(self.folder)], capture_output=True, check=False)
            if done.returncode:
                subprocess.run(["umount", "-l", str(self.folder)], capture_output=True, check=False)
            self.is_own = False
