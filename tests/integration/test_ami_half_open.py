"""A line that was dead and is mended: TCP delivers what its kernel was given, however late."""

import asyncio
import threading

from chaos.line import SENT_AGAIN_AFTER_S, Line
from dialer.ami import AmiAddress, AmiSession, AmiTimes
from tests.support.fake_ami import FakeAmi

CALL = {"Channel": "PJSIP/1@t", "Async": "true", "ActionID": "u1"}


def test_an_originate_that_was_given_up_never_arrives():
    """The call was found not to have been placed, and will be placed again: an old Originate would be a second call."""

    async def main() -> None:
        async with FakeAmi() as server:
            line = Line(lambda: server.port, seed=1)
            session = await AmiSession.open(AmiAddress("127.0.0.1", line.port, "obzvon", "s"), AmiTimes())
            holding = threading.Thread(target=line.spoil, args=("hold", 1.0))
            holding.start()
            await asyncio.sleep(0.3)
            session.post("Originate", CALL)
            await asyncio.sleep(0.3)
            session.abort()
            await asyncio.to_thread(holding.join)
            await asyncio.sleep(SENT_AGAIN_AFTER_S + 0.5)
            line.close()
            assert server.named("Originate") == []

    asyncio.run(main())
