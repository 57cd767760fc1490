"""From the end of a call on Asterisk's clock to its outcome in the database, at a steady rate of calls."""

from __future__ import annotations

from sqlalchemy import select

from bench import campaign
from bench.result import Result, at_most, percentile
from bench.rig import MARIADB, SQLITE, Rig, rig
from bench.sizes import sized
from campaigns.models import Attempt
from config import database

CPS = 200
SECONDS = sized(30, 5)
#: The first calls, while everything warms up, do not count.
WARM_UP_S = 2
GOAL_MS = 250


def sqlite() -> Result:
    return run(SQLITE)


def mariadb() -> Result:
    return run(MARIADB)


def run(kind: str) -> Result:
    """The dial worker's log says when an outcome was committed, the outcome itself when the call ended."""
    calls = CPS * SECONDS
    with rig(kind, cps=CPS) as used:
        campaign_id = campaign.make(used, campaign.silence(used, 2), calls, 100)
        seconds = campaign.dial(campaign_id, calls, patience_s=3 * SECONDS + 60)
        lags_ms = _lags_ms(used, campaign_id)[CPS * WARM_UP_S :]
    p99 = percentile(lags_ms, 99)
    note = (
        f"p99 of {len(lags_ms)} calls at {calls / seconds:.0f} calls/s; median {percentile(lags_ms, 50):.0f} ms, "
        f"worst {max(lags_ms):.0f}"
    )
    return Result([at_most(f"event lag at {CPS} calls/s, {kind}", p99, "ms", GOAL_MS, note)])


def _lags_ms(used: Rig, campaign_id: int) -> list[float]:
    with database.read() as session:
        query = select(Attempt.uid, Attempt.ended_at).where(Attempt.campaign_id == campaign_id)
        ended = {uid: at.timestamp() for uid, at in session.execute(query)}
    return [
        1000 * (entry["at"] - ended[uid])
        for entry in used.log()
        if entry["event"] == "outcomes_recorded"
        for uid in entry["outcomes"]
        if uid in ended
    ]
