"""Calls per second of the whole engine against a bare AMI client: same Asterisk, dialplan, journal and callees."""

from __future__ import annotations

import itertools
import json
import statistics
import time
from typing import Any

from sqlalchemy import func, select

from bench import bare
from bench.rig import CHANNELS, Rig, rig, wait_for
from campaigns import service
from campaigns.models import Attempt, Campaign, Contact, ContactBase
from campaigns.states import BaseState, CampaignState
from campaigns.windows import CallingWindows
from config import database
from config.database import Session, utcnow
from dialer.models import Node

CALLS = 3000
REUSE_CALLS = 200
ROUNDS = 3


def run() -> dict[str, Any]:
    """Three rounds of each, in turn; medians."""
    engine: list[dict[str, float]] = []
    client: list[dict[str, float]] = []
    with rig() as used:
        wait_for(lambda: _connected(), 60, "the dial worker's connection to the PBX")
        sound = _silence(used)
        for _ in range(ROUNDS):
            client.append(_measured(used, ("pbx",), lambda: bare.run(used.settings, "callees", sound, CALLS, CHANNELS)))
            campaign_id = _campaign(used, sound)
            engine.append(_measured(used, ("pbx", "dial", "redis", "beat"), lambda c=campaign_id: _dial(c)))
        reuse_ms = _reuse_ms(_campaign(used, sound, calls=REUSE_CALLS, channels=1))
    ours, theirs = _median(engine, "calls_s"), _median(client, "calls_s")
    return {
        "benchmark": "dial_loop",
        "calls": CALLS,
        "rounds": ROUNDS,
        "engine_calls_s": round(ours, 1),
        "bare_calls_s": round(theirs, 1),
        "ratio": round(ours / theirs, 3),
        "engine_cpu_ms_per_call": round(_median(engine, "cpu_ms"), 2),
        "engine_cpu_ms_per_call_without_pbx": round(_median(engine, "cpu_ms") - _median(engine, "pbx_ms"), 2),
        "bare_pbx_cpu_ms_per_call": round(_median(client, "pbx_ms"), 2),
        "channel_reused_after_ms_median": round(statistics.median(reuse_ms), 1),
        "channel_reused_after_ms_p99": round(statistics.quantiles(reuse_ms, n=100)[98], 1),
        "engine_rounds": [round(item["calls_s"], 1) for item in engine],
        "bare_rounds": [round(item["calls_s"], 1) for item in client],
    }


def _median(rounds: list[dict[str, float]], key: str) -> float:
    return statistics.median(item[key] for item in rounds)


def _measured(used: Rig, names: tuple[str, ...], work: Any) -> dict[str, float]:
    before, pbx_before = used.cpu_ms(*names), used.cpu_ms("pbx")
    seconds = work()
    return {
        "calls_s": CALLS / seconds,
        "cpu_ms": (used.cpu_ms(*names) - before) / CALLS,
        "pbx_ms": (used.cpu_ms("pbx") - pbx_before) / CALLS,
    }


def _connected() -> bool:
    with database.read() as session:
        return session.query(Node).one().is_connected(utcnow())


def _silence(used: Rig) -> str:
    import numpy
    import soundfile

    soundfile.write(used.settings.sounds / "5ec0.wav", numpy.zeros(16000), 8000, subtype="PCM_16")
    return "5ec0"


def _reuse_ms(campaign_id: int) -> list[float]:
    """One channel, calls one after another: from a call's end on the PBX to the claim of the next."""
    _dial(campaign_id, REUSE_CALLS)
    with database.read() as session:
        query = select(Attempt.claimed_at, Attempt.ended_at).where(Attempt.campaign_id == campaign_id)
        rows = session.execute(query.order_by(Attempt.claimed_at)).all()
    return [(after.claimed_at - before.ended_at).total_seconds() * 1000 for before, after in itertools.pairwise(rows)]


def _campaign(used: Rig, sound: str, calls: int = CALLS, channels: int = CHANNELS) -> int:
    def work(session: Session) -> int:
        campaign = Campaign(
            name="bench",
            state=CampaignState.DRAFT,
            trunk_id=used.trunk_id,
            windows=CallingWindows.always().to_json(),
            sound=sound,
            channel_limit=channels,
            attempts=1,
        )
        session.add(campaign)
        session.flush()
        base = ContactBase(campaign_id=campaign.id, filename="b", path="b", sha256="0", state=BaseState.READY)
        session.add(base)
        session.flush()
        rows = [
            {"campaign_id": campaign.id, "base_id": base.id, "line": i, "number": f"7900{i:07d}", "due_at": utcnow()}
            for i in range(calls)
        ]
        session.execute(Contact.__table__.insert(), rows)
        return campaign.id

    return database.write(work)


def _dial(campaign_id: int, calls: int = CALLS) -> float:
    """Start the campaign and wait for its last outcome. :returns: seconds."""
    began = time.monotonic()
    service.start(campaign_id)
    wait_for(lambda: service.get(campaign_id).state == CampaignState.FINISHED, 120, "the campaign's end")
    seconds = time.monotonic() - began
    with database.read() as session:
        query = select(func.count()).select_from(Attempt).where(Attempt.campaign_id == campaign_id)
        answered = session.execute(query.where(Attempt.disposition == "answered_not_heard")).scalar_one()
    if answered != calls:
        raise RuntimeError(f"only {answered} of {calls} calls were answered: the figure would mean nothing")
    return seconds


def main() -> None:
    """Print the table and the JSON line."""
    result = run()
    print(f"dial loop   engine {result['engine_calls_s']} calls/s   bare AMI client {result['bare_calls_s']} calls/s")
    print(
        f"            ratio {result['ratio']}   CPU per call {result['engine_cpu_ms_per_call']} ms, all our processes"
    )
    print(
        f"            a freed channel is claimed again after {result['channel_reused_after_ms_median']} ms (median), "
        f"{result['channel_reused_after_ms_p99']} ms (p99)"
    )
    print(json.dumps(result))
