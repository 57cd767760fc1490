"""Where Asterisk is installed and where one instance of it keeps its files."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings, own_folder
from dialer.errors import DialerError

LEAST_VERSION = 20


@dataclass(frozen=True, slots=True)
class Installation:
    """An Asterisk on this machine: how its program is started, and its modules and data."""

    command: tuple[str, ...]
    modules: Path
    data: Path
    sbin: Path


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one instance (``pbx`` or ``carrier``) in one home."""

    system: str
    etc: Path
    lib: Path
    spool: Path
    cache: Path
    log: Path
    run: Path
    modules: Path
    data: Path
    sbin: Path

    def make(self) -> None:
        """Create the folders, readable by us alone."""
        for folder in (self.etc, self.lib, self.lib / "keys", self.spool, self.cache, self.log):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        own_folder(self.run.parent)
        own_folder(self.run)


def installation(settings: Settings) -> Installation:
    """Our private Asterisk, else the host's own when it is new enough.

    :raises DialerError: ``asterisk_missing``.
    """
    root = settings.runtime / "asterisk"
    if (root / "usr/sbin/asterisk").exists():
        return _private(root)
    host = shutil.which("asterisk", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if host and _version(host) >= LEAST_VERSION:
        for modules in (_triplet_dir(Path("/usr/lib")), Path("/usr/lib"), Path("/usr/lib64")):
            if (modules / "asterisk/modules/chan_pjsip.so").exists():
                for data in (Path("/usr/share/asterisk"), Path("/var/lib/asterisk")):
                    if (data / "documentation").is_dir():
                        return Installation((host,), modules / "asterisk/modules", data, Path(host).parent)
    raise DialerError(
        "asterisk_missing",
        f"No Asterisk {LEAST_VERSION} or newer in {root} nor on this host: run make setup.",
        status=500,
    )


def place(settings: Settings, instance: str) -> Place:
    """The folders of ``pbx`` or ``carrier``."""
    base = settings.home / instance
    found = installation(settings)
    return Place(
        system=f"obzvon-{instance}",
        etc=base / "etc",
        lib=base / "lib",
        spool=base / "spool",
        cache=base / "cache",
        log=base / "log",
        run=settings.sockets / instance,
        modules=found.modules,
        data=found.data,
        sbin=found.sbin,
    )


def _triplet_dir(base: Path) -> Path:
    return base / f"{platform.machine()}-linux-gnu"


def _private(root: Path) -> Installation:
    libraries = _triplet_dir(root / "usr/lib")
    loaders = sorted((root / "usr/lib").glob("ld-linux*.so*")) + sorted(libraries.glob("ld-linux*.so*"))
    loaders += sorted((root / "lib64").glob("ld-linux*.so*"))
    if not loaders:
        raise DialerError("asterisk_missing", f"{root} has no program loader: run make setup again.", status=500)
    command = (str(loaders[0]), "--library-path", str(libraries), str(root / "usr/sbin/asterisk"))
    return Installation(command, libraries / "asterisk/modules", root / "usr/share/asterisk", root / "usr/sbin")


def _version(program: str) -> int:
    try:
        told = subprocess.run([program, "-V"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"Asterisk (?:certified/)?(\d+)", told)
    return int(found.group(1)) if found else 0
