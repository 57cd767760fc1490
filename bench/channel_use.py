"""How busy 60 channels are kept with calls of two seconds, judged by the callees' own log."""

from __future__ import annotations

from bench import callees, campaign
from bench.callees import Callees, Message
from bench.result import Result, at_least, percentile
from bench.rig import MARIADB, SQLITE, rig, wait_for
from bench.sizes import sized
from campaigns import service

CHANNELS = 60
CALL_S = 2.0
SECONDS = sized(30, 8)
#: Left out at both ends, while the channels fill and when the contacts run out.
MARGIN_S = 3.0
GOAL = 0.97


def sqlite() -> Result:
    return run(SQLITE)


def mariadb() -> Result:
    return run(MARIADB)


def run(kind: str) -> Result:
    """Share of the time between INVITE and BYE in the time that 60 channels have."""
    listens = Callees("listens", ("-d", str(round(CALL_S * 1000))), traced=True)
    with rig(kind, listens, channels=CHANNELS) as used:
        calls = round(CHANNELS * (SECONDS + 2 * MARGIN_S) / CALL_S)
        campaign_id = campaign.make(used, campaign.silence(used, 10), 2 * calls, CHANNELS)
        service.start(campaign_id)
        wait_for(lambda: campaign.ended(campaign_id) >= calls, 3 * SECONDS + 60, f"{calls} calls", every_s=0.5)
        service.stop(campaign_id)
        seen = callees.messages(used.settings.home)
    spans = calls_of(seen)
    first, last = min(begin for begin, _ in spans) + MARGIN_S, max(begin for begin, _ in spans) - MARGIN_S
    busy = sum(max(0.0, min(end, last) - max(begin, first)) for begin, end in spans)
    gaps_ms = [1000 * gap for gap in gaps(spans, first, last)]
    return Result(
        [
            at_least(
                f"use of {CHANNELS} channels, calls of {CALL_S:g} s, {kind}",
                busy / (CHANNELS * (last - first)),
                "of always busy",
                GOAL,
                f"INVITE to BYE in the callees' log, {last - first:.0f} s; "
                f"a channel stays free for {percentile(gaps_ms, 50):.0f} ms (median), "
                f"{percentile(gaps_ms, 99):.0f} (p99)",
            )
        ],
        {"calls": len(spans), "most_at_once": most_at_once(spans)},
    )


def calls_of(seen: list[Message]) -> list[tuple[float, float]]:
    """From its first INVITE to the answered BYE, for each call that has ended."""
    begun: dict[str, float] = {}
    spans = []
    for message in seen:
        if message.is_invite:
            begun.setdefault(message.call_id, message.at)
        elif message.ends_call and message.call_id in begun:
            spans.append((begun.pop(message.call_id), message.at))
    return spans


def gaps(spans: list[tuple[float, float]], first: float, last: float) -> list[float]:
    """From a call's end to the INVITE that takes its place: the n-th that came after the n-th end."""
    ends = sorted(end for _, end in spans if first <= end <= last)
    begins = sorted(begin for begin, _ in spans if begin >= ends[0])
    return [begin - end for end, begin in zip(ends, begins, strict=False)]


def most_at_once(spans: list[tuple[float, float]]) -> int:
    """The greatest number of calls that were up together."""
    up = most = 0
    for _, step in sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans]):
        up += step
        most = max(most, up)
    return most
