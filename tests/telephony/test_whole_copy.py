"""``make run`` as a whole: it ends within 15 s with calls up, whatever ended it, and goes on where it was."""

import os
import signal
import time
import urllib.request

import pytest
from sqlalchemy import func, select

from campaigns import service
from campaigns.models import Attempt
from campaigns.states import CampaignState
from config import database, supervisor
from config import settings as all_settings
from tests.support import oracle
from tests.support.campaign import make_campaign, start
from tests.support.carrier_log import wait_for_ends
from tests.support.servers import wait_until
from tests.support.stack import Stack

pytestmark = pytest.mark.telephony
NAMES = {"pbx", "carrier", "redis", "web", "jobs", "dial", "beat"}
#: They answer after a second and listen.
NUMBERS = [f"7900556{i:02d}20" for i in range(6)]
LIMIT, ATTEMPTS = 6, 3


@pytest.fixture
def stack(tmp_path, monkeypatch):
    """A started copy; what a test calls of the product's own code speaks to it."""
    copy = Stack(tmp_path / "home")
    monkeypatch.setenv("OBZVON_HOME", str(copy.copy.home))
    try:
        copy.start()
        all_settings.get.cache_clear()
        with copy.app.app_context():
            yield copy
    finally:
        copy.stop()
        supervisor.end_leftovers(copy.copy.home, patience_s=0)


def called(campaign_id):
    """Calls made so far."""
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Attempt).where(Attempt.campaign_id == campaign_id))


def calls_up(stack):
    """Start a campaign; return its id when every callee has picked up."""
    campaign_id = make_campaign(stack, NUMBERS, channel_limit=LIMIT, attempts=ATTEMPTS, retry_s=1)
    start(campaign_id)
    wait_until(lambda: called(campaign_id) >= len(NUMBERS), 30, hint="calls")
    time.sleep(2)  # of the three seconds that the message lasts
    return campaign_id


def finishes(stack, campaign_id):
    """It goes on by itself to its end. What was up when the first carrier ended has no end in its log."""
    wait_until(lambda: service.get(campaign_id).state == CampaignState.FINISHED, 60, hint="the campaign's end")
    # In whole seconds; a second later the exchange is not up yet.
    wait_for_ends(stack.settings.carrier_log, stack.processes()["carrier"]["start"] + 1)


def test_ctrl_c_with_calls_up_and_the_next_start(stack):
    """All processes are there; Ctrl-C ends them within 15 s; the next start goes on: nobody lost or doubled."""
    assert set(stack.processes()) == NAMES
    with urllib.request.urlopen(stack.address) as answer:
        assert answer.status == 200
    assert stack.administrator[0] == "admin"
    assert len(stack.administrator[1]) >= 16
    campaign_id = calls_up(stack)
    started = time.monotonic()
    assert stack.stop() == 0
    assert time.monotonic() - started < 15
    assert stack.leftovers() == []
    stack.start()
    assert stack.copy.told["password"] == ""  # shown at the first start only
    finishes(stack, campaign_id)
    assert oracle.breaches(stack, campaign_id) == []


def test_kill_of_everything_and_the_next_start(stack):
    """kill -9 of the command and of supervisord: what is left of them is ended by the next start, and it goes on."""
    campaign_id = calls_up(stack)
    daemon = int((stack.settings.run / "supervisord.pid").read_text())
    os.kill(daemon, signal.SIGSTOP)
    os.kill(stack.copy.pid, signal.SIGKILL)
    os.kill(daemon, signal.SIGKILL)
    stack.stop()
    orphans = set(stack.leftovers())
    assert len(orphans) >= len(NAMES)
    stack.start()
    assert not orphans & set(stack.leftovers())
    finishes(stack, campaign_id)
    assert oracle.breaches(stack, campaign_id) == []
