"""How many messages play at once before the callees hear them unevenly: the engine's calls against bare ones.

The same Asterisk, message and callees. Both keep so many calls up, and replace those that end; the number grows step by
step until 1 of 100 packets comes more than 20 ms off its time. What plays is Asterisk's work in both; what the engine
adds on the same cores is its own.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from sqlalchemy import update

from bench import bare, callees, campaign
from bench.callees import Callees
from bench.result import Result, at_least
from bench.rig import Rig, rig, wait_for
from bench.rtp_listener import Heard, Listener, listener
from bench.sizes import sized
from campaigns import service
from campaigns.models import Campaign
from config import database

LIMIT_MS = 20.0
GOAL = 0.95
#: Of the first, coarse search; and the fine steps, as a share of what it found.
COARSE, FIRST, MOST = sized(100, 20), sized(200, 40), sized(2000, 120)
FINE = 0.025
MESSAGE_S = 20
CPS = 100
WINDOW_S = sized(4, 2)
SETTLE_S = 1
ROUNDS = sized(2, 1)
Keep = Callable[[int], None]
#: The number of calls at which the limit is passed, and the jitter heard at each number of calls.
Found = tuple[float, dict[int, float]]


def run() -> Result:
    """A coarse search with the bare client, then fine ones in turn; medians."""
    with listener(callees.ADDRESS) as ears:
        called = Callees("stays", listener=ears.port)
        with rig(called=called, channels=MOST, cps=CPS) as used:
            sound = campaign.silence(used, MESSAGE_S)
            found: dict[str, list[float]] = {"bare": [], "engine": []}
            curves = []
            about = _with_bare(used, sound, lambda keep: _search(ears, keep, FIRST, COARSE))[0]
            step = max(1, round(about * FINE))
            for _ in range(ROUNDS):
                for name, with_calls in (("bare", _with_bare), ("engine", _with_engine)):
                    most, curve = with_calls(used, sound, lambda keep: _search(ears, keep, round(about * 0.75), step))
                    found[name].append(most)
                    curves.append({"by": name, "curve": curve})
    ours, theirs = statistics.median(found["engine"]), statistics.median(found["bare"])
    note = f"{ours:.0f} messages, bare {theirs:.0f}; steps of {step}, {ROUNDS} rounds each; callees on the same cores"
    return Result(
        [at_least(f"messages at once, jitter p99 ≤ {LIMIT_MS:g} ms", ours / theirs, "of bare", GOAL, note)],
        {"engine": found["engine"], "bare": found["bare"], "p99_ms_by_calls": curves},
    )


def _search(ears: Listener, keep: Keep, first: int, step: int) -> Found:
    """More and more calls until it is too much; between the last two steps the limit is taken to be passed evenly."""
    curve: dict[int, float] = {}
    calls = first
    while calls <= MOST:
        try:
            keep(calls)
        except TimeoutError:  # Asterisk cannot even bring them up
            return calls - step / 2, curve
        heard = _heard(ears, calls)
        curve[calls] = min(9999.0, heard.jitter_p99_ms)
        if heard.jitter_p99_ms > LIMIT_MS:
            before = curve.get(calls - step, 0.0)
            share = (LIMIT_MS - before) / (curve[calls] - before)
            return calls - step + share * step, curve
        calls += step
    return float(MOST), curve


def _heard(ears: Listener, calls: int) -> Heard:
    """The best of up to three windows: anything on the machine can spoil one."""
    heard = ears.listen(WINDOW_S)
    for _ in range(2):
        if heard.jitter_p99_ms > LIMIT_MS:
            heard = min(heard, ears.listen(WINDOW_S), key=lambda one: one.jitter_p99_ms)
    sys.stderr.write(f"  {calls} calls: {heard}\n")
    return heard


def _with_bare(used: Rig, sound: str, work: Callable[[Keep], Found]) -> Found:
    keeper = bare.Keeper(used.settings, "callees", sound, CPS)

    def keep(calls: int) -> None:
        keeper.wanted = calls
        wait_for(lambda: keeper.up >= calls, 60, f"{calls} calls up")
        time.sleep(SETTLE_S)

    try:
        return work(keep)
    finally:
        keeper.wanted = 0
        wait_for(lambda: keeper.up <= 0, 3 * MESSAGE_S, "the end of all calls", every_s=0.2)
        keeper.close()


def _with_engine(used: Rig, sound: str, work: Callable[[Keep], Found]) -> Found:
    campaign_id = campaign.make(used, sound, 10 * MOST, 1)

    def keep(calls: int) -> None:
        order = update(Campaign).where(Campaign.id == campaign_id).values(channel_limit=calls)
        database.write(lambda session: session.execute(order))
        service.start(campaign_id)
        wait_for(lambda: campaign.open_calls(campaign_id) >= calls, 60, f"{calls} calls up")
        time.sleep(SETTLE_S)

    try:
        return work(keep)
    finally:
        service.stop(campaign_id)
        wait_for(lambda: campaign.open_calls(campaign_id) == 0, 3 * MESSAGE_S, "the end of all calls", every_s=0.2)
