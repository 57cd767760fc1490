"""Fixtures around one private Asterisk pair per test module."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dialer.ami import AmiTimes
from dialer.calls import CallRequest, new_uid
from dialer.gateway import Gateway
from dialer.settling import SettleTimes
from tests.support.asterisk import AsteriskPair, MemoryLedger, asterisk_pair
from tests.support.audio import write_sweep
from tests.support.servers import wait_until

#: Faults are noticed sooner than in production, so that tests are short.
SHORT = AmiTimes(connect=1.5, answer=5.0, ping_every=0.3, ping_deadline=1.0, back_off_most=0.5)
SHORT_SWEEPS = SettleTimes(sweep_every=1.0, unclaimed_after=1.0, journal_after=1.0, end_strangers=False)
MESSAGE_S = 4.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def pair(home: Path) -> Iterator[AsteriskPair]:
    with asterisk_pair(home) as running:
        write_sweep(running.settings.sounds / "sweep.wav", MESSAGE_S)
        yield running


class Caller:
    """A gateway with a ledger in memory, and short ways to use them."""

    def __init__(
        self,
        pair: AsteriskPair,
        port: int | None = None,
        ledger: MemoryLedger | None = None,
        settle: SettleTimes = SHORT_SWEEPS,
        times: AmiTimes = SHORT,
    ) -> None:
        settings = pair.settings if port is None else pair.settings.model_copy(update={"ami_port": port})
        self.ledger = ledger or MemoryLedger()
        self.gateway = Gateway(settings, self.ledger, contextlib.nullcontext, ami_times=times, settle_times=settle)
        self.gateway.start()

    def ready(self, timeout_s: float = 15) -> str:
        wait_until(lambda: self.gateway.boot, timeout_s, "the gateway is connected")
        boot = self.gateway.boot
        assert boot is not None
        return boot

    def request(self, number: str, **more: object) -> CallRequest:
        """A claimed call, as the ledger makes it, ready to be placed."""
        request = CallRequest(
            uid=new_uid(),
            number=number,
            trunk="rehearsal",
            template="PJSIP/{number}@{trunk}",
            caller_id="74950000000",
            ring_s=10,
            sound="sweep",
            tag_attempt=True,
            claimed=time.monotonic() + 60,  # not too late for the gateway, however busy the machine is
        )
        request = dataclasses.replace(request, **more)  # type: ignore[arg-type]
        self.ledger.claim(request.uid, self.gateway.boot or "")
        return request

    def call(self, *numbers: str, **more: object) -> list[str]:
        """Place calls now; returns their uids."""
        requests = [self.request(number, **more) for number in numbers]
        self.gateway.place(requests)
        return [request.uid for request in requests]


@pytest.fixture
def make_caller(pair: AsteriskPair) -> Iterator[Callable[..., Caller]]:
    made: list[Caller] = []

    def make(**more: Any) -> Caller:
        made.append(Caller(pair, **more))
        return made[-1]

    yield make
    for caller in made:
        caller.gateway.stop()
