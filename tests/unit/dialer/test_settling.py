"""Channels that belong to no call of ours are hung up, and never one of a call that is adopted late."""

import asyncio
import datetime as dt
import time

import pytest

from dialer.call_tracker import CallState, TrackedCall
from dialer.calls import OpenCall
from dialer.settling import Settler, SettleTimes

BOOT = "2026-11-23 05:00:00"
UID, CHANNEL = "01a206ca5cbf178b7f80", "PJSIP/rehearsal-00000005"


class Pbx:
    """Answers as a session does; ``shown`` is what CoreShowChannels tells."""

    def __init__(self):
        self.shown = {}

    async def action(self, name):
        assert name == "CoreStatus"
        day, second = BOOT.split()
        return {"CoreStartupDate": day, "CoreStartupTime": second}

    async def rows(self, name, **_fields):
        if name != "CoreShowChannels":
            return []
        rows = self.shown.items()
        return [{"Channel": c, "Uniqueid": uid, "Linkedid": uid, "ChannelStateDesc": "Up"} for c, uid in rows]


class Calls:
    """A gateway without calls of its own, on a ledger whose open calls other workers claim."""

    def __init__(self):
        self.open = []
        self.asked = lambda: None
        self.tracked = {}
        self.ended_channels = []

    def followed(self):
        return dict(self.tracked)

    def has_ended(self, _uid):
        return False

    def adopt(self, uid, boot, _talking):
        self.tracked[uid] = TrackedCall(uid, boot, time.monotonic(), CallState.TALKING)

    def end_channels(self, names):
        self.ended_channels += names

    def forget_ended(self):
        pass

    async def open_calls(self):
        found = list(self.open)
        self.asked()
        return found


@pytest.fixture
def pbx():
    return Pbx()


@pytest.fixture
def calls():
    return Calls()


@pytest.fixture
def settler(calls):
    return Settler(calls, SettleTimes(quiet=0))


def claimed(age_s=60.0):
    return OpenCall(UID, BOOT, dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age_s))


def sweep(settler, pbx):
    asyncio.run(settler._sweep(pbx, BOOT))


def test_a_call_placed_by_another_worker_during_a_sweep_is_adopted_and_goes_on(calls, settler, pbx):
    """A worker that was frozen between its look at the ledger and that at the PBX sees it without knowing it, once."""

    def meanwhile():
        calls.open, pbx.shown = [claimed(0)], {CHANNEL: UID}

    calls.asked = meanwhile
    sweep(settler, pbx)
    calls.asked = lambda: None
    sweep(settler, pbx)  # too young to be adopted, and ours already
    calls.open = [claimed()]
    sweep(settler, pbx)
    assert set(calls.tracked) == {UID}
    calls.open = []
    sweep(settler, pbx)
    assert calls.ended_channels == []


def test_a_channel_of_an_earlier_life_of_the_pbx_does_not_count(calls, settler, pbx):
    """Names begin anew with each start of Asterisk: one look at the second life is not the second look."""
    pbx.shown = {CHANNEL: "1761111111.5"}
    sweep(settler, pbx)
    pbx.shown = {}
    asyncio.run(settler.settle_gap(pbx))

    def meanwhile():
        calls.open, pbx.shown = [claimed(0)], {CHANNEL: UID}

    calls.asked = meanwhile
    sweep(settler, pbx)
    sweep(settler, pbx)
    assert calls.ended_channels == []


def test_what_belongs_to_nobody_is_hung_up_by_the_second_sweep(calls, settler, pbx):
    calls.open = [claimed()]
    pbx.shown = {CHANNEL: UID, "PJSIP/rehearsal-00000006": "1761111111.6"}
    sweep(settler, pbx)
    assert calls.ended_channels == []
    sweep(settler, pbx)
    assert calls.ended_channels == ["PJSIP/rehearsal-00000006"]
