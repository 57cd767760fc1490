"""The dial worker's memory after 100,000 calls, against itself after 5,000."""

from __future__ import annotations

from bench import campaign
from bench.result import Result, at_most
from bench.rig import CHANNELS, rig, wait_for
from bench.sizes import sized
from campaigns import service

CALLS = sized(100_000, 4_000)
EARLY = sized(5_000, 1_000)
GOAL = 1.1


def run() -> Result:
    """One campaign as fast as it goes, memory on the way."""
    with rig() as used:
        campaign_id = campaign.make(used, campaign.silence(used, 2), CALLS, CHANNELS)
        service.start(campaign_id)
        curve: list[tuple[int, float]] = []
        for calls in sorted({EARLY, *range(EARLY, CALLS, max(1, CALLS // 10)), CALLS}):
            wait_for(lambda calls=calls: campaign.ended(campaign_id) >= calls, 3600, f"{calls} calls", every_s=1)
            curve.append((calls, round(used.rss_mib("dial"), 1)))
    early, late = curve[0][1], curve[-1][1]
    note = f"{late:.0f} MiB after {CALLS:,} calls, {early:.0f} after {EARLY:,}"
    return Result([at_most("dial worker's memory", late / early, "of early", GOAL, note)], {"rss_mib": dict(curve)})
