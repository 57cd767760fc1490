"""RabbitMQ for the tests, in a private folder: Debian's own packages, unpacked rather than installed.

The package itself would start a service at each boot of the host, and bring Erlang's port mapper as another.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from setup import host
from setup.asterisk import remove
from setup.say import SetupError, run, say, tail

#: What rabbitmq-server needs of Erlang, as its package says.
PACKAGES = (
    "rabbitmq-server",
    *("erlang-base", "erlang-asn1", "erlang-crypto", "erlang-eldap", "erlang-ftp", "erlang-inets", "erlang-mnesia"),
    *("erlang-os-mon", "erlang-parsetools", "erlang-public-key", "erlang-runtime-tools", "erlang-snmp", "erlang-ssl"),
    *("erlang-syntax-tools", "erlang-tftp", "erlang-tools", "erlang-xmerl"),
)


def server(root: Path) -> Path:
    """The script that starts the server; it does not exist when nothing is unpacked."""
    found = sorted((root / "usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    return found[-1] if found else root / "usr/lib/rabbitmq"


def programs(root: Path) -> tuple[Path, Path]:
    """Folders of Erlang's programs: ``erl`` in the first, ``epmd`` in the second."""
    machines = sorted((root / "usr/lib/erlang").glob("erts-*/bin"))
    return root / "usr/lib/erlang/bin", machines[-1] if machines else root


def works(root: Path) -> bool:
    """True when the unpacking came to its end; the folder is renamed only then."""
    return server(root).is_file()


def ensure(runtime: Path, log: Path) -> None:
    """Make ``<runtime>/rabbitmq``.

    :raises SetupError: the packages cannot be fetched or unpacked.
    """
    target = runtime / "rabbitmq"
    if works(target):
        return
    say(f"Unpacking Debian's RabbitMQ into {target} for the tests (60 MB, nothing of the host changes)")
    work = target.with_name(f"rabbitmq.building-{os.getpid()}")
    for stale in target.parent.glob("rabbitmq.building-*"):
        remove(stale)
    packages = work / "packages"
    packages.mkdir(parents=True)
    try:
        _download(packages, log)
        for package in sorted(packages.glob("*.deb")):
            if run(["dpkg-deb", "-x", str(package), str(work)], log):
                raise SetupError(f"{package.name} could not be unpacked. The end of {log}:\n{tail(log)}")
        shutil.rmtree(packages)
        _relocate(work, target)
        remove(target)
        work.rename(target)
    finally:
        remove(work)


def _download(folder: Path, log: Path) -> None:
    # The shell changes into the folder: apt-get writes to the current one.
    fetch = ["sh", "-c", 'cd "$1" && shift && exec apt-get download "$@"', "sh", str(folder), *PACKAGES]
    if not run(fetch, log):
        return
    if run([*host.root_prefix(), "apt-get", "update"], log) or run(fetch, log):
        raise SetupError(f"RabbitMQ could not be fetched for the tests. The end of {log}:\n{tail(log)}")


def _relocate(work: Path, target: Path) -> None:
    """Erlang's start script names its folder."""
    script = work / "usr/lib/erlang/bin/erl"
    text = re.sub(r"ROOTDIR=/usr/lib/erlang", f"ROOTDIR={target}/usr/lib/erlang", script.read_text())
    script.write_text(text)
