"""Each habit of panoramisk that has to be guarded (see dialer/ami.py), against a manager interface that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from dialer.ami import (
    AmiAddress,
    AmiAnswerError,
    AmiClient,
    AmiLostError,
    AmiRefusedError,
    AmiSession,
    AmiState,
    AmiTimes,
    AmiValueError,
)
from tests.support.fake_ami import FakeAmi

#: No time goes by that is not asked for, however busy the machine is.
QUIET = AmiTimes(connect=5, answer=5, booted=5, ping_every=60, back_off_least=0.02)
CALL = {"Channel": "PJSIP/1@t", "Async": "true", "ActionID": "u1"}


def run(test: Callable[[FakeAmi], Awaitable[None]]) -> None:
    async def main() -> None:
        async with FakeAmi() as server:
            await asyncio.wait_for(test(server), 30)

    asyncio.run(main())


def address(server: FakeAmi, secret: str = "s") -> AmiAddress:
    return AmiAddress("127.0.0.1", server.port, "obzvon", secret)


@contextlib.asynccontextmanager
async def session_of(server: FakeAmi, times: AmiTimes = QUIET) -> AsyncIterator[AmiSession]:
    session = await AmiSession.open(address(server), times)
    try:
        yield session
    finally:
        session.close()
        await asyncio.sleep(0)


def test_action_is_never_sent_again_after_a_reconnect() -> None:
    """panoramisk alone repeats whatever had no answer: the person would be called twice."""

    async def test(server: FakeAmi) -> None:
        server.answers["Originate"] = lambda headers: ""
        sessions: list[AmiSession] = []

        async def serve(session: AmiSession) -> None:
            sessions.append(session)
            if len(sessions) == 1:
                session.post("Originate", CALL)
            await asyncio.sleep(30)

        client = AmiClient(address(server), QUIET)
        task = asyncio.ensure_future(client.run(serve))
        while not server.named("Originate"):
            await asyncio.sleep(0.01)
        await server.cut()
        while len(sessions) < 2:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert len(server.named("Originate")) == 1
        assert client.state is AmiState.STOPPED

    run(test)


def test_waiting_action_learns_that_the_line_dropped() -> None:
    """A future of panoramisk's would wait for ever."""

    async def test(server: FakeAmi) -> None:
        server.answers["CoreStatus"] = lambda headers: ""
        async with session_of(server) as session:
            asked = asyncio.ensure_future(session.action("CoreStatus"))
            while not server.named("CoreStatus"):
                await asyncio.sleep(0.01)
            await server.cut()
            with pytest.raises(AmiLostError):
                await asked
            with pytest.raises(AmiLostError):
                session.post("Originate", CALL)

    run(test)


def test_every_action_has_a_time_limit() -> None:
    async def test(server: FakeAmi) -> None:
        server.answers["CoreStatus"] = lambda headers: ""
        async with session_of(server, replace(QUIET, answer=0.3)) as session:
            with pytest.raises(AmiLostError, match=r"did not answer CoreStatus within 0\.3 s"):
                await session.action("CoreStatus")

    run(test)


def test_half_open_connection_is_closed_at_the_pings_deadline() -> None:
    async def test(server: FakeAmi) -> None:
        async with session_of(server, replace(QUIET, ping_every=0.05, ping_deadline=1.0)) as session:
            alive = asyncio.ensure_future(session.keep_alive())
            while len(server.named("Ping")) < 3:
                await asyncio.sleep(0.01)
            assert not session.lost.done()
            server.answers["Ping"] = lambda headers: ""
            assert await asyncio.wait_for(session.lost, 10)
            await alive

    run(test)


def test_refused_login_is_told_and_not_hammered(caplog: pytest.LogCaptureFixture) -> None:
    async def test(server: FakeAmi) -> None:
        server.accept_login = False
        with pytest.raises(AmiRefusedError):
            await AmiSession.open(address(server), QUIET)
        tried = server.connections
        client = AmiClient(address(server), replace(QUIET, refused=1.0))
        task = asyncio.ensure_future(client.run(lambda session: asyncio.sleep(30)))
        while client.state is not AmiState.REFUSED:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert server.connections == tried + 1
        server.accept_login = True  # mended: found by itself at the next, slow try
        while client.state is not AmiState.READY:
            await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    with caplog.at_level(logging.ERROR, "dialer.ami"):
        run(test)
    assert "refused the login" in caplog.text


def test_nothing_is_sent_before_everything_is_loaded() -> None:
    async def test(server: FakeAmi) -> None:
        server.booted = False
        with pytest.raises(AmiLostError, match="does not finish its start"):
            await AmiSession.open(address(server), replace(QUIET, booted=0.3))

    run(test)


def test_end_of_an_originate_is_an_event_and_async_needs_no_key() -> None:
    """panoramisk gives it to the action's future, and breaks on an Originate without Async."""

    async def test(server: FakeAmi) -> None:
        async with session_of(server) as session:
            answers: list[str] = []
            session.post("Originate", {"Channel": "a", "ActionID": "u2"}, lambda m: answers.append(m["Message"]))
            while not answers:
                await asyncio.sleep(0.01)
            await server.send(b"Event: OriginateResponse\r\nActionID: u2\r\nResponse: Failure\r\nReason: 0\r\n\r\n")
            event = await asyncio.wait_for(session.events.get(), 10)
            assert (event["Event"], event["ActionID"]) == ("OriginateResponse", "u2")
            assert not session.lost.done()

    run(test)


def test_end_of_an_originate_before_its_answer_is_an_event_too() -> None:
    async def test(server: FakeAmi) -> None:
        server.answers["Originate"] = lambda headers: (
            "Event: OriginateResponse\r\nActionID: u1\r\nResponse: Failure\r\n\r\n"
            "Response: Success\r\nActionID: u1\r\nMessage: Originate successfully queued\r\n\r\n"
        )
        async with session_of(server) as session:
            answers: list[str] = []
            session.post("Originate", CALL, lambda m: answers.append(m["Response"]))
            event = await asyncio.wait_for(session.events.get(), 10)
            assert event["Event"] == "OriginateResponse"
            while not answers:
                await asyncio.sleep(0.01)
            assert answers == ["Success"]

    run(test)


def test_queue_add_is_answered() -> None:
    """With panoramisk alone its future never completes."""

    async def test(server: FakeAmi) -> None:
        server.answers["QueueAdd"] = lambda headers: (
            f"Response: Success\r\nActionID: {headers['ActionID']}\r\nMessage: Added interface to queue\r\n\r\n"
        )
        async with session_of(server) as session:
            assert (await session.action("QueueAdd", Queue="q"))["Message"] == "Added interface to queue"

    run(test)


def test_list_ends_also_with_an_error() -> None:
    async def test(server: FakeAmi) -> None:
        server.answers["DBGetTree"] = lambda headers: (
            f"Response: Error\r\nActionID: {headers['ActionID']}\r\nMessage: no\r\n\r\n"
        )
        server.answers["CoreShowChannels"] = lambda headers: (
            f"Response: Success\r\nActionID: {headers['ActionID']}\r\nEventList: start\r\n\r\n"
            f"Event: CoreShowChannel\r\nActionID: {headers['ActionID']}\r\nUniqueid: a\r\n\r\n"
            f"Event: CoreShowChannelsComplete\r\nActionID: {headers['ActionID']}\r\nEventList: Complete\r\n\r\n"
        )
        async with session_of(server) as session:
            with pytest.raises(AmiAnswerError):
                await session.rows("DBGetTree", Family="x")
            assert [row["Uniqueid"] for row in await session.rows("CoreShowChannels")] == ["a"]

    run(test)


def test_letter_split_over_two_reads_survives() -> None:
    """panoramisk decodes each read by itself: "Иван" became "ван"."""

    async def test(server: FakeAmi) -> None:
        async with session_of(server) as session:
            message = "Event: UserEvent\r\nUserEvent: X\r\nName: Иван\r\n\r\n".encode()
            for byte in message:
                await server.send(bytes([byte]))
                await asyncio.sleep(0)
            assert (await asyncio.wait_for(session.events.get(), 10))["Name"] == "Иван"

    run(test)


def test_events_keep_their_order_and_a_bad_one_drops_nothing() -> None:
    async def test(server: FakeAmi) -> None:
        async with session_of(server) as session:
            await server.send(b"Nonsense\r\n\r\nEvent: A\r\nX: \xff\r\n\r\n")
            await server.send(b"".join(b"Event: N\r\nI: %d\r\n\r\n" % i for i in range(500)))
            assert (await session.events.get())["Event"] == "A"
            assert [(await session.events.get())["I"] for _ in range(500)] == [str(i) for i in range(500)]
            assert not session.lost.done()

    run(test)


async def served_twice(server: FakeAmi, first: Exception | None = None) -> None:
    """Returns once a client has served its second connection; at its first one the service raises ``first``."""
    seen = 0

    async def serve(_session: AmiSession) -> None:
        nonlocal seen
        seen += 1
        if seen == 1 and first is not None:
            raise first
        await asyncio.sleep(30)

    task = asyncio.ensure_future(AmiClient(address(server), QUIET).run(serve))
    while seen < 2:
        await asyncio.sleep(0.01)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def test_failing_service_does_not_end_the_client() -> None:
    """An exception in our own code costs a reconnect, never the dialer."""
    run(lambda server: served_twice(server, RuntimeError("a bug")))


def test_a_connection_without_its_pings_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would notice that it is half-open."""

    async def no_pings(_session: AmiSession) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(AmiSession, "keep_alive", no_pings)
    run(served_twice)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Channel": "a\r\nAction: Hangup"}, "control character"),
        ({"Variable": ["OK=1", "B=\nx"]}, "control character"),
        ({"Channel": "a\x00b"}, "control character"),
        ({"Channel": "я" * 600}, "too long"),
        ({"Channel": "x" * 1100}, "too long"),
        ({"Variable": ["A=1"] * 130}, "too many"),
        ({"Channel: x\r\nAction": "y"}, "no header name"),
    ],
)
def test_values_that_asterisk_would_misread_are_refused(headers: dict[str, str | list[str]], why: str) -> None:
    async def test(server: FakeAmi) -> None:
        async with session_of(server) as session:
            before = len(server.actions)
            with pytest.raises(AmiValueError, match=why):
                session.post("Originate", headers)
            await session.action("CoreStatus")
            assert len(server.actions) == before + 1

    run(test)


def test_no_connection_is_told_with_the_address() -> None:
    async def test(server: FakeAmi) -> None:
        with pytest.raises(AmiLostError, match="does not answer on"):
            await AmiSession.open(AmiAddress("127.0.0.1", 1, "a", "b"), QUIET)

    run(test)


def test_connection_that_ends_at_once_is_told() -> None:
    async def main() -> None:
        async def slam(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        server = await asyncio.start_server(slam, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(AmiLostError):
                await AmiSession.open(AmiAddress("127.0.0.1", port, "a", "b"), QUIET)

    asyncio.run(main())
