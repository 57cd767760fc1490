"""Several nodes on both databases: limits over all of them, shares, rates, leases and drained nodes (I1, I3, I4)."""

import contextlib
import datetime as dt
import threading
from types import SimpleNamespace

import pytest
from flask import current_app
from sqlalchemy import func, literal, select, type_coerce, update

from campaigns import dial_loop, lost_nodes, service, sounds, store
from campaigns.dial_loop import DialLoop, Ledger
from campaigns.models import Attempt, Campaign, SoundFile
from campaigns.states import CampaignState, ContactState, Disposition
from config import database
from config.database import utcnow
from dialer import lease as leases
from dialer import nodes
from dialer.calls import CallOutcome, CallResult
from dialer.errors import DialerError
from dialer.lease import TTL_S, Lease, Life
from dialer.models import NODE_SILENT, Node, Trunk
from tests.integration.calling.rig import contact_rows, make, one, record

pytestmark = pytest.mark.usefixtures("app")
SECOND = 2


@pytest.fixture(autouse=True)
def second(node):
    """A second node, on which the first trunk lives too."""

    def work(session):
        other = Node(id=SECOND, name="second", channels=100, cps=100, connected=True, seen_at=utcnow())
        trunk = session.get(Trunk, 1)
        trunk.nodes.append(other)

    database.write(work)


def claim(campaign_id, node_id=1, *, lease=0, rate=1000):
    capacity = store.Capacity(node_id, "boot", lambda _: rate, lease)
    return database.write(lambda session: store.claim(session, campaign_id, capacity, utcnow))


def change(model, row_id=None, **values):
    query = update(model).values(**values)
    database.write(lambda session: session.execute(query if row_id is None else query.where(model.id == row_id)))


def open_attempts(**columns):
    query = select(func.count()).select_from(Attempt).where(Attempt.open_for_contact > 0)
    return one(query.filter_by(**columns))


# ---------------------------------------------------------------------- limits and shares


def test_i4_the_campaigns_limit_holds_over_all_nodes_and_is_shared_by_them():
    campaign_id = make(contacts=20, channel_limit=7)
    assert len(claim(campaign_id, 1).requests) == 4  # three are the second node's share
    assert len(claim(campaign_id, 2).requests) == 3
    assert claim(campaign_id, 1).requests == claim(campaign_id, 2).requests == []


def test_i4_the_trunks_limit_holds_over_all_nodes():
    change(Trunk, 1, channels=5)
    first, second = make(contacts=20, channel_limit=50), make(contacts=20, channel_limit=50)
    taken = [len(claim(campaign, node).requests) for campaign, node in ((first, 1), (second, 2), (first, 2))]
    taken += [len(claim(campaign, node).requests) for campaign, node in ((second, 1), (first, 1), (second, 2))]
    assert sum(taken) == open_attempts(trunk_id=1) <= 5
    assert sum(taken) >= 4  # an uneven channel may be kept for a share of nobody


@pytest.mark.parametrize(
    "gone",
    [
        {"connected": False},
        {"draining": True},
        {"problem": "node_lacks_sound"},
        {"seen_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)},
    ],
)
def test_nothing_is_kept_for_a_node_that_cannot_call(gone):
    change(Node, SECOND, **gone)
    assert len(claim(make(contacts=9, channel_limit=6)).requests) == 6


def test_what_a_full_node_cannot_take_goes_to_the_other():
    change(Node, SECOND, channels=1)
    assert len(claim(make(contacts=9, channel_limit=6)).requests) == 5


def test_open_attempts_of_a_silent_node_keep_their_slots():
    campaign_id = make(contacts=9, channel_limit=6)
    claim(campaign_id, 1)
    assert len(claim(campaign_id, 2).requests) == 3
    change(Node, SECOND, seen_at=utcnow() - 2 * NODE_SILENT)
    assert claim(campaign_id, 1).requests == []


def test_a_trunk_of_one_node_is_not_used_by_another():
    campaign_id = make(contacts=3, trunk=2)
    assert claim(campaign_id, 2).requests == []
    assert len(claim(campaign_id, 1).requests) == 3


def test_i4_concurrent_claims_of_two_nodes_never_pass_the_limits():
    change(Trunk, 1, channels=15)
    campaign_id = make(contacts=60, channel_limit=20)
    app, errors = current_app._get_current_object(), []

    def worker(node_id):
        with app.app_context():
            try:
                claim(campaign_id, node_id, rate=3)
            except Exception as exc:
                errors.append(exc)

    threads = [threading.Thread(target=worker, args=[1 + i % 2]) for i in range(14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert open_attempts() == 15
    assert {open_attempts(node_id=1), open_attempts(node_id=2)} == {7, 8}


def test_wakes_go_to_every_node_that_can_call(monkeypatch):
    campaign_id = make()
    with database.read() as session:
        assert store.nodes_of(session, campaign_id, utcnow()) == ["main", "second"]
    change(Node, 1, draining=True)
    with database.read() as session:
        assert store.nodes_of(session, campaign_id, utcnow()) == ["second"]
        assert store.running_on_node(session, SECOND) == [campaign_id]
        assert store.running_on_node(session, 1) == [campaign_id]  # it may be the last to see that it is finished


# ---------------------------------------------------------------------- calls per second of a trunk


def moment(session, at):
    """A column with this time, as the database's clock would tell it."""
    if session.get_bind().dialect.name == "sqlite":
        return literal(at, database._Moment())
    return type_coerce(func.timestamp(at.strftime("%F %T.%f")), database._Moment())


def test_the_trunks_rate_holds_over_all_nodes(monkeypatch):
    at = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    clock = [at]
    monkeypatch.setattr(database, "clock_of", lambda session: moment(session, clock[0]))
    change(Trunk, 1, cps=20, channels=1000)
    campaign_id = make(contacts=90, channel_limit=900)
    taken = []
    for step in range(21):  # two seconds, looked at every 100 ms by both
        clock[0] = at + dt.timedelta(milliseconds=100 * step)
        taken.append(sum(len(claim(campaign_id, node_id).requests) for node_id in (1, 2)))
    assert taken == [2] * 21  # full at first, then what came in since
    clock[0] = at + dt.timedelta(hours=1)
    assert len(claim(campaign_id).requests) == 2  # set forward: one burst
    clock[0] = at
    limited = claim(campaign_id)  # set back: nothing, and no standstill
    assert (limited.requests, limited.rate_limited) == ([], True)
    clock[0] = at + dt.timedelta(milliseconds=50)
    assert len(claim(campaign_id, 2).requests) == 1
    clock[0] = at + dt.timedelta(milliseconds=60)
    assert claim(campaign_id).wait_s == pytest.approx(0.04, abs=1e-3)


# ---------------------------------------------------------------------- leases


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def a_lease(monkeypatch, *, alive=True, node_id=1, clock=None):
    """A lease of a process of another host, or of a dead one of ours."""
    own = Life.own()
    life = Life("elsewhere", "kernel", 1, "1", "t") if alive else Life(own.host, own.kernel, own.pid, "1", "t")
    monkeypatch.setattr(leases.Life, "own", classmethod(lambda _cls: life))
    found = Lease(node_id, contextlib.nullcontext, clock or Clock())
    monkeypatch.undo()
    return found


def test_i1_a_second_worker_waits_and_an_old_holder_claims_nothing(monkeypatch):
    campaign_id = make(contacts=20, channel_limit=20)
    change(Node, SECOND, draining=True)
    first, second = a_lease(monkeypatch), a_lease(monkeypatch)
    assert first.try_take()
    assert not second.try_take()
    assert len(claim(campaign_id, lease=first.number, rate=5).requests) == 5
    change(Node, 1, lease_until=utcnow() - dt.timedelta(seconds=1))  # it was frozen for too long
    assert claim(campaign_id, lease=first.number).requests == []
    assert second.try_take()
    assert second.number == first.number + 1
    assert claim(campaign_id, lease=first.number).requests == []
    assert not first.renew()
    assert second.renew()
    assert len(claim(campaign_id, lease=second.number, rate=5).requests) == 5


def test_a_holder_that_renews_too_late_goes_on_when_nobody_took_the_node(monkeypatch):
    lease = a_lease(monkeypatch)
    lease.try_take()
    change(Node, 1, lease_until=utcnow() - dt.timedelta(hours=1))
    assert lease.renew()
    assert len(claim(make(contacts=1), lease=lease.number).requests) == 1


def test_a_dead_process_of_this_host_is_followed_at_once(monkeypatch):
    dead = a_lease(monkeypatch, alive=False)
    dead.try_take()
    after = Lease(1, contextlib.nullcontext)
    assert after.try_take()
    assert (after.number, dead.renew()) == (dead.number + 1, False)
    third = Lease(1, contextlib.nullcontext)  # ours is alive
    assert not third.try_take()
    after.release()
    assert third.try_take()


def test_a_clock_that_was_set_back_does_not_make_the_next_one_wait_for_ever(monkeypatch):
    clock = Clock()
    old, new = a_lease(monkeypatch), a_lease(monkeypatch, clock=clock)
    old.try_take()
    change(Node, 1, lease_until=utcnow() + dt.timedelta(hours=1))
    assert not new.try_take()
    clock.now += TTL_S - 1
    assert not new.try_take()
    old.renew()  # it lives
    clock.now += 2
    assert not new.try_take()
    clock.now += TTL_S
    assert new.try_take()


def test_who_waits_says_for_whom_and_ends_when_told(monkeypatch, caplog):
    a_lease(monkeypatch).try_take()
    waiting = Lease(1, contextlib.nullcontext)
    looks = iter([None, None])

    def pause():
        if next(looks, "end") == "end":
            raise SystemExit

    told = []
    monkeypatch.setattr(leases.log, "warning", lambda event, **words: told.append((event, words["holder"])))
    with pytest.raises(SystemExit):
        waiting.take(pause)
    assert told == [("node_has_another_dial_worker", "elsewhere, PID 1")]


def test_i1_what_an_old_holder_only_infers_is_not_written(monkeypatch):
    """The call may be up at the new holder's; what the PBX itself told is true whoever writes it."""
    campaign_id = make(contacts=4, channel_limit=4)
    change(Node, SECOND, draining=True)
    old, new = a_lease(monkeypatch), a_lease(monkeypatch)
    old.try_take()
    requests = claim(campaign_id, lease=old.number).requests
    change(Node, 1, lease_until=utcnow() - dt.timedelta(seconds=1))
    ledger = Ledger(1, lambda _: None, old.number)
    ledger.record([CallResult(requests[0].uid, CallOutcome.UNKNOWN)])  # nobody else answers for it yet
    new.try_take()
    told = CallResult(requests[1].uid, CallOutcome.BUSY, ended_at=utcnow())
    ledger.record([CallResult(r.uid, CallOutcome.NOT_PLACED) for r in requests[2:]] + [told])
    ledger.live(5, 5)
    with database.read() as session:
        found = dict(session.execute(select(Attempt.uid, Attempt.disposition)).all())
    assert [found[r.uid] for r in requests] == [Disposition.UNKNOWN, Disposition.BUSY, None, None]
    assert one(select(Node.ringing).where(Node.id == 1)) == 0
    Ledger(1, lambda _: None, new.number).record([CallResult(r.uid, CallOutcome.NOT_PLACED) for r in requests[2:]])
    assert open_attempts() == 0


def test_life_reads_and_proves():
    own = Life.own()
    assert Life.parse(str(own)) == own
    assert not own.is_dead()
    assert Life.parse("") is Life.parse("a b c d e") is None
    assert not Life("h", "another kernel", own.pid, "1", "t").is_dead()
    assert Life("h", own.kernel, 2**22 + 1, "1", "t").is_dead()


# ---------------------------------------------------------------------- drained and lost nodes


def test_a_drained_node_claims_nothing_until_it_is_taken_back():
    campaign_id = make(contacts=9, channel_limit=6)
    assert len(claim(campaign_id, 1).requests) == 3
    nodes.drain(1)
    assert claim(campaign_id, 1).requests == []
    assert len(claim(campaign_id, 2).requests) == 3  # three of six are still up on the drained one
    nodes.drain(2)
    assert {problem.code for problem in service.start_problems(campaign_id)} == {"nodes_draining"}
    nodes.take_back(1)
    assert service.start_problems(campaign_id) == []
    with pytest.raises(DialerError):
        nodes.drain(77)


def test_a_drained_node_still_sees_that_a_campaign_is_finished():
    campaign_id = make(contacts=1, attempts=1)
    (request,) = claim(campaign_id).requests
    nodes.drain(1)
    nodes.drain(2)
    record(CallResult(request.uid, CallOutcome.BUSY, ended_at=utcnow()))
    claim(campaign_id)
    assert service.get(campaign_id).state == CampaignState.FINISHED


def test_i6_a_node_that_is_gone_for_good_leaves_unknown(monkeypatch):
    campaign_id = make(contacts=9, channel_limit=6)
    lease = a_lease(monkeypatch)
    lease.try_take()
    requests = claim(campaign_id, 1, lease=lease.number).requests
    claim(campaign_id, 2)
    with pytest.raises(DialerError) as caught:
        lost_nodes.give_up(1)
    assert (caught.value.code, open_attempts()) == ("node_not_silent", 6)
    change(Node, 1, seen_at=utcnow() - 2 * NODE_SILENT)
    assert lost_nodes.give_up(1) == len(requests) == 3
    assert open_attempts(node_id=1) == 0
    assert open_attempts(node_id=2) == 3
    assert [c.state for c in contact_rows(campaign_id)].count(ContactState.UNKNOWN) == 3
    assert not lease.renew()  # whoever comes back begins anew
    assert claim(campaign_id, 1, lease=lease.number).requests == []
    assert nodes.get(1).draining


# ---------------------------------------------------------------------- the loop: ticks, sounds


class Placed:
    boot = "boot"
    trouble = ""

    def __init__(self):
        self.requests = []

    def place(self, requests):
        self.requests += requests


def test_ticks_at_the_same_moment_do_no_harm():
    """Two ticks, or ten, are as good as one: what is up is counted, not what was asked for."""
    make(contacts=20, channel_limit=8)
    change(Node, SECOND, draining=True)
    gateway, app = Placed(), current_app._get_current_object()
    loop = DialLoop(1, gateway)

    def tick():
        with app.app_context():
            loop.tick()

    threads = [threading.Thread(target=tick) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({request.number for request in gateway.requests}) == len(gateway.requests) == 8


def test_n15_a_message_that_this_node_lacks_is_fetched_before_the_claim(tmp_path, monkeypatch):
    source = tmp_path / "elsewhere"
    source.mkdir()
    (source / "cd.wav").write_bytes(b"RIFF" + bytes(700_000))
    sounds.keep(source, "cd")
    sounds.keep(source, "cd")
    make(contacts=1)
    change(Campaign, sound="cd")
    gateway = Placed()
    DialLoop(1, gateway).tick()
    assert [request.sound for request in gateway.requests] == ["cd"]
    from config import settings

    assert sounds.path_of(settings.get().sounds, "cd").read_bytes() == (source / "cd.wav").read_bytes()
    assert nodes.get(1).problem == ""


def test_a_node_without_the_message_does_not_claim_and_says_why():
    lost, well = make(contacts=1), make(contacts=1)
    change(Campaign, lost, sound="ee")
    gateway = Placed()
    loop = DialLoop(1, gateway)
    loop.tick()
    assert len(gateway.requests) == 1
    assert (nodes.get(1).problem, nodes.get(1).problem_detail) == ("node_lacks_sound", str(lost))
    service.stop(lost)
    loop.tick()
    assert nodes.get(1).problem == ""
    assert well


def test_nothing_is_claimed_while_the_disk_is_nearly_full(monkeypatch):
    """What came of a call could not be written down, by the PBX as little as by us."""
    make(contacts=1)
    gateway = Placed()
    loop = DialLoop(1, gateway)
    with monkeypatch.context() as full:
        full.setattr(dial_loop.shutil, "disk_usage", lambda _: SimpleNamespace(free=dial_loop.LEAST_FREE - 1))
        loop.tick()
        assert (gateway.requests, nodes.get(1).problem) == ([], "node_disk_full")
    loop.tick()
    assert (len(gateway.requests), nodes.get(1).problem) == (1, "")


def test_messages_of_earlier_releases_are_kept_and_unused_ones_go(tmp_path):
    from config import settings

    make()
    sounds.keep_all(settings.get().sounds)
    (tmp_path / "ef.wav").write_bytes(b"x")
    sounds.keep(tmp_path, "ef")
    sounds.sweep(set)
    assert one(select(func.count()).select_from(SoundFile)) == 2
    change_all = update(SoundFile).values(created_at=utcnow() - dt.timedelta(days=2))
    database.write(lambda session: session.execute(change_all))
    sounds.sweep(set)
    assert one(select(SoundFile.stem)) == "ab"
