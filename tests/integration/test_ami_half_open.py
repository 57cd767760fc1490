"""A line that was dead and is mended: TCP delivers what its kernel was given, however late."""

import asyncio

from chaos.line import SENT_AGAIN_AFTER_S, Line
from dialer.ami import AmiAddress, AmiClient, AmiSession, AmiTimes
from tests.support.fake_ami import FakeAmi

CALL = {"Channel": "PJSIP/1@t", "Async": "true", "ActionID": "u1"}


def test_an_originate_that_was_given_up_never_arrives():
    """The call was found not to have been placed, and will be placed again: an old Originate would be a second call."""

    async def main() -> None:
        async with FakeAmi() as server:
            line = Line(lambda: server.port, seed=1)
            session = await AmiSession.open(AmiAddress("127.0.0.1", line.port, "obzvon", "s"), AmiTimes())
            with line.spoiled("hold"):
                session.post("Originate", CALL)
                await asyncio.sleep(0.3)
                session.abort()
                await asyncio.sleep(0.3)
            await asyncio.sleep(SENT_AGAIN_AFTER_S + 0.5)
            line.close()
            assert server.named("Originate") == []

    asyncio.run(main())


def test_connections_that_end_at_once_are_tried_again():
    """As from a proxy whose Asterisk is gone: whatever moment it hits, the worker goes on trying."""
    seen: list[asyncio.StreamWriter] = []

    async def drop(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer)
        writer.transport.abort()

    async def main() -> None:
        server = await asyncio.start_server(drop, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        times = AmiTimes(connect=0.5, back_off_least=0.001, back_off_most=0.01)
        client = AmiClient(AmiAddress("127.0.0.1", port, "obzvon", "s"), times)
        task = asyncio.ensure_future(client.run(lambda session: asyncio.sleep(30)))
        while len(seen) < 50:
            await asyncio.sleep(0.01)
            assert not task.done(), task.exception()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        server.close()

    asyncio.run(asyncio.wait_for(main(), 20))
