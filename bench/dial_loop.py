"""Calls per second of the whole engine against a bare AMI client: same Asterisk, dialplan, journal and callees."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable

from sqlalchemy import select

from bench import bare, campaign
from bench.result import Result, at_least, percentile
from bench.rig import CHANNELS, MARIADB, SQLITE, Rig, rig
from bench.sizes import sized
from campaigns.models import Attempt
from config import database

CALLS = sized(3000, 600)
REUSE_CALLS = sized(200, 50)
ROUNDS = sized(5, 2)
GOAL = 0.7
OURS = ("pbx", "dial", "redis", "beat")


def sqlite() -> Result:
    return run(SQLITE)


def mariadb() -> Result:
    return run(MARIADB)


def run(kind: str) -> Result:
    """Some rounds of each, in turn; medians. The first, in which everything warms up, does not count."""
    engine: list[dict[str, float]] = []
    client: list[dict[str, float]] = []
    with rig(kind) as used:
        sound = campaign.silence(used, 2)
        for _ in range(ROUNDS + 1):
            client.append(_measured(used, ("pbx",), lambda: bare.run(used.settings, "callees", sound, CALLS, CHANNELS)))
            campaign_id = campaign.make(used, sound, CALLS, CHANNELS)
            engine.append(_measured(used, OURS, lambda c=campaign_id: campaign.dial(c, CALLS)))
        reuse_ms = _reuse_ms(campaign.make(used, sound, REUSE_CALLS, 1))
    engine, client = engine[1:], client[1:]
    ours, theirs = _median(engine, "calls_s"), _median(client, "calls_s")
    note = f"{ours:.0f} calls/s, bare {theirs:.0f}; {CHANNELS} channels, {CALLS} calls a round, {ROUNDS} rounds each"
    return Result(
        [at_least(f"calls/s end to end, {kind}", ours / theirs, "of bare", GOAL, note)],
        {
            "engine_calls_s": round(ours, 1),
            "bare_calls_s": round(theirs, 1),
            "engine_cpu_ms_per_call": round(_median(engine, "cpu_ms"), 2),
            "engine_cpu_ms_per_call_without_pbx": round(_median(engine, "cpu_ms") - _median(engine, "pbx_ms"), 2),
            "bare_pbx_cpu_ms_per_call": round(_median(client, "pbx_ms"), 2),
            "channel_reused_after_ms_median": round(statistics.median(reuse_ms), 1),
            "channel_reused_after_ms_p99": round(percentile(reuse_ms, 99), 1),
            "engine_rounds": [round(item["calls_s"], 1) for item in engine],
            "bare_rounds": [round(item["calls_s"], 1) for item in client],
        },
    )


def _median(rounds: list[dict[str, float]], key: str) -> float:
    return statistics.median(item[key] for item in rounds)


def _measured(used: Rig, names: tuple[str, ...], work: Callable[[], float]) -> dict[str, float]:
    before, pbx_before = used.cpu_ms(*names), used.cpu_ms("pbx")
    seconds = work()
    return {
        "calls_s": CALLS / seconds,
        "cpu_ms": (used.cpu_ms(*names) - before) / CALLS,
        "pbx_ms": (used.cpu_ms("pbx") - pbx_before) / CALLS,
    }


def _reuse_ms(campaign_id: int) -> list[float]:
    """One channel, calls one after another: from a call's end on the PBX to the claim of the next."""
    campaign.dial(campaign_id, REUSE_CALLS)
    with database.read() as session:
        query = select(Attempt.claimed_at, Attempt.ended_at).where(Attempt.campaign_id == campaign_id)
        rows = session.execute(query.order_by(Attempt.claimed_at)).all()
    return [(after.claimed_at - before.ended_at).total_seconds() * 1000 for before, after in itertools.pairwise(rows)]
