"""kill -9 of each process at each step of a call; the carrier's log is the judge (I1 to I7)."""

import datetime as dt
import signal
import time

import pytest
from sqlalchemy import func, or_, select

from campaigns import service
from campaigns.models import Attempt, Campaign, Contact
from campaigns.states import CampaignState, Disposition
from chaos.oracle import Fault
from config import database
from config import settings as all_settings
from tests.support import oracle
from tests.support.campaign import hold_back, let_go, make_campaign, start
from tests.support.carrier_log import wait_for_ends
from tests.support.servers import wait_until
from tests.support.stack import stack as product

pytestmark = pytest.mark.telephony


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """One copy of the product for all faults of this file."""
    with product(tmp_path_factory.mktemp("crashes")) as started:
        yield started


@pytest.fixture
def stack(copy, monkeypatch):
    """The copy; what this test calls of the product's own code speaks to it."""
    monkeypatch.setenv("OBZVON_HOME", str(copy.settings.home))
    all_settings.get.cache_clear()
    with copy.app.app_context():
        yield copy


LIMIT, ATTEMPTS = 12, 2
#: Answered and heard, busy, declined, busy first, hangs up early, answers late enough to be killed while it rings.
TAILS = (16, 1, 4, 11, 6, 20)

POINTS = (
    "after_claim",
    "originate_before_send",
    "originate_after_send",
    "after_answer_event",
    "before_record",
    "after_record_before_journal_delete",
)


def run_campaign(stack, *faults):
    """Dial contacts while ``faults`` come, one after another, with calls up. :returns: the campaign's id.

    For each there are contacts of its own, who are held back: others may all have been called by then.
    """
    numbers = [f"7900555{i:02d}{tail:02d}" for i in range(3 + 2 * len(faults)) for tail in TAILS]
    campaign_id = make_campaign(stack, numbers, channel_limit=LIMIT, attempts=ATTEMPTS, retry_s=1)
    hold_back(campaign_id, 2 * len(faults) * len(TAILS))
    start(campaign_id)
    for fault in faults:
        before = outcomes(campaign_id)
        let_go(campaign_id, len(TAILS))
        wait_until(lambda before=before: outcomes(campaign_id) >= before + 6, 60, hint="outcomes before the fault")
        fault(campaign_id)
    wait_until(lambda: service.get(campaign_id).state == CampaignState.FINISHED, 90, hint="the campaign's end")
    return campaign_id


def outcomes(campaign_id):
    return count(Attempt.campaign_id == campaign_id, Attempt.disposition.is_not(None))


def count(*conditions):
    with database.read() as session:
        return session.execute(select(func.count()).select_from(Attempt).where(*conditions)).scalar_one()


def calls_begin(campaign_id):
    """Lets some of them go, and returns once the last one is called: that call lasts for seconds."""
    let_go(campaign_id, len(TAILS))
    with database.read() as session:
        soon = or_(Contact.due_at.is_(None), Contact.due_at < database.utcnow() + dt.timedelta(minutes=30))
        query = select(func.max(Contact.id)).where(Contact.campaign_id == campaign_id, soon)
        last = session.execute(query).scalar_one()
    wait_until(lambda: count(Attempt.contact_id == last), 30, hint="calls")


def judge(stack, campaign_id, *faults):
    wait_for_ends(stack.settings.carrier_log, max((fault.time for fault in faults), default=0.0))
    assert oracle.breaches(stack, campaign_id, *faults) == []


def test_kill_of_the_dial_worker_at_each_point(stack):
    def fault_at(point):
        def fault(campaign_id):
            before = stack.pid("dial")
            stack.arm(point)
            let_go(campaign_id, len(TAILS))
            wait_until(lambda: stack.pid("dial") not in (before, 0), 60, hint=f"death at {point} and return")

        return fault

    judge(stack, run_campaign(stack, *map(fault_at, POINTS)))


def test_kill_of_redis_and_of_beat_jobs_and_web(stack):
    def redis(campaign_id):
        calls_begin(campaign_id)
        stack.kill("redis", signal.SIGKILL)

    def the_three(campaign_id):
        calls_begin(campaign_id)
        for name in ("beat", "jobs", "web"):
            stack.kill(name, signal.SIGKILL)

    judge(stack, run_campaign(stack, redis, the_three))


def test_i6_kill_of_asterisk_leaves_unknown_only_what_was_up(stack):
    up = {}

    def fault(campaign_id):
        calls_begin(campaign_id)
        with database.read() as session:
            open_now = session.execute(select(Attempt.uid).where(Attempt.open_for_contact > 0)).scalars().all()
        up["before"] = set(open_now)
        up["died_at"] = time.time()
        stack.kill("pbx", signal.SIGKILL)

    campaign_id = run_campaign(stack, fault)
    judge(stack, campaign_id, Fault(up["died_at"], "kill", "pbx"))
    with database.read() as session:
        query = select(Attempt.uid).where(Attempt.campaign_id == campaign_id)
        unknown = set(session.execute(query.where(Attempt.disposition == Disposition.UNKNOWN)).scalars())
        states = session.execute(select(Campaign.state_code).where(Campaign.id == campaign_id)).scalar_one()
    assert 0 < len(unknown) <= LIMIT + len(up["before"])
    assert states == ""
