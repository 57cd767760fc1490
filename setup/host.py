"""Debian packages of the host: only those that are missing, and none of them may start a service."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from setup.say import SetupError, run, say, tail

#: A fresh user's PATH may lack the folders of servers.
SEARCH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = (
    "#!/bin/sh\n# Made by the set-up of Obzvon for the time of one installation: start no service.\nexit 101\n"
)
DEFAULT_MIRROR = "http://deb.debian.org/debian"

#: Program that tells whether the package is there -> package.
#: redis-tools holds the server's program too (it looks at the name it is called by) but, unlike the package
#: redis-server, brings no service that would start at each boot of the user's host.
FOR_RUN = {"redis-server redis-check-rdb": "redis-tools"}
FOR_TESTS = {
    "mariadbd": "mariadb-server-core",
    "my_print_defaults": "mariadb-client-core",
    "mariadb-dump mysqldump": "mariadb-client",  # backups use it where it is installed
    "sipp": "sip-tester",
    "chromium": "chromium",
    "faketime": "faketime",  # chaos moves the clock
}


def which(name: str) -> str | None:
    """Where a program of the host is, also outside of the user's PATH."""
    return shutil.which(name, path=SEARCH)


def missing(programs: dict[str, str]) -> list[str]:
    """Packages of ``programs`` none of whose programs is installed."""
    return [package for names, package in programs.items() if not any(which(name) for name in names.split())]


def root_prefix() -> list[str]:
    """What to put before a command that needs root.

    :raises SetupError: neither root nor sudo.
    """
    if os.geteuid() == 0:
        return []
    if which("sudo"):
        return ["sudo"]
    raise SetupError("This needs root rights: run it as root, or install sudo and allow yourself to use it.")


def install(packages: Sequence[str], log: Path) -> None:
    """Install Debian packages without starting any service.

    :raises SetupError: no apt-get, no rights, or apt-get failed.
    """
    if not packages:
        return
    names = " ".join(packages)
    if not which("apt-get"):
        raise SetupError(f"apt-get is not there, so install these by hand and start again: {names}.")
    try:
        prefix = root_prefix()
    except SetupError as exc:
        raise SetupError(f"Missing on this host: {names}. {exc}") from exc
    say(f"Installing from Debian: {names}")
    if prefix:
        subprocess.run([*prefix, "-v"], check=False)  # asks for the password now, on the terminal
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-o", "DPkg::Lock::Timeout=600"]
    with no_services(prefix):
        if run([*apt, "update"], log):
            say(f"apt-get update had errors (see {log}); going on with the package lists at hand.")
        if run([*apt, "install", "--no-install-recommends", *packages], log):
            raise SetupError(f"apt-get could not install {names}. The end of {log}:\n{tail(log)}")


@contextmanager
def no_services(prefix: Sequence[str]) -> Iterator[None]:
    """A policy that forbids package scripts to start services, when the host has no policy of its own."""
    ours = not POLICY.exists() or "set-up of Obzvon" in POLICY.read_text(errors="replace")
    if ours:
        script = f"printf '%s' '{POLICY_TEXT}' > {POLICY} && chmod 755 {POLICY}"
        subprocess.run([*prefix, "sh", "-c", script], check=True)
    try:
        yield
    finally:
        if ours:
            subprocess.run([*prefix, "rm", "-f", str(POLICY)], check=False)


def debian_mirror(etc: Path = Path("/etc/apt")) -> str:
    """The Debian mirror that this host already uses, so that a local mirror or cache is used for all."""
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    for file in files:
        if not file.is_file() or file.suffix not in (".list", ".sources"):
            continue
        for line in file.read_text(errors="replace").splitlines():
            if not re.match(r"\s*(deb\s|URIs:)", line):
                continue
            found = re.search(r"https?://\S+/debian/?(?=\s|$)", line)
            if found:
                return found.group(0).rstrip("/")
    return DEFAULT_MIRROR


def triplet() -> str:
    """Debian's name of this machine's library folder."""
    return f"{platform.machine()}-linux-gnu"
