"""The ports of a home: chosen free at its first start, kept in ``<home>/ports.json``, checked at every start.

Ports are given out in blocks: block 0 holds the defaults of the settings, block *k* the same plus ``100·k``. A running
copy holds a lock on its block, so that two homes that start at the same moment do not choose the same one.
Explicit settings always win over the file.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TextIO

from config.settings import PORTS, SHORT, Settings, SettingsError, kept_ports, own_folder

#: setting -> the setting that names its address (None: 127.0.0.1) and the kind of socket.
LISTENERS: Mapping[str, tuple[str | None, socket.SocketKind]] = {
    "web_port": ("web_host", socket.SOCK_STREAM),
    "ami_port": (None, socket.SOCK_STREAM),
    "sip_port": ("sip_host", socket.SOCK_DGRAM),
    "sip_local_port": (None, socket.SOCK_DGRAM),
    "carrier_sip_port": ("carrier_host", socket.SOCK_DGRAM),
}
STEP = 100
BLOCKS = 100
#: RTP takes 10,000 ports, so only five ranges exist. Copies may share one: Asterisk tries another port when one is
#: taken.
RTP_RANGES = 5
RTP_STEP = 10_000


class PortTaken(SettingsError):
    """A port that this home needs belongs to another program."""

    code = "port_taken"


@dataclass
class Ports:
    """The ports of one home. Keep this object as long as the copy runs: it holds the lock of the block."""

    values: dict[str, int]
    block: int
    _lock: TextIO | None = field(default=None, repr=False)

    def release(self) -> None:
        """Let another home have the block."""
        if self._lock:
            self._lock.close()
            self._lock = None


def ensure(settings: Settings, first_block: int = 0) -> Ports:
    """Choose what is not chosen yet, write ``ports.json``, and check that every port is free.

    ``first_block`` is where the search begins; copies for a while (demo, tests) begin higher, so that the default
    ports stay free for the copy that a person starts. Afterwards the settings have to be loaded anew.

    :raises PortTaken: a port kept from an earlier start, or set by the user, is taken.
    """
    path = settings.home / "ports.json"
    kept = kept_ports(settings.home)
    explicit = {name: getattr(settings, name) for name in PORTS if name in settings.model_fields_set}
    fixed = {**kept, **explicit}
    for name, port in fixed.items():
        if _needed(settings, name) and not _free(settings, name, port):
            raise PortTaken(_taken(settings, name, port))
    if all(name in fixed for name in PORTS):
        block = _block_of(kept)
        return Ports(fixed, block, _lock_block(block))
    block, lock = _free_block(settings, fixed, first_block)
    kept |= {name: port for name, port in _ports_of(block).items() if name not in fixed}
    settings.home.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(kept, indent=1) + "\n")
    temporary.replace(path)
    return Ports({**kept, **explicit}, block, lock)


def _ports_of(block: int) -> dict[str, int]:
    ports = {name: int(Settings.model_fields[name].default) + STEP * block for name in LISTENERS}
    ports["rtp_start"] = int(Settings.model_fields["rtp_start"].default) + RTP_STEP * (block % RTP_RANGES)
    return ports


def _block_of(kept: Mapping[str, int]) -> int:
    for name in LISTENERS:
        if name in kept:
            return (kept[name] - int(Settings.model_fields[name].default)) // STEP
    return -1


def _free_block(settings: Settings, fixed: Mapping[str, int], first: int) -> tuple[int, TextIO | None]:
    for block in _from(first):
        lock = _lock_block(block)
        if lock is None:
            continue
        wanted = {name: port for name, port in _ports_of(block).items() if name not in fixed}
        good = False
        try:
            good = not set(wanted.values()) & set(fixed.values()) and all(
                _free(settings, name, port) for name, port in wanted.items()
            )
        finally:
            if not good:
                lock.close()
        if good:
            return block, lock
    raise PortTaken(
        f"No {len(LISTENERS)} free ports were found for {settings.home}; set OBZVON_WEB_PORT and the others."
    )


def _from(first: int) -> Iterator[int]:
    yield from range(first, BLOCKS)
    yield from range(0, first)


def _lock_block(block: int) -> TextIO | None:
    """The lock of a block, or None when another copy has it. A block of explicit ports (-1) needs none."""
    if block < 0:
        return None
    folder = own_folder(SHORT / f"obzvon-ports-{os.getuid()}")
    handle = (folder / f"{block}.lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


def _needed(settings: Settings, name: str) -> bool:
    process = {"web_port": "web", "carrier_sip_port": "carrier"}.get(name, "pbx")
    return settings.runs(process)


def _address(settings: Settings, name: str) -> str:
    host_setting = LISTENERS[name][0]
    return str(getattr(settings, host_setting)) if host_setting else "127.0.0.1"


def _free(settings: Settings, name: str, port: int) -> bool:
    """Whether the port can be bound now, as UDP where it is UDP.

    :raises SettingsError: the address itself is not this machine's.
    """
    if name not in LISTENERS:
        return True
    address, kind = _address(settings, name), LISTENERS[name][1]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with closing(socket.socket(family, kind)) as probe:
        if kind is socket.SOCK_STREAM:  # as servers do: a connection of the last run in TIME_WAIT is no hindrance
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                return False
            host_setting = LISTENERS[name][0] or name
            sentence = f"Port {port} on {address} cannot be used: {exc.strerror}. See OBZVON_{host_setting.upper()}."
            raise SettingsError(sentence) from exc
    return True


def _taken(settings: Settings, name: str, port: int) -> str:
    protocol = "TCP" if LISTENERS[name][1] is socket.SOCK_STREAM else "UDP"
    return (
        f"Port {port} ({protocol}, {_address(settings, name)}) is taken by another program: end that program, "
        f"or set OBZVON_{name.upper()} to another port (in the environment or in {settings.home / 'obzvon.env'})."
    )
