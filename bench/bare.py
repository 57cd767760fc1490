"""The bare minimum: one socket, no library, no database; the same Originate, dialplan and journal as the engine's."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

from config import secret_store
from config.settings import Settings
from dialer.calls import CallRequest, new_uid
from dialer.gateway import originate_headers


def run(settings: Settings, trunk: str, sound: str, calls: int, channels: int) -> float:
    """Place ``calls`` calls, ``channels`` at once; each that ends starts the next. :returns: seconds."""
    waiting = iter(
        originate(settings, CallRequest(new_uid(), f"7901{i:07d}", trunk, "PJSIP/{number}@{trunk}", "", 30, sound))
        for i in range(calls)
    )
    with socket.create_connection(("127.0.0.1", settings.ami_port)) as connection:
        secret = secret_store.load(settings.home).ami_secret
        connection.sendall(f"Action: Login\r\nUsername: obzvon\r\nSecret: {secret}\r\n\r\n".encode())
        began = time.monotonic()
        connection.sendall(b"".join(next(waiting) for _ in range(channels)))
        ended = 0
        connection.settimeout(20)
        for uid in ended_calls(connection):
            ended += 1
            forget = f"Action: Getvar\r\nVariable: DB_DELETE(obzvon/{uid})\r\n\r\n".encode()
            connection.sendall(forget + next(waiting, b""))
            if ended == calls:
                return time.monotonic() - began
    raise RuntimeError(f"the PBX went away after {ended} of {calls} calls")


def originate(settings: Settings, request: CallRequest) -> bytes:
    """The engine's own Originate as bytes."""
    lines = ["Action: Originate"]
    for name, value in originate_headers(request, settings.sounds).items():
        lines += [f"{name}: {item}" for item in (value if isinstance(value, list) else [value])]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def ended_calls(connection: socket.socket) -> Iterator[str]:
    """Uid of each call that ends."""
    rest = b""
    while data := connection.recv(65536):
        *messages, rest = (rest + data).split(b"\r\n\r\n")
        for message in messages:
            if b"UserEvent: ObzEnded" in message:
                yield message.split(b"Uniqueid: ", 1)[1].split(b"\r\n", 1)[0].decode()
