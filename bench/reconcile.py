"""The dial worker is killed while 500 callees listen: how soon its successor has all of their calls in hand again."""

from __future__ import annotations

import statistics
import time

from sqlalchemy import update

from bench import campaign
from bench.callees import Callees
from bench.result import Result, at_most
from bench.rig import Rig, rig, wait_for
from bench.sizes import sized
from campaigns import service
from config import database
from dialer.models import Node

LIVE = sized(500, 50)
ROUNDS = sized(3, 1)
GOAL_S = 5.0


def run() -> Result:
    """kill -9, start the next at once as supervisord does, and wait until it follows every live call."""
    with rig(called=Callees("stays"), channels=LIVE) as used:
        campaign_id = campaign.make(used, campaign.silence(used, 600), LIVE, LIVE)
        service.start(campaign_id)
        wait_for(lambda: _talking() == LIVE, 120, f"{LIVE} live calls")
        from_kill, from_connect = zip(*(_round(used) for _ in range(ROUNDS)), strict=True)
        left = campaign.outcomes(campaign_id).get(None, 0)
    if left != LIVE:
        raise RuntimeError(f"only {left} of {LIVE} calls are still open: the figure would mean nothing")
    note = (
        f"kill -9 to all {LIVE} adopted, median of {ROUNDS}; of it {statistics.median(from_connect):.2f} s "
        "from the new process's connection, the rest is its start"
    )
    return Result(
        [at_most(f"{LIVE} live channels reconciled after a kill", statistics.median(from_kill), "s", GOAL_S, note)],
        {"from_kill_s": from_kill, "from_connect_s": from_connect},
    )


def _round(used: Rig) -> tuple[float, float]:
    """The gap is settled, and everything adopted, when the worker says that its PBX is connected."""
    database.write(lambda session: session.execute(update(Node).values(talking=0)))
    killed = time.time()
    used.kill("dial")
    used.start("dial")
    wait_for(lambda: _talking() == LIVE, 60, f"{LIVE} calls adopted", every_s=0.02)
    lines = [entry for entry in used.log() if entry["at"] > killed]
    connected = next(entry["at"] for entry in lines if entry["event"].startswith("protocol version"))
    settled = next(entry["at"] for entry in lines if entry["event"] == "pbx_connected")
    return round(settled - killed, 2), round(settled - connected, 2)


def _talking() -> int:
    with database.read() as session:
        return session.query(Node).one().talking
