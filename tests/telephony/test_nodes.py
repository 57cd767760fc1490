"""Two nodes with an Asterisk and a dial worker each, one MariaDB, one broker: Redis or RabbitMQ (I1 to I4, I6).

Each node has a rehearsal carrier of its own; their logs together are the judge.
"""

import json
import os
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
from sqlalchemy import delete, func, select, update

from campaigns import service
from campaigns.message.blocks import Message
from campaigns.message.prompts import Prompts
from campaigns.models import Attempt, Contact, SoundFile
from campaigns.states import CampaignState
from chaos.oracle import Evidence, Fault, judge
from config import database, supervisor
from config import settings as all_settings
from dialer import nodes, trunks
from dialer.lease import TTL_S, Life
from dialer.models import Node, Trunk, TrunkKind
from tests.support import servers
from tests.support.audio import likeness
from tests.support.campaign import hold_back, let_go, make_campaign, start
from tests.support.carrier_log import join, most_at_once, read_calls, wait_for_ends
from tests.support.servers import wait_until
from tests.support.stack import Stack
from tts.pieces import Pieces

pytestmark = pytest.mark.telephony
#: Most calls of the campaign in these tests, over both nodes.
LIMIT = 8
#: Contacts for whom it is decided which node calls them.
HELD_BACK = 8
BOTH = {"main", "second"}


class Two:
    """Both copies; what a test calls of the product's own code speaks to the database and broker of both."""

    def __init__(self, folder, extra):
        self.folder = folder
        #: All that was done to these two so far: a call that died with its carrier has no end in the log.
        self.faults = []
        self.main = Stack(folder / "main", extra)
        further = {"OBZVON_NODE_NAME": "second", "OBZVON_PROCESSES": "pbx,dial"}
        self.second = Stack(folder / "second", extra | further)

    def start(self):
        self.main.start()
        self.second.copy.home.mkdir()
        shutil.copy(self.main.copy.home / "secrets.json", self.second.copy.home)
        self.second.start()

    def stop(self):
        copies = (self.second, self.main)
        with ThreadPoolExecutor() as pool:
            list(pool.map(Stack.stop, copies))
        for copy in copies:
            supervisor.end_leftovers(copy.copy.home, patience_s=0)

    def log(self):
        """What both carriers saw, with the ends of all calls but those that died with their node."""
        logs = {"main": self.main.settings.carrier_log, "second": self.second.settings.carrier_log}
        for node, log in logs.items():
            died = [fault.time for fault in self.faults if fault.kind == "kill" and fault.node == node]
            wait_for_ends(log, max(died, default=0.0))
        return join(list(logs.values()), self.folder / "carriers.jsonl")

    def tagged(self):
        """Without the calls over the trunk that tells the carrier no attempt: nobody could join them."""
        lines = [line for line in self.log().read_text().splitlines(keepends=True) if json.loads(line)["uid"]]
        target = self.folder / "tagged.jsonl"
        target.write_text("".join(lines))
        return target

    def judge(self, campaign_id):
        logs = [log for copy in (self.main, self.second) for log in (copy.settings.home / "logs").glob("dial.log*")]
        logs += self.folder.glob("second-worker.log")
        evidence = Evidence(
            database=self.main.settings.database_url,
            carrier_logs=(self.tagged(),),
            event_logs=tuple(sorted(logs)),
            faults=tuple(self.faults),
            campaigns=frozenset({campaign_id}),
        )
        assert [str(breach) for breach in judge(evidence).breaches] == []


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def running(request, tmp_path_factory):
    """Both nodes, up and connected."""
    folder = tmp_path_factory.mktemp(f"nodes-{request.param}")
    with ExitStack() as stack:
        url = stack.enter_context(request.getfixturevalue("mariadb").database())
        extra = {"OBZVON_DATABASE_URL": url, "OBZVON_BROKER_URL": request.getfixturevalue(f"{request.param}_url")}
        two = Two(folder, extra)
        stack.callback(two.stop)
        two.start()
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in {"OBZVON_HOME": str(two.main.copy.home), **extra}.items():
            patch.setenv(name, value)
        all_settings.get.cache_clear()
        with two.main.app.app_context():
            wait_until(lambda: connected() == BOTH, 60, "both dial workers' connections")
            yield two


@pytest.fixture
def two(running, monkeypatch):
    """Both nodes; the settings of this test are those of the first home."""
    for name, value in running.main.copy.environment.items():
        if name.startswith("OBZVON_"):
            monkeypatch.setenv(name, value)
    all_settings.get.cache_clear()
    return running


@contextmanager
def drained(name):
    """Meanwhile only the other node calls: what that one leaves undone, this one does not do for it."""
    node = node_id(name)
    nodes.drain(node)
    try:
        yield
    finally:
        nodes.take_back(node)


@pytest.fixture
def alone(two):
    """The first node calls alone."""
    with drained("second"):
        yield


def connected():
    return {node.name for node in nodes.all_nodes() if node.is_connected(database.utcnow())}


def node_id(name):
    return next(node.id for node in nodes.all_nodes() if node.name == name)


def count(campaign_id, *conditions, node=None):
    query = select(func.count()).select_from(Attempt).where(Attempt.campaign_id == campaign_id, *conditions)
    with database.read() as session:
        if node is not None:
            query = query.join(Node, Node.id == Attempt.node_id).where(Node.name == node)
        return session.execute(query).scalar_one()


def up(campaign_id, node=None):
    return count(campaign_id, Attempt.open_for_contact > 0, node=node)


def outcomes(campaign_id):
    return count(campaign_id, Attempt.disposition.is_not(None))


def started(two, prefix, contacts, held_back=0, **settings):
    """A campaign of calls that are answered after a second and last three."""
    numbers = [f"7900{prefix}{i:03d}16" for i in range(contacts)]
    campaign_id = make_campaign(two.main, numbers, **{"channel_limit": LIMIT, "attempts": 1, **settings})
    hold_back(campaign_id, held_back)
    start(campaign_id)
    return campaign_id


def calls_alone(name, campaign_id):
    """The other node is drained, and as many as were held back for this one are called by it."""
    since = database.utcnow()
    with drained(*(BOTH - {name})):
        let_go(campaign_id, HELD_BACK)
        claimed = lambda: count(campaign_id, Attempt.claimed_at > since, node=name)  # noqa: E731
        wait_until(lambda: claimed() >= HELD_BACK, 40, f"{name} calls again")


def finished(campaign_id, timeout_s=60):
    done = lambda: service.get(campaign_id).state == CampaignState.FINISHED  # noqa: E731
    wait_until(done, timeout_s, f"the campaign's end; {service.counts([campaign_id])}")


def test_i4_limits_over_both_nodes_and_a_drained_one(two):
    """Campaign limit over both, trunk limits over all nodes of a trunk; one node drained and taken back; two beats."""
    second = node_id("second")

    def work(session):
        carrier = two.second.settings
        solo = Trunk(
            name="solo", kind=TrunkKind.SIP, host=carrier.carrier_host, port=carrier.carrier_sip_port, channels=2
        )
        session.add(solo)
        solo.nodes = [session.get(Node, second)]
        session.execute(update(Trunk).where(Trunk.name == "rehearsal").values(channels=LIMIT + 2))

    database.write(work)
    trunks.tell_nodes()
    beat = [sys.executable, "-m", "web.cli", "process", "beat"]
    with servers.running(beat, two.folder / "second-beat.log", two.main.copy.environment):
        both = started(two, "550", 26, HELD_BACK)
        shared = started(two, "551", 10, channel_limit=9)
        solo = started(two, "552", 4, trunk_name="solo", channel_limit=5)
        wait_until(lambda: outcomes(both) >= 8, 30, "the first outcomes")
        nodes.drain(second)
        drained_at = database.utcnow()
        wait_until(lambda: up(both, "second") == up(shared, "second") == 0, 30, "the second node is drained")
        assert service.get(both).state == CampaignState.RUNNING
        assert count(both, Attempt.claimed_at > drained_at, node="second") == 0
        nodes.take_back(second)
        calls_alone("second", both)
        for campaign_id in (both, shared, solo):
            finished(campaign_id)
    two.judge(both)
    two.judge(shared)
    calls = read_calls(two.log())
    assert most_at_once([call for call in calls if call.number[4:7] in ("550", "551")]) == LIMIT + 2
    alone = [call for call in calls if call.number[4:7] == "552"]
    assert (len(alone), most_at_once(alone)) == (4, 2)
    assert {count(both, node=name) > 5 for name in BOTH} == {True}


def test_i4_i6_a_node_dies_and_comes_back(two):
    """Its calls keep their slots until it is back and has settled them; the other node goes on meanwhile."""
    campaign_id = started(two, "560", 38, HELD_BACK + 6)
    wait_until(lambda: outcomes(campaign_id) >= 6, 30, "the first outcomes")
    wait_until(lambda: frozen_with_calls_up(two.second, campaign_id), 30, "calls on the second node")
    os.kill(two.second.copy.pid, signal.SIGKILL)
    for pid in two.second.leftovers():
        os.kill(pid, signal.SIGKILL)
    died_at, lost, before = time.time(), up(campaign_id, "second"), outcomes(campaign_id)
    let_go(campaign_id, 6)
    wait_until(lambda: outcomes(campaign_id) >= before + 6, 40, "the first node goes on")
    assert up(campaign_id, "second") == lost > 0
    assert up(campaign_id) <= LIMIT
    two.second.stop()
    two.second.start()
    calls_alone("second", campaign_id)
    finished(campaign_id)
    assert service.counts([campaign_id])[campaign_id].unknown <= lost
    two.faults += [Fault(died_at, "kill", target, node="second") for target in ("pbx", "carrier")]
    two.judge(campaign_id)


def frozen_with_calls_up(copy, campaign_id):
    """Its dial worker stands still while calls of it are up, so that they stay open until it is killed."""
    dial = copy.pid("dial")
    os.kill(dial, signal.SIGSTOP)
    if up(campaign_id, "second") >= 3:
        return True
    os.kill(dial, signal.SIGCONT)
    return False


@pytest.mark.parametrize("running", ["redis"], indirect=True)  # no message has a part in it
def test_i1_two_dial_workers_for_one_node(two, alone):
    """The second waits and says so, takes over from a frozen one, which then does nothing; a dead one is followed."""
    dial, log = [sys.executable, "-m", "web.cli", "process", "dial"], two.folder / "second-worker.log"
    with servers.running(dial, log, two.main.copy.environment) as waiting:
        wait_until(lambda: b"node_has_another_dial_worker" in log.read_bytes(), 30, "it says that it waits")
        first = two.main.pid("dial")
        assert holder("main") == first
        campaign_id = started(two, "570", 30)
        wait_until(lambda: outcomes(campaign_id) >= 6, 30, "the first outcomes")
        frozen_at = time.time()
        os.kill(first, signal.SIGSTOP)
        wait_until(lambda: holder("main") == waiting.pid, 3 * TTL_S, "the second takes over")
        taken_over_at = database.utcnow()
        os.kill(first, signal.SIGCONT)
        two.faults.append(Fault(frozen_at, "freeze", "dial", until=time.time(), node="main"))
        later = (Attempt.claimed_at > taken_over_at, Attempt.disposition.is_not(None))
        wait_until(lambda: count(campaign_id, *later) >= 6, 30, "dialling goes on")
        wait_until(lambda: waits_again(two.main, first), 60, "the woken one ends and waits again")
        waiting.kill()
        wait_until(lambda: holder("main") == two.main.pid("dial"), 8, "the dead one is followed at once")
    finished(campaign_id)
    two.judge(campaign_id)
    assert service.counts([campaign_id])[campaign_id].unknown == 0


def waits_again(copy, first):
    """The dial worker that came after ``first`` has said that it waits."""
    log, pid = (copy.settings.home / "logs" / "dial.log").read_text(), copy.pid("dial")
    waits = [line for line in log.splitlines() if '"node_has_another_dial_worker"' in line]
    return pid != first and any(f'"pid": {pid},' in line for line in waits)


def message():
    amount = {"kind": "field", "column": "Долг", "say": "money", "currency": "RUB"}
    blocks = [{"kind": "text", "text": "Ваш долг"}, amount]
    return Message.model_validate({"default_language": "ru", "variants": {"ru": blocks}})


@pytest.mark.parametrize("running", ["redis"], indirect=True)  # pieces come with the database, by no message
def test_n15_everybody_hears_his_own_sentence_from_either_node(two):
    """The second node makes no pieces, it fetches them ahead; one is lost in the database, one on the first node."""
    numbers = [f"7900580{i:03d}16" for i in range(16)]
    campaign_id = make_campaign(two.main, numbers, channel_limit=LIMIT, notification_s=1.0)

    def debts(session):
        for contact in session.scalars(select(Contact).where(Contact.campaign_id == campaign_id)):
            contact.fields, contact.due_at = {"Долг": f"{contact.line * 1013},20"}, None

    database.write(debts)
    service.set_message(campaign_id, message())
    ready = lambda: service.prepare_progress(campaign_id).ready == len(numbers)  # noqa: E731
    wait_until(ready, 60, "everybody's sound")
    plans = said(campaign_id)
    *_, lost_by_database, lost_by_node = plans.values()
    database.write(lambda session: session.execute(delete(SoundFile).where(SoundFile.stem == lost_by_database[1])))
    made = Pieces(two.main.settings.played)
    sentences = {one: np.concatenate([made.read(stem) for stem in stems]) / 32768 for one, stems in plans.items()}
    assert made.drop([lost_by_node[1]]) == 1
    channels = nodes.get(node_id("main")).channels
    change_main(channels=LIMIT // 2)  # so that both have to call
    start(campaign_id)
    finished(campaign_id)
    change_main(channels=channels)
    two.judge(campaign_id)
    by_node = [recordings(two.main, campaign_id, "main"), recordings(two.second, campaign_id, "second")]
    assert min(map(len, by_node)) >= 2
    heard = by_node[0] | by_node[1]
    assert set(heard) == set(sentences)
    assert min(likeness(sentence, heard[one]) for one, sentence in sentences.items()) >= 0.95
    log = (two.second.settings.home / "logs" / "dial.log").read_text()
    fetched = [json.loads(line) for line in log.splitlines() if '"pieces_fetched"' in line]
    assert sum(line["pieces"] for line in fetched if line["ahead"]) >= 2


def change_main(**values):
    database.write(lambda session: session.execute(update(Node).where(Node.name == "main").values(**values)))


def said(campaign_id):
    """The pieces that each contact is to hear, by his id."""
    query = select(Contact.id, Contact.prompts).where(Contact.campaign_id == campaign_id).order_by(Contact.id)
    with database.read() as session:
        return {contact_id: Prompts.from_json(prompts).main for contact_id, prompts in session.execute(query)}


def recordings(copy, campaign_id, node):
    """What those heard whom this node called, by contact."""
    query = select(Attempt.contact_id, Attempt.uid).join(Node).where(Node.name == node)
    with database.read() as session:
        rows = session.execute(query.where(Attempt.campaign_id == campaign_id)).all()
    return {contact_id: copy.settings.carrier_recordings / f"{uid}.wav" for contact_id, uid in rows}


def holder(name):
    """Process id of the dial worker that speaks for a node."""
    life = Life.parse(nodes.get(node_id(name)).lease_owner)
    return life.pid if life else 0
