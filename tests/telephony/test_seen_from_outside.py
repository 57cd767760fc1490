"""The whole product as an operator sees it: metrics of all processes, one attempt's log lines, backup and restore."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from campaigns import service
from campaigns.models import Attempt, Campaign, Contact
from campaigns.states import CampaignState, Disposition
from config import database, supervisor
from config import settings as all_settings
from config.extensions import db
from ops import backup
from tests.support.campaign import make_campaign, start
from tests.support.servers import wait_until
from tests.support.stack import Stack

pytestmark = pytest.mark.telephony
#: They answer after a second and listen.
NUMBERS = [f"7900556{i:02d}20" for i in range(8)]
CALLED = select(Attempt.uid).where(Attempt.disposition == Disposition.REACHED)


@pytest.fixture
def stack(tmp_path, monkeypatch):
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


def get(stack, path):
    with urllib.request.urlopen(stack.address + path) as answer:
        return answer.read().decode()


def ready(stack):
    try:
        return json.loads(get(stack, "ready"))["status"] == "ready"
    except OSError:
        return False


def command(stack, *arguments):
    """The operator's command line, as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "web.cli", *arguments],
        env={**os.environ, **stack.copy.environment},
        cwd=supervisor.ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def count(query):
    with database.read() as session:
        return len(session.scalars(query).all())


def metrics(stack):
    """Name and role -> sum of its samples."""
    found = {}
    for family in text_string_to_metric_families(get(stack, "metrics")):
        for sample in family.samples:
            key = (sample.name, sample.labels.get("process", ""))
            found[key] = found.get(key, 0) + sample.value
    return found


def test_seen_from_outside_and_restored(stack, tmp_path):
    wait_until(lambda: ready(stack), 40, hint="ready")
    campaign_id = make_campaign(stack, NUMBERS, channel_limit=4, attempts=1)
    start(campaign_id)
    wait_until(lambda: count(CALLED) >= 4 and service.counts([campaign_id])[campaign_id].open, 30, hint="half of it")
    backup.make(stack.settings, tmp_path / "b.tar.gz")  # here, since the command takes longer to start than the calls
    wait_until(lambda: service.get(campaign_id).state == CampaignState.FINISHED, 30, hint="its end")

    wait_until(lambda: metrics(stack).get(("obzvon_task_seconds_count", "jobs")), 30, hint="a job that beat sent")
    claimed = count(select(Attempt.id))  # a busy machine may be too late with a call, and claims it once more
    # Counted a moment after the commit.
    wait_until(lambda: metrics(stack).get(("obzvon_outcomes_total", "dial")) == claimed, 20, hint="all outcomes")
    told = metrics(stack)
    assert told["obzvon_event_lag_seconds_count", "dial"] == count(CALLED) == len(NUMBERS)
    assert told["obzvon_claimed_calls_total", "dial"] == claimed
    assert told["obzvon_beat_messages_total", "beat"] > 0
    assert told["obzvon_request_seconds_count", "web"] > 0
    follows_one_attempt(stack)
    assert "MB" in command(stack, "backup", "--to", str(tmp_path / "later.tar.gz"))

    stack.stop()
    db.engine.dispose()
    shutil.rmtree(stack.copy.home)
    said = command(stack, "restore", "--from", str(tmp_path / "b.tar.gz"))
    assert "1 campaigns came back paused" in said
    stack.start()
    goes_on_after_the_restore(stack, campaign_id)


def follows_one_attempt(stack):
    """Its lines of all files, in order of time, by the documented command."""
    with database.read() as session:
        uid = session.scalars(CALLED.order_by(Attempt.id)).first()
    lines = [json.loads(line) for line in command(stack, "trace", uid, "--json").splitlines()]
    events = [line["event"] for line in lines]
    assert [name for name in events if name in ("calls_claimed", "calls_sent", "outcomes_recorded")] == [
        "calls_claimed", "calls_sent", "outcomes_recorded",
    ]  # fmt: skip
    assert {(line["role"], line["node"]) for line in lines} == {("dial", "main")}
    assert lines[0]["task"].startswith("campaigns.")
    assert NUMBERS[0] not in json.dumps(lines)


def goes_on_after_the_restore(stack, campaign_id):
    """Calls that were up at the backup are unknown; the rest waits for Resume, and is called once more at most."""
    with database.read() as session:
        campaign = session.get_one(Campaign, campaign_id)
    assert (campaign.state, campaign.state_code) == ("paused", "restored")
    up = select(Attempt.id).where(Attempt.open_for_contact > 0)
    wait_until(lambda: count(up) == 0, 30, hint="open calls settled")
    unknown = count(select(Contact.id).where(Contact.state == "unknown"))
    assert unknown >= 1
    start(campaign_id)
    wait_until(lambda: service.get(campaign_id).state == CampaignState.FINISHED, 40, hint="its end")
    assert count(select(Contact.id).where(Contact.state == "unknown")) == unknown  # nobody called them by itself
    assert count(select(Contact.id).where(Contact.state == "reached")) == len(NUMBERS) - unknown
