"""The campaign that is dialled: its numbers, made from the seed, and its way into the product through the API."""

from __future__ import annotations

import random
import time
from pathlib import Path

from campaigns.windows import CallingWindows
from chaos.oracle import evidence
from chaos.user import Api, Refused
from tests.support.audio import write_sweep

#: Last two digits -> how many of a thousand contacts; the others answer after a second and listen to the end.
#: See config/asterisk/carrier/extensions.conf.j2.
TAILS = {
    "01": 40,  # busy
    "02": 10,  # rings, nobody answers
    "03": 15,  # no such number
    "04": 20,  # declined
    "05": 5,  # the carrier is full
    "06": 20,  # hangs up after 2 s
    "10": 25,  # switched off
    "11": 60,  # busy the first time
    "14": 5,  # early media, then busy
    "15": 3,  # nothing but 100 Trying
}
MESSAGE_S = 1.0
ATTEMPTS = 2
SETTINGS = {
    "name": "Обзвон под отказами",
    "attempts": ATTEMPTS,
    "ring_s": 5,
    "notification_s": 0.8,
    "retry_s": 2,
    "retry_busy_s": 1,
    "retry_no_answer_s": 3,
    "retry_failed_s": 5,
    "windows": CallingWindows.always().to_json(),
}


def numbers(seed: int, count: int) -> list[str]:
    """Different numbers, in an order that mixes the behaviours."""
    dice = random.Random(f"numbers {seed}")
    plain = [f"{tail:02d}" for tail in range(16, 100)]
    tails = [*TAILS, "plain"]
    weights = [*TAILS.values(), 1000 - sum(TAILS.values())]
    chosen = dice.choices(tails, weights, k=count)
    return [f"7900{index:05d}{dice.choice(plain) if tail == 'plain' else tail}" for index, tail in enumerate(chosen)]


def make(api: Api, trunk_id: int, channels: int, called: list[str], folder: Path) -> int:
    """Make it, load its numbers, wait until it could be started. :returns: its id."""
    form = {**SETTINGS, "trunk_id": trunk_id, "channel_limit": channels}
    fields = {key: value for key, value in form.items() if key not in ("windows",)}
    campaign_id = int(api.do("POST", "/campaigns", evidence.CREATED, fields, json=form)["id"])
    sound = folder / "message.wav"
    write_sweep(sound, MESSAGE_S)
    api.once("PUT", f"/campaigns/{campaign_id}/sound", files={"sound": ("message.wav", sound.read_bytes())})
    file = ("base.csv", "phone\n" + "\n".join(called) + "\n", "text/csv")
    loaded = {"campaign_id": campaign_id, "state": "ready", "accepted": len(called)}
    api.do("POST", f"/campaigns/{campaign_id}/bases", evidence.UPLOADED, loaded, files={"file": file})
    deadline = time.monotonic() + 120
    while True:
        states = [base["state"] for base in api.get(f"/campaigns/{campaign_id}/bases")["items"]]
        problems = api.get(f"/campaigns/{campaign_id}/start-problems")["problems"]
        if states == ["ready"] and not problems:
            return campaign_id
        if time.monotonic() > deadline or "failed" in states:
            raise Refused(f"the campaign cannot be started: bases {states}, {problems}")
        time.sleep(0.1)
