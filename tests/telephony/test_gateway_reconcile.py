"""After every kind of gap each call still has exactly one outcome, the right one, and nobody is called twice."""

from __future__ import annotations

import dataclasses
import datetime as dt
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from config.database import utcnow
from dialer.ami import AmiState, AmiTimes
from dialer.calls import CallOutcome, OpenCall, new_uid
from dialer.gateway import Gateway
from dialer.pbx_config import TrunkConfig, render_pbx
from dialer.settling import SettleTimes
from tests.support.asterisk import AsteriskPair, MemoryLedger, asterisk_pair
from tests.support.audio import write_sweep
from tests.support.carrier_log import read_calls
from tests.support.servers import wait_until
from tests.support.tcp_proxy import TcpProxy
from tests.telephony.conftest import MESSAGE_S, Caller

pytestmark = pytest.mark.telephony

LISTENS, BUSY_NUMBER, RINGS = "79160000016", "79160000001", "79160000002"


@pytest.fixture
def proxy(pair: AsteriskPair) -> Iterator[TcpProxy]:
    made = TcpProxy(pair.settings.ami_port)
    yield made
    made.close()


def invites(pair: AsteriskPair, uid: str) -> int:
    return sum(call.uid == uid for call in read_calls(pair.settings.carrier_log))


def test_calls_that_are_up_survive_a_cut(
    pair: AsteriskPair, proxy: TcpProxy, make_caller: Callable[..., Caller]
) -> None:
    """Adopted by their channels; those that end during the gap are read from the journal."""
    caller = make_caller(port=proxy.port)
    boot = caller.ready()
    ends_in_gap, stays = caller.call("79160000006", LISTENS)
    wait_until(lambda: invites(pair, stays), 10, "the calls went out")
    time.sleep(1.3)
    proxy.refuse = True
    proxy.cut()
    wait_until(lambda: caller.gateway.boot is None, 10, "the gap is noticed")
    [refused] = caller.call(LISTENS)
    assert caller.ledger.wait_for([refused], 10)[refused].outcome is CallOutcome.NOT_PLACED
    time.sleep(1.2)
    proxy.refuse = False
    assert caller.ready() == boot
    results = caller.ledger.wait_for([ends_in_gap, stays], 20)
    assert results[ends_in_gap].listened_s == pytest.approx(2.0, abs=0.3)
    assert results[stays].listened_s == pytest.approx(MESSAGE_S, abs=0.3)
    assert {r.outcome for r in results.values()} == {CallOutcome.ANSWERED}
    assert [invites(pair, uid) for uid in (ends_in_gap, stays, refused)] == [1, 1, 0]
    assert caller.ledger.again == []


def test_cut_before_the_answer_to_an_originate(
    pair: AsteriskPair, proxy: TcpProxy, make_caller: Callable[..., Caller]
) -> None:
    """The call went out, we never heard so: it is found, and not sent again."""
    caller = make_caller(port=proxy.port)
    caller.ready()
    proxy.hold(to_client=True)
    [uid] = caller.call(LISTENS)
    wait_until(lambda: invites(pair, uid) == 1, 10, "the call went out")
    proxy.cut()
    assert caller.ledger.wait_for([uid], 10)[uid].outcome is CallOutcome.ANSWERED
    assert invites(pair, uid) == 1


def test_cut_before_an_originate_arrived(
    pair: AsteriskPair, proxy: TcpProxy, make_caller: Callable[..., Caller]
) -> None:
    """It never reached Asterisk: provably not placed, after a second look."""
    caller = make_caller(port=proxy.port)
    caller.ready()
    proxy.hold(to_server=True)
    [uid] = caller.call(LISTENS)
    time.sleep(0.2)
    proxy.cut()
    assert caller.ledger.wait_for([uid], 20)[uid].outcome is CallOutcome.NOT_PLACED
    assert invites(pair, uid) == 0


def test_half_open_connection_is_noticed(
    pair: AsteriskPair, proxy: TcpProxy, make_caller: Callable[..., Caller]
) -> None:
    caller = make_caller(port=proxy.port)
    caller.ready()
    before = proxy.connections
    [uid] = caller.call(LISTENS)
    wait_until(lambda: invites(pair, uid) == 1, 10, "the call went out")
    proxy.hold(to_server=True, to_client=True)
    wait_until(lambda: caller.gateway.boot is None, 10, "the ping's deadline")
    proxy.cut()
    caller.ready()
    assert proxy.connections > before
    assert caller.ledger.wait_for([uid], 20)[uid].listened_s == pytest.approx(MESSAGE_S, abs=0.3)


def test_lost_events_are_made_good_by_the_sweep(
    pair: AsteriskPair, proxy: TcpProxy, make_caller: Callable[..., Caller]
) -> None:
    """Every event of the ends of calls is dropped, the connection stays up: within 10 s the outcomes are there."""
    caller = make_caller(port=proxy.port, settle=SettleTimes())  # as in production
    caller.ready()
    proxy.drop = lambda message: message.startswith((b"Event: UserEvent", b"Event: OriginateResponse"))
    busy, answers, nowhere = (
        *caller.call(BUSY_NUMBER, "79160000006"),
        *caller.call(LISTENS, trunk="nonesuch"),
    )
    results = caller.ledger.wait_for([busy, answers, nowhere], 30)
    assert [results[uid].outcome for uid in (busy, answers)] == [CallOutcome.BUSY, CallOutcome.ANSWERED]
    assert results[nowhere].outcome is CallOutcome.NOT_PLACED
    assert caller.ledger.times[busy] - results[busy].ended_at.timestamp() < 10  # type: ignore[union-attr]


def test_new_process_adopts_what_the_old_one_placed(pair: AsteriskPair, make_caller: Callable[..., Caller]) -> None:
    """The dial worker died: its calls go on, the next one takes them over, and reads the journal."""
    first = make_caller()
    first.ready()

    def dead() -> None:
        raise RuntimeError("this process is as good as dead")

    first.ledger.fail = dead  # before the calls: an outcome that it had recorded would be gone from the journal
    stays, ends, lost = *first.call(LISTENS, BUSY_NUMBER), first.request(LISTENS).uid
    ledger = MemoryLedger()
    ledger.open = dict(first.ledger.open)
    wait_until(lambda: invites(pair, stays) and invites(pair, ends), 10, "the calls went out")
    first.gateway.stop(0.5)
    second = make_caller(ledger=ledger)
    second.ready()
    results = second.ledger.wait_for([stays, ends, lost], 10)
    assert results[stays].outcome is CallOutcome.ANSWERED
    assert results[stays].listened_s == pytest.approx(MESSAGE_S, abs=0.3)
    assert results[ends].outcome is CallOutcome.BUSY
    assert results[lost].outcome is CallOutcome.NOT_PLACED  # claimed, and never handed over
    assert [invites(pair, uid) for uid in (stays, ends, lost)] == [1, 1, 0]


def test_results_wait_for_a_database_that_is_away(pair: AsteriskPair, make_caller: Callable[..., Caller]) -> None:
    """Nothing is deleted from the journal before it is committed."""
    caller = make_caller()
    caller.ready()

    def away() -> None:
        raise OSError("the database is away")

    caller.ledger.fail = away
    [uid] = caller.call(BUSY_NUMBER)
    wait_until(lambda: uid in pair.cli("database show obzvon"), 20, "the entry in the journal")
    time.sleep(0.5)
    assert uid in pair.cli("database show obzvon")
    assert uid not in caller.ledger.results
    caller.ledger.fail = lambda: None
    assert caller.ledger.wait_for([uid], 20)[uid].outcome is CallOutcome.BUSY
    wait_until(lambda: uid not in pair.cli("database show obzvon"), 20, "the entry is deleted")


def test_frozen_asterisk(pair: AsteriskPair, make_caller: Callable[..., Caller]) -> None:
    """An Originate lay unread in Asterisk's socket while it was frozen: whatever it does with it, it is told right."""
    caller = make_caller()
    caller.ready()
    pair.pbx.signal(signal.SIGSTOP)
    try:
        uids = caller.call(LISTENS, BUSY_NUMBER)
        wait_until(lambda: caller.gateway.boot is None, 5, "the frozen PBX is noticed")
        time.sleep(1)
    finally:
        pair.pbx.signal(signal.SIGCONT)
    results = caller.ledger.wait_for(uids, 15)
    for uid in uids:
        assert invites(pair, uid) == (0 if results[uid].outcome is CallOutcome.NOT_PLACED else 1)


def test_i5_nothing_is_claimed_for_an_asterisk_that_says_nothing(
    pair: AsteriskPair, make_caller: Callable[..., Caller]
) -> None:
    """What is sent to a frozen one goes out when it wakes, however late: noticed long before the line is given up."""
    caller = make_caller(times=AmiTimes())
    boot = caller.ready()
    pair.pbx.signal(signal.SIGSTOP)
    try:
        wait_until(lambda: caller.gateway.boot is None, 4, "the silence is noticed")
        assert caller.gateway.state is AmiState.READY
    finally:
        pair.pbx.signal(signal.SIGCONT)
    assert caller.ready() == boot


def test_kill_of_asterisk_leaves_unknown_only_what_was_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Ended calls whose outcome was not committed are closed from the journal, which is on disk within about 1 s."""
    with asterisk_pair(tmp_path_factory.mktemp("home")) as pair:
        write_sweep(pair.settings.sounds / "sweep.wav", MESSAGE_S)
        caller = Caller(pair)
        boot = caller.ready()

        def away() -> None:
            raise OSError("the database is away")

        caller.ledger.fail = away
        rings, talks, ended = caller.call(RINGS, LISTENS, BUSY_NUMBER)
        wait_until(lambda: invites(pair, ended) == 1, 3, "the calls went out")
        time.sleep(2.5)
        second = MemoryLedger()
        second.open = dict(caller.ledger.open)
        pair.pbx.kill()
        wait_until(lambda: caller.gateway.boot is None, 5, "the death is noticed")
        caller.gateway.stop(0.5)
        later = Caller(pair, ledger=second)
        try:
            pair.pbx.start()
            assert later.ready() != boot
            results = second.wait_for([rings, talks, ended], 20)
            assert results[rings].outcome is CallOutcome.UNKNOWN
            assert results[talks].outcome is CallOutcome.UNKNOWN
            assert results[ended].outcome is CallOutcome.BUSY
            [again] = later.call(BUSY_NUMBER)
            assert second.wait_for([again], 20)[again].outcome is CallOutcome.BUSY
        finally:
            later.gateway.stop()
        assert [invites(pair, uid) for uid in (rings, talks, ended)] == [1, 1, 1]


def test_reload_that_was_asked_for_in_a_gap_is_made_good(
    pair: AsteriskPair, proxy: TcpProxy, make_caller: Callable[..., Caller]
) -> None:
    caller = make_caller(port=proxy.port)
    caller.ready()
    proxy.refuse = True
    proxy.cut()
    wait_until(lambda: caller.gateway.boot is None, 10, "the gap is noticed")
    added = TrunkConfig("added", pair.settings.carrier_host, pair.settings.carrier_sip_port, local=True)
    render_pbx(pair.settings, [*pair.trunks, added])
    caller.gateway.reload()
    proxy.refuse = False
    wait_until(lambda: "added" in pair.cli("pjsip show endpoints"), 20, "the new trunk")


def test_uid_that_was_given_up_is_never_placed(pair: AsteriskPair, make_caller: Callable[..., Caller]) -> None:
    """A hand-over that comes after the sweep has settled its attempt is void."""
    caller = make_caller()
    caller.ready()
    request = caller.request(LISTENS)
    gateway: Gateway = caller.gateway
    results = caller.ledger.wait_for([request.uid], 30)  # the sweep finds it open and unknown to Asterisk
    assert results[request.uid].outcome is CallOutcome.NOT_PLACED
    gateway.place([request])
    time.sleep(0.5)
    assert invites(pair, request.uid) == 0
    assert gateway.live_uids() == set()


def test_i5_a_call_claimed_long_ago_is_not_placed(pair: AsteriskPair, make_caller: Callable[..., Caller]) -> None:
    """The process stood still between the claim's commit and the gateway: Stop may have been pressed meanwhile."""
    caller = make_caller(settle=SettleTimes())
    caller.ready()
    request = dataclasses.replace(caller.request("79005550016"), claimed=time.monotonic() - 3)
    caller.gateway.place([request])
    assert caller.ledger.wait_for([request.uid], 10)[request.uid].outcome is CallOutcome.NOT_PLACED
    assert request.uid not in {call.uid for call in read_calls(pair.settings.carrier_log)}


def test_clock_set_back_hides_no_open_call(pair: AsteriskPair, make_caller: Callable[..., Caller]) -> None:
    """Claimed "in an hour" by a clock that was wrong, and lost on the way to the gateway: settled all the same."""
    caller = make_caller()
    boot = caller.ready()
    uid = new_uid()
    caller.ledger.open[uid] = OpenCall(uid, boot, utcnow() + dt.timedelta(hours=1))
    assert caller.ledger.wait_for([uid], 20)[uid].outcome is CallOutcome.NOT_PLACED
