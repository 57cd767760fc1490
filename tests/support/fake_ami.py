"""A tiny manager interface that misbehaves on demand, for the guards of dialer/ami.py."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

Headers = dict[str, str]


class FakeAmi:
    """Accepts logins and remembers every action. ``answers`` replaces the reply to an action by its name."""

    def __init__(self) -> None:
        self.port = 0
        self.actions: list[list[str]] = []  # the lines of each action, of all connections
        self.connections = 0
        self.accept_login = True
        self.booted = True
        #: action's name -> what to write, "" for silence; None answers with Success
        self.answers: dict[str, Callable[[Headers], str] | None] = {}
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> FakeAmi:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self.cut()
        await asyncio.sleep(0.01)

    def named(self, name: str) -> list[list[str]]:
        return [lines for lines in self.actions if f"Action: {name}" in lines]

    async def send(self, data: bytes) -> None:
        for writer in self._writers:
            writer.write(data)
            await writer.drain()

    async def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode().strip()
                lines = block.split("\r\n")
                self.actions.append(lines)
                writer.write(self._answer(dict(line.split(": ", 1) for line in lines if ": " in line)).encode())
                await writer.drain()
        writer.close()

    def _answer(self, headers: Headers) -> str:
        name, identity = headers["Action"], headers.get("ActionID", "")
        custom = self.answers.get(name)
        if custom is not None:
            return custom(headers)
        if name == "Login":
            if not self.accept_login:
                return f"Response: Error\r\nActionID: {identity}\r\nMessage: Authentication failed\r\n\r\n"
            booted = "Event: FullyBooted\r\nStatus: Fully Booted\r\n\r\n" if self.booted else ""
            return f"Response: Success\r\nActionID: {identity}\r\nMessage: Authentication accepted\r\n\r\n{booted}"
        message = "Originate successfully queued" if name == "Originate" else "Done"
        return f"Response: Success\r\nActionID: {identity}\r\nMessage: {message}\r\n\r\n"
