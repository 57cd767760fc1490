"""From Start to the first INVITE, and from Stop to the last one, by the callees' own log."""

from __future__ import annotations

import time

from bench import callees, campaign
from bench.callees import Callees
from bench.result import Result, at_most, percentile
from bench.rig import rig
from bench.sizes import sized
from campaigns import service

TRIALS = sized(20, 4)
#: Calls per second while it runs: an INVITE every 10 ms, so that the last one is told to the point.
CPS = 100
RUNS_S, RESTS_S = 1.2, 1.5
CONTACTS = sized(20_000, 2_000)


def run() -> Result:
    """Start, let it call, stop, look at the log; the worst of all trials counts."""
    with rig(called=Callees("hangs_up", traced=True), cps=CPS) as used:
        campaign_id = campaign.make(used, campaign.silence(used, 2), CONTACTS, 60)
        orders: list[tuple[float, float]] = []
        for _ in range(TRIALS):
            started = time.time()
            service.start(campaign_id)
            time.sleep(RUNS_S)
            stopped = time.time()
            service.stop(campaign_id)
            time.sleep(RESTS_S)
            orders.append((started, stopped))
        invites = [message.at for message in callees.messages(used.settings.home) if message.is_invite]
    first, last = [], []
    for started, stopped in orders:
        of_trial = [at for at in invites if started <= at < stopped + RESTS_S]
        first.append((min(of_trial) - started) * 1000)
        last.append((max(of_trial) - stopped) * 1000)
    last = [max(0.0, value) for value in last]
    return Result(
        [_row("first INVITE after Start", first), _row("last INVITE after Stop", last)],
        {"first_ms": [round(value) for value in first], "last_ms": [round(value) for value in last]},
    )


def _row(what: str, values_ms: list[float]) -> object:
    note = f"worst of {TRIALS}; median {percentile(values_ms, 50):.0f} ms; counted from the moment of the click"
    return at_most(what, max(values_ms), "ms", 1000, note)
