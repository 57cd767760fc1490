"""How fast contacts get their sound: seconds of speech per second of processor, and contacts while 60 lines talk.

First the studio alone, with the engines that are installed: every contact has an amount and an account of his own. Then
a campaign of such contacts is started once a few are prepared; the jobs worker prepares while the dial worker keeps 60
calls up. Asterisk, the callees, the database and the engines share the cores.
"""

from __future__ import annotations

import random
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import func, select

from bench import campaign
from bench.callees import Callees
from bench.result import Result, Row, at_least
from bench.rig import Rig, rig, temporary_home, wait_for
from bench.sizes import sized
from campaigns import jobs, preparing, service, voices
from campaigns.message.blocks import Message
from campaigns.models import Attempt, Contact
from campaigns.speaking import Studio, plan, runs
from config import database, settings
from tts.pieces import Pieces

LINES = 60
ALONE = sized(200, 20)
CONTACTS = sized(100_000, 400)
#: Prepared before the campaign starts: each line's first two calls.
FIRST = 2 * LINES
WINDOW_S = sized(180, 10)
SPEECH_GOAL = 30
WORDS = {
    "ru": ("Здравствуйте! Это сообщение от вашей управляющей компании. Ваш долг составляет", "Номер счёта"),
    "en": ("Good morning! This is a message from your housing company. Your debt is", "The account number is"),
    "cs": ("Dobrý den! Toto je zpráva od vašeho správce domu. Dlužíte", "Číslo účtu"),
}


def run() -> Result:
    rows: list[Row] = []
    details: dict[str, object] = {}
    for language in WORDS:
        speech, contacts = _alone(language)
        note = f"{contacts:.1f} contacts per processor second, each with an amount and an account of his own"
        rows.append(at_least(f"speech, {language}", speech, "s per CPU s", SPEECH_GOAL, note))
    with rig(called=Callees("stays"), channels=LINES) as used:
        used.start("jobs")
        prepared, dialled, up, speech_s, disk_kb = _while_dialling(used)
    note = f"{prepared:.2f} contacts/s prepared, {dialled:.2f} called; {up:.0f} lines up; {speech_s:.0f} s each, "
    note += f"{disk_kb:.0f} kB of disk; {CONTACTS:,} contacts"
    rows.append(at_least(f"prepared while {LINES} lines talk", prepared / max(dialled, 0.01), "of called", 1, note))
    return Result(rows, details)


def message(language: str) -> Message:
    greeting, account = WORDS[language]
    blocks = [
        {"kind": "text", "text": greeting},
        {"kind": "field", "column": "Debt", "say": "money", "currency": "RUB"},
        {"kind": "text", "text": account},
        {"kind": "field", "column": "Account", "say": "account"},
    ]
    return Message.model_validate({"default_language": language, "variants": {language: blocks}})


def row(dice: random.Random) -> dict[str, str]:
    return {
        "Debt": f"{dice.randint(100, 99_999)},{dice.randint(10, 99)}",
        "Account": str(dice.randint(10**9, 10**10 - 1)),
    }


def _alone(language: str) -> tuple[float, float]:
    """Seconds of speech, and contacts, per second of processor; engines included."""
    dice, said = random.Random(1), message(language)
    with temporary_home() as home, ThreadPoolExecutor(preparing.renderers()) as pool:
        studio = Studio(Pieces(home / "played"), Path(), voices.built(settings.get()))
        began = _processor_s()
        plans = [plan(said, row(dice), "RU") for _ in range(ALONE)]
        pieces = dict.fromkeys(piece for planned in plans for piece in planned.pieces())
        list(pool.map(studio.make, runs(pieces)))
        for planned in plans:
            studio.prompts(planned)
        used = _processor_s() - began
    return studio.spoken_s / used, ALONE / used


def _processor_s() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _while_dialling(used: Rig) -> tuple[float, float, float, float, float]:
    """Contacts prepared and called per second, calls up, seconds of the message, kB on disk for a contact."""
    campaign_id = campaign.make(used, "", CONTACTS, LINES)
    dice = random.Random(2)

    def fill(session: database.Session) -> None:
        rows = session.execute(select(Contact.id).where(Contact.campaign_id == campaign_id)).scalars()
        session.bulk_update_mappings(Contact.__mapper__, [{"id": one, "fields": row(dice)} for one in rows])

    database.write(fill)
    service.set_message(campaign_id, message("ru"))
    jobs.send_prepare(campaign_id)
    wait_for(lambda: _prepared(campaign_id) >= FIRST, 600, "the first contacts' sound", 0.5)
    service.start(campaign_id)
    wait_for(lambda: campaign.open_calls(campaign_id) >= LINES * 0.9, 120, "all lines in use")
    began, before, called = time.monotonic(), _prepared(campaign_id), _called(campaign_id)
    up: list[int] = []
    while time.monotonic() - began < WINDOW_S:
        up.append(campaign.open_calls(campaign_id))
        time.sleep(0.5)
    seconds = time.monotonic() - began
    prepared, dialled = _prepared(campaign_id) - before, _called(campaign_id) - called
    service.stop(campaign_id)
    disk = sum(file.stat().st_size for file in used.settings.played.iterdir()) / 1000 / _prepared(campaign_id)
    return prepared / seconds, dialled / seconds, sum(up) / len(up), service.get(campaign_id).sound_s, disk


def _prepared(campaign_id: int) -> int:
    query = select(func.count()).where(Contact.campaign_id == campaign_id, Contact.prepared != "")
    with database.read() as session:
        return int(session.execute(query).scalar_one())


def _called(campaign_id: int) -> int:
    with database.read() as session:
        return int(session.execute(select(func.count()).where(Attempt.campaign_id == campaign_id)).scalar_one())
