"""The bare minimum: one socket, no library, no database; the same Originate, dialplan and journal as the engine's."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

from config import secret_store
from config.settings import Settings
from dialer.calls import CallRequest, new_uid
from dialer.gateway import originate_headers


def run(settings: Settings, trunk: str, sound: str, calls: int, channels: int) -> float:
    """Place ``calls`` calls, ``channels`` at once; each that ends starts the next. :returns: seconds."""
    prepared = iter([originate(settings, trunk, sound, i) for i in range(calls)])
    with connect(settings) as connection:
        began = time.monotonic()
        connection.sendall(b"".join(next(prepared) for _ in range(channels)))
        ended = 0
        for uid in ended_calls(connection):
            ended += 1
            connection.sendall(forget(uid) + next(prepared, b""))
            if ended == calls:
                return time.monotonic() - began
    raise RuntimeError(f"the PBX went away after {ended} of {calls} calls")


class Keeper:
    """Keeps so many calls up, in a thread of its own; those that end are followed by others."""

    def __init__(self, settings: Settings, trunk: str, sound: str, cps: float) -> None:
        self.wanted = 0
        self.up = 0
        self._make = lambda: originate(settings, trunk, sound, 0)
        self._pause_s = 1 / cps
        self._connection = connect(settings)
        threading.Thread(target=self._count, daemon=True).start()
        threading.Thread(target=self._place, daemon=True).start()

    def close(self) -> None:
        """No call any more; those that are up end by themselves."""
        self.wanted = -1
        self._connection.close()

    def _place(self) -> None:
        while self.wanted >= 0:
            if self.up < self.wanted:
                self.up += 1
                self._connection.sendall(self._make())
            time.sleep(self._pause_s)

    def _count(self) -> None:
        try:
            for uid in ended_calls(self._connection):
                self.up -= 1
                self._connection.sendall(forget(uid))
        except OSError:
            if self.wanted >= 0:
                raise


def connect(settings: Settings) -> socket.socket:
    """A connection that is logged in."""
    connection = socket.create_connection(("127.0.0.1", settings.ami_port))
    secret = secret_store.load(settings.home).ami_secret
    connection.sendall(f"Action: Login\r\nUsername: obzvon\r\nSecret: {secret}\r\n\r\n".encode())
    connection.settimeout(60)
    return connection


def originate(settings: Settings, trunk: str, sound: str, n: int) -> bytes:
    """The engine's own Originate as bytes."""
    request = CallRequest(new_uid(), f"7901{n:07d}", trunk, "PJSIP/{number}@{trunk}", "", 30, sound)
    lines = ["Action: Originate"]
    for name, value in originate_headers(request, settings.sounds).items():
        lines += [f"{name}: {item}" for item in (value if isinstance(value, list) else [value])]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def forget(uid: str) -> bytes:
    """Take the call's entry out of the journal."""
    return f"Action: Getvar\r\nVariable: DB_DELETE(obzvon/{uid})\r\n\r\n".encode()


def ended_calls(connection: socket.socket) -> Iterator[str]:
    """Uid of each call that ends."""
    rest = b""
    while data := connection.recv(65536):
        *messages, rest = (rest + data).split(b"\r\n\r\n")
        for message in messages:
            if b"UserEvent: ObzEnded" in message:
                yield message.split(b"Uniqueid: ", 1)[1].split(b"\r\n", 1)[0].decode()
