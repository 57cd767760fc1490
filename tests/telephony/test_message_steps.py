"""Messages with steps over real SIP and RTP: keys, typed numbers, hours and hand-overs do what the message says."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import soundfile

from campaigns.message import flow
from campaigns.message.blocks import Message
from dialer.calls import CallOutcome, CallResult, HandoverResult, StepDone
from dialer.pbx_config import CALLEE_HZ, SEAT_HZ, seat_log
from tests.support.asterisk import AsteriskPair, asterisk_pair
from tests.support.audio import found_in, loudness, tone_share, write_sweep, write_tone
from tests.support.carrier_log import read_calls
from tests.support.servers import wait_until
from tests.telephony.conftest import Caller

pytestmark = pytest.mark.telephony

MAIN_S, SHORT_S, GAP_S = 4.0, 0.5, 0.12
#: A busy machine plays late.
SLACK_S = 1.5
#: Samples of a packet of 20 ms: where a piece ends within one, Asterisk fills it up, and the next is heard later.
PACKET = 160
WORDS = {"en": [{"kind": "text", "text": "Words."}]}


def stem(name: str) -> str:
    """The name of the file that a test hears under this word."""
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


#: Every place of every message here, and what is heard there. The main words are in three pieces.
PLACES = {
    "main": [stem("sweep-1"), stem("sweep-2"), stem("sweep-3")],
    "main.invalid": [stem("invalid")],
    "meter": [stem("meter")],
    "meter.invalid": [stem("invalid")],
    "thanks": [stem("thanks")],
    "closed": [stem("closed")],
}
TONES = {"invalid": 300, "meter": 700, "thanks": 900, "closed": 1100}


def message(**more: Any) -> Message:
    steps = {
        "thanks": {"variants": WORDS},
        "closed": {"variants": WORDS},
        "meter": {
            "variants": WORDS,
            "after": {"kind": "enter", "name": "reading", "least": 3, "most": 8, "then": "thanks"},
        },
    }
    return Message.model_validate({"default_language": "en", "variants": WORDS, "steps": steps, **more})


def choice(**actions: Any) -> dict[str, Any]:
    keys = {name.strip("k"): action for name, action in actions.items()}
    return {"choice": {"keys": keys, "timeout_s": 3, "tries": 2, "invalid": WORDS}}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsteriskPair]:
    with asterisk_pair(tmp_path_factory.mktemp("home")) as running:
        played = running.settings.played
        sweep = write_sweep(running.settings.sounds / "sweep.wav", MAIN_S)
        _pieces(played, sweep)
        for name, hz in TONES.items():
            write_tone(played / f"{stem(name)}.wav", hz, SHORT_S)
        yield running


def _pieces(folder: Path, sweep: Any) -> None:
    third = len(sweep) // 3 // PACKET * PACKET
    for number, cut in enumerate((slice(0, third), slice(third, 2 * third), slice(2 * third, None)), 1):
        soundfile.write(folder / f"{stem(f'sweep-{number}')}.wav", sweep[cut], 8000, subtype="PCM_16")


@pytest.fixture(scope="module")
def caller(pair: AsteriskPair) -> Iterator[Caller]:
    made = Caller(pair)
    made.ready()
    yield made
    made.gateway.stop()


def around(pair: AsteriskPair, number: str) -> flow.Around:
    return flow.Around(
        number=number,
        caller_id="74950000000",
        region="RU",
        zone=ZoneInfo("Europe/Moscow"),
        trunk="rehearsal",
        template="PJSIP/{number}@{trunk}",
        sip_hosts=(pair.settings.carrier_host,),
    )


def place(caller: Caller, pair: AsteriskPair, number: str, what: Message, **changed: str) -> str:
    found = flow.variables(what, PLACES, around(pair, number)) | changed
    # Not too late for the gateway, however busy the machine is.
    [uid] = caller.call(number, variables=found, claimed=time.monotonic() + 60)
    return uid


ANSWER = {"kind": "answer", "name": "pays", "value": "yes", "then": "thanks"}
NOW = dt.datetime.now(ZoneInfo("Europe/Moscow"))


def hours(day: int, within: str, outside: str) -> dict[str, Any]:
    return {
        **{"kind": "hours", "days": [day], "begins": "00:00", "ends": "00:00"},
        **{"within": within, "outside": outside},
    }


#: Name -> last two digits of the callee, the message, what he did, seconds of the message heard.
SCRIPTS: dict[str, tuple[str, Message, list[tuple[str, ...]], float]] = {
    "plain": ("99", message(), [("main", "end")], MAIN_S),
    "key 1 answers": ("07", message(**choice(k1=ANSWER)), [("main", "1", "pays", "yes"), ("thanks", "end")], 2.0),
    "a key without a choice": ("07", message(), [("main", "end")], MAIN_S),
    "key 2 after it repeats": (
        "13",
        message(**choice(k2={"kind": "repeat"})),
        [("main", "2"), ("main", "none"), ("main", "none")],
        MAIN_S,
    ),
    "key 9 opts out": (
        "09",
        message(**choice(k9={"kind": "opt_out", "then": "closed"})),
        [("main", "9"), ("closed", "end")],
        2.0,
    ),
    "key 1 confirms": ("07", message(**choice(k1={"kind": "confirm"})), [("main", "1")], 2.0),
    "a number is typed": (
        "18",
        message(**choice(k1={"kind": "goto", "step": "meter"})),
        [("main", "1"), ("meter", "end", "reading", "4516"), ("thanks", "end")],
        2.0,
    ),
    "nothing is typed": (
        "99",
        message(after={"kind": "enter", "name": "reading", "least": 1, "most": 3}),
        [("main", "none"), ("main", "none"), ("main", "none")],
        MAIN_S,
    ),
    "a key that means nothing": ("19", message(**choice(k1=ANSWER)), [("main", "invalid"), ("main", "none")], MAIN_S),
    "he hangs up within it": ("06", message(**choice(k1=ANSWER)), [("main", "gone")], 2.0),
    "within the hours": (
        "99",
        message(after=hours(NOW.weekday(), "thanks", "closed")),
        [("main", "end"), ("thanks", "end")],
        MAIN_S,
    ),
    "outside of them": (
        "99",
        message(after=hours((NOW.weekday() + 3) % 7, "thanks", "closed")),
        [("main", "end"), ("closed", "end")],
        MAIN_S,
    ),
    "for ever": ("99", message(after={"kind": "goto", "step": "main"}), [("main", "end"), ("main", "gone")], MAIN_S),
}


@pytest.fixture(scope="module")
def ran(caller: Caller, pair: AsteriskPair) -> dict[str, CallResult]:
    """All scripts at once, ended."""
    uids: dict[str, str] = {}
    for index, (name, (tail, what, _, _)) in enumerate(SCRIPTS.items()):
        changed = {"OBZ_MOST": "7"} if name == "for ever" else {}
        uids[name] = place(caller, pair, f"7916001{index:02d}{tail}", what, **changed)
    found = caller.ledger.wait_for(list(uids.values()), 60)
    return {name: found[uid] for name, uid in uids.items()}


@pytest.mark.parametrize("name", SCRIPTS)
def test_n16_each_callee_did_what_the_message_says(ran: dict[str, CallResult], name: str) -> None:
    _, _, steps, listened_s = SCRIPTS[name]
    result = ran[name]
    assert result.steps == tuple(StepDone(*step) for step in steps)
    # What was typed while the words were read is within the time; who writes the outcome cuts it to their length.
    most_s = listened_s + (6 if name == "nothing is typed" else 0) + SLACK_S
    assert listened_s - 0.3 <= result.listened_s <= most_s
    assert result.opt_out is (name == "key 9 opts out")
    assert result.confirmed is (name == "key 1 confirms")
    assert result.handover is None


def test_pieces_are_heard_as_one(ran: dict[str, CallResult], pair: AsteriskPair) -> None:
    """In order, and without a gap; how well each is heard is judged where nothing else is measured."""
    end = None
    for name in PLACES["main"]:
        piece, rate = soundfile.read(pair.settings.played / f"{name}.wav")
        alike, begins = found_in(piece, pair.settings.carrier_recordings / f"{ran['plain'].uid}.wav")
        assert alike >= 0.5
        assert end is None or abs(begins - end) <= GAP_S
        end = begins + len(piece) / rate


def test_n14_who_was_told_nothing_did_not_hear_it_to_its_end(caller: Caller, pair: AsteriskPair) -> None:
    """A file that went after the claim: he waits for a key in silence, and does not count as reached by that."""
    what = message(**choice(k1={"kind": "confirm"}))
    uid = place(caller, pair, "79160036099", what, OBZ_F_main_1="o/" + "0" * 32)
    result = caller.ledger.wait_for([uid], 30)[uid]
    assert (result.outcome, result.played_to_end) == (CallOutcome.ANSWERED, False)
    assert result.listened_s < 1


def test_the_longest_call_is_ended_by_the_pbx(ran: dict[str, CallResult]) -> None:
    result = ran["for ever"]
    assert result.ended_at is not None
    assert result.answered_at is not None
    assert (result.ended_at - result.answered_at).total_seconds() == pytest.approx(7, abs=1)


def seats(pair: AsteriskPair) -> list[dict[str, Any]]:
    log = seat_log(pair.settings)
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


TRANSFER = {"kind": "transfer"}


def test_n8_a_transfer_reaches_the_seat_and_the_two_hear_each_other(caller: Caller, pair: AsteriskPair) -> None:
    number = "79160020117"
    uid = place(caller, pair, number, message(**choice(k1=TRANSFER)))
    other = place(caller, pair, "79160020317", message(**choice(k1=TRANSFER)))
    wait_until(lambda: {uid, other} <= {row["uid"] for row in seats(pair)}, 20, "two seats ring")
    row = next(row for row in seats(pair) if row["uid"] == uid)
    assert row["number"] == number
    heard = pair.settings.carrier_recordings
    wait_until(lambda: (heard / f"seat-{uid}.wav").exists(), 10, "the seat answers")
    wait_until(lambda: (heard / f"seat-{uid}.wav").stat().st_size > 8000 * 2 * 4, 20, "they talk")
    caller.gateway.hangup([uid, other])
    found = caller.ledger.wait_for([uid, other], 10)
    assert [result.handover.result for result in found.values() if result.handover] == [HandoverResult.TALKED] * 2
    result = found[uid]
    handover = result.handover
    assert handover is not None
    assert (handover.to, handover.result) == ("queue:operators", HandoverResult.TALKED)
    assert handover.waited_s == pytest.approx(2.1, abs=0.5)
    assert handover.talked_s >= 3.5
    assert result.steps == (StepDone("main", "1"),)
    wait_until(lambda: sum(row["uid"] == uid for row in seats(pair)) == 2, 10, "the seat's end")
    assert tone_share(heard / f"seat-{uid}.wav", CALLEE_HZ, 2) >= 0.9
    assert tone_share(heard / f"{uid}.wav", SEAT_HZ, 2) >= 0.9
    waiting = (1.2, handover.talked_s + 0.5)  # before they talked he heard music
    assert loudness(heard / f"{uid}.wav", *waiting) > 0.0005  # some pieces begin softly
    assert tone_share(heard / f"{uid}.wav", SEAT_HZ, *waiting) < 0.3


def test_a_callee_who_waits_may_give_up(caller: Caller, pair: AsteriskPair) -> None:
    number = "79160020217"
    uid = place(caller, pair, number, message(**choice(k1=TRANSFER)))
    wait_until(lambda: any(row["uid"] == uid for row in seats(pair)), 20, "the seat rings")
    caller.gateway.hangup([uid])
    handover = caller.ledger.wait_for([uid], 10)[uid].handover
    assert handover is not None
    assert (handover.result, handover.talked_s) == (HandoverResult.GAVE_UP, 0.0)
    assert handover.waited_s < 2


def outside(pair: AsteriskPair, kind: str, tail: str) -> dict[str, Any]:
    if kind == "number":
        return {"kind": "number", "number": f"791600300{tail}"}
    host, port = pair.settings.carrier_host, pair.settings.carrier_sip_port
    return {"kind": "sip", "user": f"791600310{tail}", "host": host, "port": port}


@pytest.mark.parametrize("kind", ["number", "sip"])
def test_n8_a_callee_is_handed_over_outside(caller: Caller, pair: AsteriskPair, kind: str) -> None:
    """He talks with who answers there; the second call shows our own number, or to the SIP address his."""
    what = outside(pair, kind, "99")
    dialled = what.get("number") or what["user"]
    uid = place(caller, pair, f"7916003{len(kind)}017", message(**choice(k1=what)))

    def second() -> Any:
        return next((call for call in read_calls(pair.settings.carrier_log) if call.number == dialled), None)

    wait_until(second, 20, "the second call")
    recording = pair.settings.carrier_recordings / f"call-{second().call}.wav"
    wait_until(lambda: recording.exists() and recording.stat().st_size > 8000 * 2 * 3, 20, "they talk")
    caller.gateway.hangup([uid])
    handover = caller.ledger.wait_for([uid], 10)[uid].handover
    assert handover is not None
    assert handover.result is HandoverResult.TALKED
    assert handover.to.startswith(f"{kind}:{dialled}")
    assert handover.talked_s >= 2.5
    wait_until(lambda: second().ended, 10, "the end of the second call")
    assert tone_share(recording, CALLEE_HZ, 2) >= 0.9


def test_who_is_busy_outside_is_told(caller: Caller, pair: AsteriskPair) -> None:
    uid = place(caller, pair, "79160034017", message(**choice(k1=outside(pair, "number", "01"))))
    result = caller.ledger.wait_for([uid], 30)[uid]
    assert result.handover is not None
    assert result.handover.result is HandoverResult.BUSY


def test_a_number_that_the_trunk_may_not_dial_is_not_dialled(caller: Caller, pair: AsteriskPair) -> None:
    what = message(**choice(k1={"kind": "number", "number": "78090000099"}))
    uid = place(caller, pair, "79160035017", what)
    result = caller.ledger.wait_for([uid], 30)[uid]
    # How long it waited is not asked: the PBX's look at its rules takes a millisecond, or none.
    assert result.handover is not None
    assert (result.handover.to, result.handover.result) == ("number:78090000099", HandoverResult.NOT_ALLOWED)
    assert not any(call.number == "78090000099" for call in read_calls(pair.settings.carrier_log))
