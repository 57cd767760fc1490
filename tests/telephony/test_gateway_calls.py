"""Every behaviour of the rehearsal callees, over real SIP and RTP: outcome, seconds, sound, and the carrier's log."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dialer.calls import CallOutcome, CallResult
from dialer.pbx_config import TrunkConfig
from tests.support.asterisk import AsteriskPair, asterisk_pair, free_port
from tests.support.audio import likeness, write_sweep
from tests.support.carrier_log import CarrierCall, most_at_once, read_calls
from tests.support.servers import wait_until
from tests.telephony.conftest import MESSAGE_S, Caller

pytestmark = pytest.mark.telephony

BUSY, NO_ANSWER, ANSWERED = CallOutcome.BUSY, CallOutcome.NO_ANSWER, CallOutcome.ANSWERED
#: Last two digits -> outcome, SIP code, seconds listened.
TABLE = {
    "01": (BUSY, 486, 0.0),
    "02": (NO_ANSWER, 180, 0.0),
    "03": (CallOutcome.INVALID_NUMBER, 404, 0.0),
    "04": (CallOutcome.DECLINED, 603, 0.0),
    "05": (CallOutcome.CONGESTION, 503, 0.0),
    "06": (ANSWERED, 200, 2.0),
    "07": (ANSWERED, 200, MESSAGE_S),
    "08": (ANSWERED, 200, MESSAGE_S),
    "09": (ANSWERED, 200, MESSAGE_S),
    "10": (CallOutcome.UNAVAILABLE, 480, 0.0),
    "11": (BUSY, 486, 0.0),
    "12": (ANSWERED, 200, MESSAGE_S),
    "13": (ANSWERED, 200, MESSAGE_S),
    "14": (BUSY, 486, 0.0),
    "15": (NO_ANSWER, 100, 0.0),
    "16": (ANSWERED, 200, MESSAGE_S),
    "77": (ANSWERED, 200, MESSAGE_S),
}
KEYS = {"07": "1", "09": "9"}


@dataclass
class Ran:
    """One round of calls to every kind of callee, ended."""

    caller: Caller
    results: dict[str, CallResult]
    log: dict[str, CarrierCall]


@pytest.fixture(scope="module")
def silent_port() -> Iterator[int]:
    """A trunk that takes everything and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 0))
        yield int(hole.getsockname()[1])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, silent_port: int) -> Iterator[AsteriskPair]:
    trunks = [
        TrunkConfig("silent", "127.0.0.1", silent_port, qualify=False),
        TrunkConfig("gone", "127.0.0.1", free_port(socket.SOCK_DGRAM), username="u-1", secret="p&=>#x", register=True),
    ]
    with asterisk_pair(tmp_path_factory.mktemp("home"), trunks) as running:
        write_sweep(running.settings.sounds / "sweep.wav", MESSAGE_S)
        yield running


@pytest.fixture(scope="module")
def ran(pair: AsteriskPair) -> Iterator[Ran]:
    caller = Caller(pair)
    caller.ready()
    uids = dict(zip(TABLE, caller.call(*(f"791600000{tail}" for tail in TABLE)), strict=True))
    uids |= dict(zip(["silent"], caller.call("79160000016", trunk="silent", ring_s=3), strict=True))
    uids |= dict(zip(["none"], caller.call("79160000016", trunk="nonesuch"), strict=True))
    found = caller.ledger.wait_for(list(uids.values()), 30)
    [again] = caller.call("79160000011")
    found |= caller.ledger.wait_for([again], 15)
    uids["11 again"] = again
    wait_until(lambda: all(call.ended for call in read_calls(pair.settings.carrier_log)), 20, "the carrier's log")
    log = {call.uid: call for call in read_calls(pair.settings.carrier_log)}
    yield Ran(
        caller,
        {name: found[uid] for name, uid in uids.items()},
        {name: log[uid] for name, uid in uids.items() if uid in log},
    )
    caller.gateway.stop()


@pytest.mark.parametrize("tail", TABLE)
def test_each_callee_gives_its_outcome(ran: Ran, tail: str) -> None:
    outcome, sip_code, listened_s = TABLE[tail]
    result = ran.results[tail]
    assert (result.outcome, result.sip_code) == (outcome, sip_code)
    assert result.listened_s == pytest.approx(listened_s, abs=0.3)
    assert result.played_to_end is (listened_s == MESSAGE_S)


@pytest.mark.parametrize("tail", [tail for tail, row in TABLE.items() if row[0] is ANSWERED])
def test_listened_seconds_are_those_of_the_carrier(ran: Ran, tail: str) -> None:
    assert ran.results[tail].listened_s == pytest.approx(ran.log[tail].connected_s, abs=0.5)
    answered = ran.results[tail].answered_at
    assert answered is not None
    assert answered.timestamp() == pytest.approx(ran.log[tail].answered, abs=0.3)


@pytest.mark.parametrize("tail", ["07", "12", "16"])
def test_callee_heard_the_message(ran: Ran, pair: AsteriskPair, tail: str, tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    message = write_sweep(tmp_path_factory.mktemp("sound") / "m.wav", MESSAGE_S)
    other = message[::-1].copy()
    recording = pair.settings.carrier_recordings / ran.log[tail].recording
    assert likeness(message, recording) > 0.9
    assert likeness(other, recording) < 0.5


def test_busy_the_first_time_answers_the_second(ran: Ran) -> None:
    assert ran.results["11 again"].outcome is ANSWERED


def test_keys_are_in_the_carriers_log(ran: Ran) -> None:
    assert {tail: ran.log[tail].keys for tail in KEYS} == KEYS


def test_trunk_that_says_nothing_is_a_trunk_failure(ran: Ran) -> None:
    """Not even 100 Trying came: that is no person who does not answer."""
    assert ran.results["silent"].outcome is CallOutcome.TRUNK_FAILURE
    assert ran.results["silent"].detail == "the trunk did not answer"


def test_trunk_that_does_not_exist_is_a_trunk_failure_at_once(ran: Ran) -> None:
    assert ran.results["none"].outcome is CallOutcome.TRUNK_FAILURE


def test_journal_is_empty_when_all_is_recorded(ran: Ran, pair: AsteriskPair) -> None:
    wait_until(lambda: "0 results" in pair.cli("database show obzvon"), 20, "the journal is empty")
    assert ran.caller.gateway.live_uids() == set()
    assert ran.caller.ledger.again == []


def test_everything_that_asterisk_needs_is_loaded(pair: AsteriskPair) -> None:
    """chan_pjsip fails to load, silently, when one module is missing."""
    for instance in ("pbx", "carrier"):
        assert "Running" in pair.cli("module show like chan_pjsip", instance)
        assert "Not Running" not in pair.cli("module show", instance)
        log = (pair.settings.home / instance / "console.log").read_text()
        assert "Unable to load" not in log
        assert "No such file" not in log


def test_stranger_reaches_nothing(pair: AsteriskPair) -> None:
    """An INVITE from an address that is no trunk's is refused."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.9", 0))
        stranger.settimeout(3)
        here = f"127.0.0.9:{stranger.getsockname()[1]}"
        invite = (
            f"INVITE sip:79160000016@127.0.0.1:{pair.settings.sip_local_port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK1\r\nFrom: <sip:x@{here}>;tag=1\r\n"
            f"To: <sip:79160000016@127.0.0.1>\r\nCall-ID: stranger-1\r\nCSeq: 1 INVITE\r\n"
            f"Contact: <sip:x@{here}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        stranger.sendto(invite.encode(), ("127.0.0.1", pair.settings.sip_local_port))
        answer = stranger.recv(4096).decode()
    assert answer.startswith("SIP/2.0 401") or answer.startswith("SIP/2.0 403")


def test_hang_up_ends_a_call(ran: Ran, pair: AsteriskPair) -> None:
    [uid] = ran.caller.call("79160000016")
    wait_until(lambda: ran.caller.gateway.live_uids() == {uid}, 10, "the call is followed")
    wait_until((pair.settings.carrier_recordings / f"{uid}.wav").exists, 10, "he has answered and listens")
    ran.caller.gateway.hangup([uid])
    result = ran.caller.ledger.wait_for([uid], 10)[uid]
    assert (result.outcome, result.played_to_end) == (ANSWERED, False)


def test_values_that_asterisk_could_misread_are_not_sent(ran: Ran, pair: AsteriskPair) -> None:
    before = len(read_calls(pair.settings.carrier_log))
    uids = [
        *ran.caller.call("7916&PJSIP/1"),
        *ran.caller.call("79160000016", sound="a,b"),
        *ran.caller.call("79160000016", caller_id="1\r\nAction: Hangup"),
        *ran.caller.call("79160000016", trunk="rehearsal\r\nAsync: false"),
    ]
    results = ran.caller.ledger.wait_for(uids, 5)
    assert {result.outcome for result in results.values()} == {CallOutcome.NOT_PLACED}
    time.sleep(0.3)
    assert len(read_calls(pair.settings.carrier_log)) == before


def test_reload_takes_up_a_changed_trunk(ran: Ran, pair: AsteriskPair) -> None:
    from dialer.pbx_config import render_pbx

    second = TrunkConfig("second", pair.settings.carrier_host, pair.settings.carrier_sip_port, local=True)
    render_pbx(pair.settings, [*pair.trunks, second])
    ran.caller.gateway.reload()
    wait_until(lambda: "second" in pair.cli("pjsip show endpoints"), 20, "the new trunk")
    [uid] = ran.caller.call("79160000001", trunk="second")
    assert ran.caller.ledger.wait_for([uid], 5)[uid].outcome is BUSY


def test_freed_slot_is_told_at_once(ran: Ran) -> None:
    """The record comes within 50 ms of the call's end on the PBX's clock (20 ms are usual; the machine is shared)."""
    late = []
    for _ in range(10):
        [uid] = ran.caller.call("79160000001")
        ended = ran.caller.ledger.wait_for([uid], 5)[uid].ended_at
        assert ended is not None
        late.append(ran.caller.ledger.times[uid] - ended.timestamp())
    assert sorted(late)[5] < 0.05


def test_two_hundred_calls_at_once_lose_no_line(ran: Ran, pair: AsteriskPair) -> None:
    """Every INVITE and every end is in the carrier's log, whole, and every call has its one outcome."""
    tails = ("16", "06", "01", "04")
    uids = ran.caller.call(*(f"7916111{index:02d}{tails[index % 4]}" for index in range(200)))
    results = ran.caller.ledger.wait_for(uids, 40)
    wanted = (ANSWERED, ANSWERED, BUSY, CallOutcome.DECLINED)
    assert [results[uid].outcome for uid in uids] == [wanted[index % 4] for index in range(200)]
    mine = set(uids)

    def logged() -> list[CarrierCall]:
        return [call for call in read_calls(pair.settings.carrier_log) if call.uid in mine]

    wait_until(lambda: all(call.ended for call in logged()), 20, "the last lines")
    assert sorted(call.uid for call in logged()) == sorted(uids)
    assert most_at_once(logged()) >= 60
    with contextlib.suppress(StopIteration):
        slow = next(uid for uid in uids[0::4] if abs(results[uid].listened_s - MESSAGE_S) > 0.5)
        raise AssertionError(f"{slow} listened {results[slow].listened_s} s")


def test_public_address_behind_nat_is_what_carriers_are_told(tmp_path: Path) -> None:
    with asterisk_pair(tmp_path, sip_external_host="203.0.113.5") as pair:
        shown = pair.cli("pjsip show transport transport-udp")
    assert re.search(r"external_media_address\s*: 203\.0\.113\.5", shown)
    assert re.search(r"external_signaling_address\s*: 203\.0\.113\.5", shown)
    assert "10.0.0.0/255.0.0.0" in shown
