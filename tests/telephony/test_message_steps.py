"""Messages with steps over real SIP and RTP: keys, typed numbers, hours and hand-overs do what the message says."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import soundfile

from campaigns.message import flow
from campaigns.message.blocks import Message
from dialer.calls import CallOutcome, CallResult, HandoverResult, StepDone
from dialer.pbx_config import CALLEE_HZ, MOST_HANDED, SEAT_HZ, SEATS, render_pbx, seat_log
from tests.support import carrier_log
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
    "nobody": [stem("nobody")],
    "other": [stem("thanks")],
}
TONES = {"invalid": 300, "meter": 700, "thanks": 900, "closed": 1100, "nobody": 1300}
#: Where people open the pages.
PUBLIC = "https://obzvon.example.net"


#: The rehearsal trunk dials no such number.
FORBIDDEN = {"kind": "number", "number": "78090000099"}


def message(**more: Any) -> Message:
    steps = {
        "thanks": {"variants": WORDS},
        "closed": {"variants": WORDS},
        "meter": {
            "variants": WORDS,
            "after": {"kind": "enter", "name": "reading", "least": 3, "most": 8, "then": "thanks"},
        },
        "nobody": {"variants": WORDS},
        "other": {"variants": WORDS, "after": FORBIDDEN | {"otherwise": "thanks"}},
    }
    return Message.model_validate({"default_language": "en", "variants": WORDS, "steps": steps, **more})


def choice(**actions: Any) -> dict[str, Any]:
    keys = {name.strip("k"): action for name, action in actions.items()}
    return {"choice": {"keys": keys, "timeout_s": 3, "tries": 2, "invalid": WORDS}}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsteriskPair]:
    with asterisk_pair(tmp_path_factory.mktemp("home"), public_url=PUBLIC) as running:
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


def around(pair: AsteriskPair, number: str, name: str = "") -> flow.Around:
    return flow.Around(
        number=number,
        name=name,
        caller_id="74950000000",
        region="RU",
        zone=ZoneInfo("Europe/Moscow"),
        trunk="rehearsal",
        template="PJSIP/{number}@{trunk}",
        sip_hosts=(pair.settings.carrier_host,),
    )


def place(
    caller: Caller,
    pair: AsteriskPair,
    number: str,
    what: Message,
    name: str = "",
    places: dict[str, list[str]] = PLACES,
    **changed: str,
) -> str:
    found = flow.variables(what, places, around(pair, number, name)) | changed
    # Not too late for the gateway, however busy the machine is.
    [uid] = caller.call(number, variables=found, claimed=time.monotonic() + 60)
    return uid


ANSWER = {"kind": "answer", "name": "pays", "value": "yes", "then": "thanks"}
NOW = dt.datetime.now(ZoneInfo("Europe/Moscow"))


def hours(days_ahead: int, within: str, outside: str) -> dict[str, Any]:
    """That day and the next: midnight may come between the start of the tests and the call."""
    days = sorted((NOW.weekday() + ahead) % 7 for ahead in (days_ahead, days_ahead + 1))
    return {
        **{"kind": "hours", "days": days, "begins": "00:00", "ends": "00:00"},
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
        SHORT_S,
    ),
    "a key that means nothing": ("19", message(**choice(k1=ANSWER)), [("main", "invalid"), ("main", "none")], MAIN_S),
    "he hangs up within it": ("06", message(**choice(k1=ANSWER)), [("main", "gone")], 2.0),
    "within the hours": (
        "99",
        message(after=hours(0, "thanks", "closed")),
        [("main", "end"), ("thanks", "end")],
        MAIN_S,
    ),
    "outside of them": (
        "99",
        message(after=hours(3, "thanks", "closed")),
        [("main", "end"), ("closed", "end")],
        MAIN_S,
    ),
    "for ever": ("99", message(after={"kind": "goto", "step": "main"}), [("main", "end"), ("main", "gone")], MAIN_S),
}


BUSY = {"kind": "number", "number": "79160030001"}
MAIN_ENDS = ("main", "end")
BUSY_THEN_FORBIDDEN = [HandoverResult.BUSY, HandoverResult.NOT_ALLOWED]
#: Name -> last two digits of the callee, the message, what he did, what came of each hand-over.
HANDED: dict[str, tuple[str, Message, list[tuple[str, ...]], list[HandoverResult]]] = {
    "busy, and that is all": ("07", message(**choice(k1=BUSY)), [("main", "1")], [HandoverResult.BUSY]),
    "busy, and is told": (
        "07",
        message(**choice(k1=BUSY | {"otherwise": "nobody"})),
        [("main", "1"), ("nobody", "end")],
        [HandoverResult.BUSY],
    ),
    "busy, then to another": (
        "99",
        message(after=BUSY | {"otherwise": "other"}),
        [MAIN_ENDS, ("other", "end"), ("thanks", "end")],
        BUSY_THEN_FORBIDDEN,
    ),
    "handed over in a circle": (
        "99",
        message(after=FORBIDDEN | {"otherwise": "main"}),
        [MAIN_ENDS] * MOST_HANDED,
        [HandoverResult.NOT_ALLOWED] * MOST_HANDED,
    ),
}
#: What is said first is short here, where it is said often.
OFTEN = ("handed over in a circle", "nothing is typed")
SHORT = PLACES | {"main": [stem("thanks")]}


@pytest.fixture(scope="module")
def ran(caller: Caller, pair: AsteriskPair) -> dict[str, CallResult]:
    """All scripts at once, ended."""
    uids: dict[str, str] = {}
    for index, (name, (tail, what, _, _)) in enumerate((SCRIPTS | HANDED).items()):
        changed = {"OBZ_MOST": "7"} if name == "for ever" else {}
        places = SHORT if name in OFTEN else PLACES
        uids[name] = place(caller, pair, f"7916001{index:02d}{tail}", what, places=places, **changed)
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


@pytest.mark.parametrize("name", HANDED)
def test_n8_a_hand_over_that_fails_goes_on_as_the_message_says(ran: dict[str, CallResult], name: str) -> None:
    _, _, steps, handovers = HANDED[name]
    result = ran[name]
    assert result.steps == tuple(StepDone(*step) for step in steps)
    assert result.handover is not None
    assert [one.result for one in (*result.handovers_before, result.handover)] == handovers


def test_who_is_busy_is_told_so(ran: dict[str, CallResult], pair: AsteriskPair) -> None:
    words, _ = soundfile.read(pair.settings.played / f"{stem('nobody')}.wav")
    heard = pair.settings.carrier_recordings
    assert found_in(words, heard / f"{ran['busy, and is told'].uid}.wav")[0] >= 0.8
    assert found_in(words, heard / f"{ran['busy, and that is all'].uid}.wav")[0] < 0.5


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


#: A name of a hostile base; the telephone shows it, without line break, double quotes and backslash.
NAME = '${SHELL(id)}, "Иван"; \\ ${EXTEN} 😀\r\nX-Evil: 1'
SHOWN = "${SHELL(id)}, 'Иван'; / ${EXTEN} 😀 X-Evil: 1"


def told(row: dict[str, Any]) -> tuple[str, str]:
    """Name and card that came with the INVITE."""
    return carrier_log.told(row["name"]), carrier_log.told(row["card"])


def test_n8_a_transfer_reaches_the_seat_and_the_two_hear_each_other(caller: Caller, pair: AsteriskPair) -> None:
    number = "79160020117"
    uid = place(caller, pair, number, message(**choice(k1=TRANSFER)), NAME)
    other = place(caller, pair, "79160020317", message(**choice(k1=TRANSFER)))
    wait_until(lambda: {uid, other} <= {row["uid"] for row in seats(pair)}, 20, "two seats ring")
    row = next(row for row in seats(pair) if row["uid"] == uid)
    assert row["number"] == number
    assert told(row) == (SHOWN, f"{PUBLIC}/cards/{uid}?so_far=main.1..")
    assert "" in [told(row)[0] for row in seats(pair) if row["uid"] == other and row["event"] == "seat"]
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
    assert handover.talked_s >= 3.5
    assert result.steps == (StepDone("main", "1"),)
    wait_until(lambda: sum(row["uid"] == uid for row in seats(pair)) == 2, 10, "the seat's end")
    [end] = [one for one in seats(pair) if (one["uid"], one["event"]) == (uid, "seat-end")]
    rang_s = end["answered"] - row["time"]
    assert rang_s - 0.3 <= handover.waited_s <= rang_s + SLACK_S
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


def called_there(pair: AsteriskPair, what: dict[str, Any]) -> Any:
    """The second call, once it is there."""
    dialled = what.get("number") or what["user"]
    return next((call for call in read_calls(pair.settings.carrier_log) if call.number == dialled), None)


@pytest.fixture(scope="module")
def outsiders(caller: Caller, pair: AsteriskPair) -> dict[str, str]:
    """A call handed over to a number, and one to a SIP address; both talk, then end. Their uids."""
    uids = {}
    for number, kind in enumerate(("number", "sip")):
        what = message(**choice(k1=outside(pair, kind, "99")))
        uids[kind] = place(caller, pair, f"791600360{number}17", what, **{"OBZ_NAME": "SXZhbg"})
    for kind in uids:
        what = outside(pair, kind, "99")
        wait_until(lambda what=what: called_there(pair, what), 20, "the second call")
        heard = pair.settings.carrier_recordings / f"call-{called_there(pair, what).call}.wav"
        wait_until(lambda heard=heard: heard.exists() and heard.stat().st_size > 8000 * 2 * 3, 20, "they talk")
    caller.gateway.hangup(uids.values())
    caller.ledger.wait_for(list(uids.values()), 10)
    return uids


@pytest.mark.parametrize("kind", ["number", "sip"])
def test_n8_a_callee_is_handed_over_outside(
    outsiders: dict[str, str], caller: Caller, pair: AsteriskPair, kind: str
) -> None:
    """He talks with who answers there; the second call shows our own number, or to the SIP address his."""
    what = outside(pair, kind, "99")
    handover = caller.ledger.results[outsiders[kind]].handover
    assert handover is not None
    assert handover.result is HandoverResult.TALKED
    assert handover.to.startswith(f"{kind}:{what.get('number') or what['user']}")
    assert handover.talked_s >= 2.5
    wait_until(lambda: called_there(pair, what).ended, 10, "the end of the second call")
    second = called_there(pair, what)
    assert (second.name, second.card) == ("", "")  # outsiders get neither the name nor the card
    assert tone_share(pair.settings.carrier_recordings / f"call-{second.call}.wav", CALLEE_HZ, 2) >= 0.9


def test_a_number_that_the_trunk_may_not_dial_is_not_dialled(ran: dict[str, CallResult], pair: AsteriskPair) -> None:
    # How long it waited is not asked: the PBX's look at its rules takes a millisecond, or none.
    handover = ran["busy, then to another"].handover
    assert handover is not None
    assert (handover.to, handover.result) == ("number:78090000099", HandoverResult.NOT_ALLOWED)
    assert not any(call.number == "78090000099" for call in read_calls(pair.settings.carrier_log))


#: Of the small queue: callees that wait at most, and how long.
LENGTH, WAIT_S = 2, 7


def waiting(pair: AsteriskPair) -> int:
    """Callees in the queue who do not talk yet."""
    found = re.search(r"operators has (\d+) calls", pair.cli("queue show operators"))
    return int(found[1]) if found else 0


def set_queue(pair: AsteriskPair, **limits: int) -> None:
    render_pbx(pair.settings.model_copy(update=limits), pair.trunks)
    pair.cli("dialplan reload")
    pair.cli("queue reload parameters")


@dataclass
class Crowd:
    """What became of more callees than there are operators."""

    results: dict[str, CallResult]
    #: Who got the first seat that was free, and the seconds from his call to that, by the test's clock.
    sixth: str
    sixth_s: float


@pytest.fixture(scope="module")
def crowd(caller: Caller, pair: AsteriskPair) -> Crowd:
    """Five seats talk; then come a sixth, one whose time goes by, one too many, one who sees all seats leave, and one
    who finds nobody there."""
    wait_until(lambda: waiting(pair) == 0, 10, "an empty queue")
    heard, up = pair.settings.carrier_recordings, []
    what = message(after=TRANSFER | {"otherwise": "nobody"})

    def come() -> str:
        up.append(place(caller, pair, f"7916004{len(up):02d}99", what, places=SHORT))
        return up[-1]

    def talks(uid: str) -> None:
        wait_until(lambda: (heard / f"seat-{uid}.wav").exists(), 20, "a seat answers")

    def waits(number: int) -> None:
        wait_until(lambda: waiting(pair) == number, 20, f"{number} callees wait")

    uids: dict[str, str] = {}
    try:
        for uid in [come() for _ in SEATS]:
            talks(uid)
        set_queue(pair, queue_length=LENGTH)
        began = time.monotonic()
        uids["sixth"] = come()
        waits(1)
        set_queue(pair, queue_length=LENGTH, queue_wait_s=WAIT_S)
        uids["late"] = come()
        waits(2)
        set_queue(pair, queue_length=LENGTH)  # the time of nobody else goes by
        uids["full"] = come()
        caller.ledger.wait_for([uids["full"]], 20)
        caller.gateway.hangup(up[:1])
        talks(uids["sixth"])
        sixth_s = time.monotonic() - began
        caller.ledger.wait_for([uids["late"]], 30)
        uids["left alone"] = come()
        waits(1)
        for seat in SEATS:
            pair.cli(f"queue pause member PJSIP/{seat} queue operators")
        caller.ledger.wait_for([uids["left alone"]], 20)
        uids["nobody"] = come()
        caller.ledger.wait_for([uids["nobody"]], 20)
    finally:
        caller.gateway.hangup(up)
        for seat in SEATS:
            pair.cli(f"queue unpause member PJSIP/{seat} queue operators")
        set_queue(pair)
    found = caller.ledger.wait_for(list(uids.values()), 20)
    return Crowd({name: found[uid] for name, uid in uids.items()}, uids["sixth"], sixth_s)


def test_n8_a_sixth_callee_waits_with_music_for_a_free_seat(crowd: Crowd, pair: AsteriskPair) -> None:
    handover = crowd.results["sixth"].handover
    assert handover is not None
    assert handover.result is HandoverResult.TALKED
    assert 2 <= handover.waited_s <= crowd.sixth_s
    heard = pair.settings.carrier_recordings / f"{crowd.sixth}.wav"
    assert tone_share(heard, SEAT_HZ, 2) >= 0.9
    waited = (1.2, handover.talked_s + 0.5)
    assert loudness(heard, *waited) > 0.0005
    assert tone_share(heard, SEAT_HZ, *waited) < 0.3


@pytest.mark.parametrize(
    ("name", "result", "least_s", "most_s"),
    [
        ("late", HandoverResult.TIMEOUT, WAIT_S - 0.5, WAIT_S + SLACK_S),
        ("full", HandoverResult.FULL, 0, 1),
        ("left alone", HandoverResult.NOBODY, 0.1, 20),
        ("nobody", HandoverResult.NOBODY, 0, 1),
    ],
)
def test_n8_who_cannot_be_handed_over_is_told_so(
    crowd: Crowd, name: str, result: HandoverResult, least_s: float, most_s: float
) -> None:
    """The queue was full, empty, or too slow: the attempt says which, and how long he waited."""
    found = crowd.results[name]
    assert found.handover is not None
    assert (found.handover.to, found.handover.result) == ("queue:operators", result)
    assert least_s <= found.handover.waited_s <= most_s
    assert found.steps == (StepDone("main", "end"), StepDone("nobody", "end"))
