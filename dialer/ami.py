"""The manager interface (AMI) of one Asterisk; the only importer of panoramisk.

panoramisk frames and parses. Everything that it does by itself across connections is switched off here, since each
habit of it has cost somebody a call: it repeats unanswered actions after a reconnect, never checks its ping, retries a
refused login for ever, loses a letter that is split over two reads, lets line breaks in values through, and drops the
connection when a callback raises. tests/integration/test_ami_guards.py holds each guard.

One :class:`AmiSession` is one login. :class:`AmiClient` makes them, one after another, until stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from dialer.errors import DialerError

log = logging.getLogger(__name__)

#: Limits of Asterisk's reader: main/manager.c, one line and the headers of one message.
LONGEST_LINE = 1024
MOST_HEADERS = 128
#: A message longer than this is no AMI.
LONGEST_MESSAGE = 4 * 1024 * 1024
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9]*\Z")

Message = Mapping[str, Any]
Headers = Mapping[str, str | Sequence[str]]


class AmiError(DialerError):
    """The manager interface did not do what was asked."""


class AmiValueError(AmiError):
    """A value could be read as something else by Asterisk; nothing was sent."""

    def __init__(self, sentence: str) -> None:
        super().__init__("ami_value_unsafe", sentence)


class AmiLostError(AmiError):
    """The connection ended before the answer came; what was sent may or may not have been done."""

    def __init__(self, sentence: str = "The connection to Asterisk was lost.") -> None:
        super().__init__("ami_lost", sentence, status=503)


class AmiRefusedError(AmiError):
    """Asterisk refused the login."""

    def __init__(self) -> None:
        super().__init__(
            "ami_login_refused", "Asterisk refused the login: render its configuration and restart it.", status=503
        )


class AmiAnswerError(AmiError):
    """Asterisk answered an action with an error."""

    def __init__(self, action: str, message: str) -> None:
        super().__init__("ami_error_answer", f"Asterisk refused {action}: {message}", status=502)
        self.message = message


class AmiState(StrEnum):
    """What an operator is told about the connection."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    READY = "ready"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AmiAddress:
    """Where and as whom to log in."""

    host: str
    port: int
    username: str
    secret: str


@dataclass(frozen=True, slots=True)
class AmiTimes:
    """Seconds; tests shorten them."""

    connect: float = 5.0
    answer: float = 10.0
    booted: float = 60.0
    #: Often, because :attr:`AmiSession.silent_s` is to tell within a second or two that Asterisk does nothing.
    ping_every: float = 0.5
    ping_deadline: float = 5.0
    back_off_least: float = 0.2
    #: Asterisk is on this machine: a try costs nothing, and calls wait.
    back_off_most: float = 1.0
    refused: float = 30.0


class _Everything:
    """panoramisk repeats after a reconnect what is not in its ``forgetable_actions``: so all actions are in."""

    def __contains__(self, action: object) -> bool:
        return True


class _Reply(Action):  # type: ignore[misc]
    """An action that ends with its first answer, or, as a list, with the event that completes it or an error."""

    def add_message(self, message: Any) -> bool:
        self.responses.append(message)
        if self.as_list:
            if len(self.responses) == 1 and message.get("Response") == "Success":
                return False
            if message.get("Response") != "Error" and not str(message.get("Event", "")).endswith("Complete"):
                return False
        if not self.future.done():
            self.future.set_result(self.responses if self.as_list else message)
        return True


class _Protocol(AMIProtocol):  # type: ignore[misc]
    """Hands panoramisk whole messages only, so that no letter is cut, and leaves no future waiting for ever."""

    def __init__(self, manager: _Manager) -> None:
        self._manager = manager
        self._tail = b""
        #: When the last bytes came, monotonic seconds.
        self.heard = time.monotonic()

    def connection_made(self, transport: asyncio.Transport) -> None:
        # However this connection ends, also by a kill of this process: what Asterisk has not got yet it never gets. TCP
        # would go on delivering on a line that is mended, long after these calls were found not to have been placed.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        super().connection_made(transport)
        # panoramisk sets it later; a connection that ends before that must be told too.
        self.factory = self._manager

    def data_received(self, data: bytes) -> None:
        self.heard = time.monotonic()
        data = self._tail + data
        end = data.rfind(b"\r\n\r\n")
        if end < 0:
            self._tail = data
            if len(data) > LONGEST_MESSAGE:
                self.transport.abort()
            return
        self._tail = data[end + 4 :]
        super().data_received(data[: end + 4])

    def handle_message(self, message: Any) -> None:
        # The end of an Originate bears the action's id; it is an event like others, whatever is still pending.
        if message.get("Event") == "OriginateResponse":
            self.factory.dispatch(message)
        else:
            super().handle_message(message)

    def close(self) -> None:
        pending = {action.future for action in self.responses.values()}
        super().close()
        for future in pending:
            future.cancel()


class _Manager(Manager):  # type: ignore[misc]
    """panoramisk's manager for one connection, without a life of its own."""

    pinger: asyncio.TimerHandle | None

    def __init__(self, loop: asyncio.AbstractEventLoop, lost: Callable[[str], None]) -> None:
        super().__init__(loop=loop, forgetable_actions=_Everything(), log=log, ping_delay=3600)
        self._lost = lost

    def ping(self) -> None:
        """Ours has a deadline: see AmiSession."""

    def connection_lost(self, exc: object) -> None:
        if self.pinger is not None:
            self.pinger.cancel()
            self.pinger = None
        self._lost("the connection ended")

    async def send_awaiting_actions(self, *_: object) -> None:
        """Nothing is ever sent twice."""


def encode(name: str, headers: Headers) -> dict[str, Any]:
    """Check an action before it goes on the wire.

    :raises AmiValueError: a control character, a header name of its own making, or something too long.
    """
    action: dict[str, Any] = {"Action": name}
    action.update(headers)
    count = 0
    for key, value in action.items():
        if not _HEADER.match(key):
            raise AmiValueError(f"{key!r} is no header name.")
        for line in (value,) if isinstance(value, str) else value:
            count += 1
            if _UNSAFE.search(line):
                raise AmiValueError(f"The value of {key} holds a control character.")
            if len(key) + len(line) + 4 > LONGEST_LINE // 4 and len(f"{key}: {line}\r\n".encode()) > LONGEST_LINE:
                raise AmiValueError(f"The value of {key} is too long for Asterisk.")
    if count > MOST_HEADERS - 1:  # one more for the action's id
        raise AmiValueError(f"{count} headers are too many for Asterisk.")
    return action


class AmiSession:
    """One login. Events go, in order, through one queue to one consumer; actions are sent once or not at all."""

    def __init__(self, manager: _Manager, times: AmiTimes, lost: asyncio.Future[str]) -> None:
        self._manager = manager
        self._times = times
        #: Completes with the reason when the connection is gone.
        self.lost = lost
        self.events: asyncio.Queue[Message] = asyncio.Queue()
        manager.register_event("*", self._enqueue)

    @classmethod
    async def open(cls, address: AmiAddress, times: AmiTimes) -> AmiSession:
        """Connect, log in and wait until Asterisk has loaded everything.

        :raises AmiRefusedError: wrong name or secret.
        :raises AmiLostError: no connection, or no answer in time.
        """
        loop = asyncio.get_running_loop()
        lost: asyncio.Future[str] = loop.create_future()

        def _lost(reason: str) -> None:
            if not lost.done():
                lost.set_result(reason)

        manager = _Manager(loop, _lost)
        try:
            pair = await asyncio.wait_for(
                loop.create_connection(lambda: _Protocol(manager), address.host, address.port), times.connect
            )
        except (OSError, TimeoutError) as exc:
            raise AmiLostError(f"Asterisk does not answer on {address.host}:{address.port}: {exc}") from exc
        made: asyncio.Future[Any] = loop.create_future()
        made.set_result(pair)
        manager.connection_made(made)
        session = cls(manager, times, lost)
        try:
            await session._log_in(address)
        except BaseException:
            session.close("login failed")
            raise
        return session

    async def action(self, name: str, timeout: float | None = None, /, **headers: str | Sequence[str]) -> Message:
        """Send one action and wait for its answer.

        :raises AmiAnswerError: the answer is an error.
        :raises AmiLostError: no answer within ``timeout`` seconds, or the connection ended.
        """
        answer: Message = await self._answer(name, self._send(name, headers), timeout)
        if answer.get("Response") not in ("Success", "Follows", "Goodbye"):
            raise AmiAnswerError(name, str(answer.get("Message", "")))
        return answer

    async def rows(self, name: str, timeout: float | None = None, /, **headers: str | Sequence[str]) -> list[Message]:
        """Send an action that answers with a list of events; returns these events.

        Raises as :meth:`action` does.
        """
        answers: list[Message] = await self._answer(name, self._send(name, headers, as_list=True), timeout)
        if answers[0].get("Response") != "Success":
            raise AmiAnswerError(name, str(answers[0].get("Message", "")))
        return answers[1:-1]

    def post(self, name: str, headers: Headers, done: Callable[[Message], None] | None = None) -> None:
        """Send one action without waiting; ``done`` gets the answer, and is not called when the connection ends.

        No timer runs for it: Asterisk answers actions in their order, so the ping's deadline covers it.

        :raises AmiValueError: nothing was sent.
        :raises AmiLostError: the connection is gone; nothing was sent.
        """
        future = self._send(name, headers)
        if done is not None:
            future.add_done_callback(lambda answered: None if answered.cancelled() else done(answered.result()))

    @property
    def silent_s(self) -> float:
        """Seconds since Asterisk said anything; readable from any thread."""
        heard: float = self._manager.protocol.heard
        return time.monotonic() - heard

    def close(self, reason: str = "closed by us") -> None:
        """End the connection; every waiting action gets AmiLostError."""
        if not self.lost.done():
            self.lost.set_result(reason)
        self._manager.close()

    def abort(self) -> None:
        """End the connection without sending what is still buffered."""
        self._manager.protocol.transport.abort()
        self.close("aborted by us")

    def _enqueue(self, _manager: object, message: Message) -> None:
        self.events.put_nowait(message)

    def _send(self, name: str, headers: Headers, as_list: bool = False) -> asyncio.Future[Any]:
        if self.lost.done():
            raise AmiLostError
        action = _Reply(encode(name, headers))
        future: asyncio.Future[Any] = self._manager.protocol.send(action, as_list=as_list)
        return future

    async def _answer(self, name: str, future: asyncio.Future[Any], timeout: float | None) -> Any:
        limit = self._times.answer if timeout is None else timeout
        # asyncio.wait, not wait_for: the future is cancelled when the line drops, and that must not look like a
        # cancellation of this task.
        await asyncio.wait({future}, timeout=limit)
        if future.cancelled():
            raise AmiLostError
        if not future.done():
            future.cancel()
            raise AmiLostError(f"Asterisk did not answer {name} within {limit:g} s.")
        return future.result()

    async def _log_in(self, address: AmiAddress) -> None:
        try:
            await self.action(
                "Login",
                self._times.connect,
                Username=address.username,
                Secret=address.secret,
                Events="on",
            )
        except AmiAnswerError as exc:
            raise AmiRefusedError from exc
        waiting = asyncio.ensure_future(self._booted())
        watched: set[asyncio.Future[Any]] = {waiting, self.lost}
        await asyncio.wait(watched, timeout=self._times.booted, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            raise AmiLostError("Asterisk does not finish its start.")
        waiting.result()

    async def _booted(self) -> None:
        """FullyBooted comes after every login, at once or when everything is loaded."""
        while (await self.events.get()).get("Event") != "FullyBooted":
            pass

    async def keep_alive(self) -> None:
        """Ping until the connection is gone; a half-open one is closed at the deadline."""
        while not self.lost.done():
            await asyncio.wait({self.lost}, timeout=self._times.ping_every)
            if self.lost.done():
                return
            try:
                await self.action("Ping", self._times.ping_deadline)
            except AmiError:
                self.abort()
                return


class AmiClient:
    """Keeps one session up: connects, logs in, and after a loss begins again with a growing pause."""

    def __init__(self, address: AmiAddress, times: AmiTimes | None = None) -> None:
        self._address = address
        self._times = times or AmiTimes()
        self._session: AmiSession | None = None
        self.state = AmiState.STOPPED

    async def run(self, serve: Callable[[AmiSession], Awaitable[None]]) -> None:
        """Run ``serve(session)`` for each session until cancelled; it is cancelled when its connection is gone.

        A refused login is not repeated at once: :attr:`state` says REFUSED, an error is logged, and the next try is
        half a minute later, when the configuration may have been mended.
        """
        pause = self._times.back_off_least
        try:
            while True:
                self.state = AmiState.CONNECTING
                try:
                    session = await AmiSession.open(self._address, self._times)
                except AmiRefusedError as exc:
                    self.state = AmiState.REFUSED
                    log.error("%s", exc.sentence)
                    await asyncio.sleep(self._times.refused)
                    continue
                except AmiError as exc:
                    log.info("%s", exc.sentence)
                    await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter only
                    pause = min(self._times.back_off_most, pause * 2)
                    continue
                except Exception:  # a slip here must not leave a worker that lives and never dials again
                    log.exception("the connection to Asterisk could not be opened")
                    await asyncio.sleep(self._times.back_off_most)
                    continue
                began = time.monotonic()
                await self._serve(session, serve)
                lasted = time.monotonic() - began
                pause = (
                    self._times.back_off_least
                    if lasted > self._times.back_off_most
                    else min(self._times.back_off_most, pause * 2)
                )
                await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter only
        finally:
            self.state = AmiState.STOPPED

    async def _serve(self, session: AmiSession, serve: Callable[[AmiSession], Awaitable[None]]) -> None:
        self._session = session
        self.state = AmiState.READY
        alive = asyncio.ensure_future(session.keep_alive())
        work = asyncio.ensure_future(serve(session))
        try:
            # Without its pings a half-open connection would never be noticed.
            watched: set[asyncio.Future[Any]] = {session.lost, work, alive}
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if session.lost.done():
                log.warning("the connection to Asterisk is gone: %s", session.lost.result())
            for task in (work, alive):
                if task.done() and not task.cancelled() and task.exception() is not None:
                    log.error("serving the connection to Asterisk failed", exc_info=task.exception())
        finally:
            self._session = None
            self.state = AmiState.CONNECTING
            session.close()
            for task in (work, alive):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task
