"""What managers do while calls are made: nobody is given up by a slip, nothing stands still without a reason."""

import datetime as dt
import threading
import time

import pytest
from flask import current_app
from sqlalchemy import select, update

from campaigns import outcomes, service
from campaigns.dial_loop import DialLoop
from campaigns.errors import CampaignError
from campaigns.models import Campaign, Contact
from campaigns.states import CampaignState, ContactState, Disposition
from config import database
from config.database import utcnow
from dialer.calls import CallOutcome, CallResult
from dialer.models import Node, Trunk
from tests.integration.calling.rig import CLOSED, claim, contact_rows, ended, make, one

pytestmark = pytest.mark.usefixtures("app")


class Placed:
    """A gateway that keeps what it is given."""

    boot = "boot"
    trouble = ""

    def __init__(self):
        self.requests = []

    def place(self, requests):
        self.requests += requests


def change(campaign_id, **settings):
    campaign = service.get(campaign_id)
    form = {name: getattr(campaign, name) for name in service.CampaignForm.model_fields}
    service.update_settings(campaign_id, service.CampaignForm(**{**form, **settings}))


def states(campaign_id):
    return {contact.state for contact in contact_rows(campaign_id)}


@pytest.mark.parametrize(
    ("settings", "code"), [({"windows": {"weekly": []}}, "no_windows"), ({"trunk_id": None}, "trunk_not_chosen")]
)
def test_a_slip_that_would_give_everybody_up_is_refused_while_running(settings, code):
    campaign_id = make(contacts=2)
    with pytest.raises(CampaignError) as refused:
        change(campaign_id, **settings)
    assert refused.value.code == code
    assert service.get(campaign_id).trunk_id == 1
    service.pause(campaign_id)
    change(campaign_id, **settings)


def test_start_revives_those_whom_the_trunk_could_not_dial():
    campaign_id = make(contacts=2)
    database.write(lambda session: session.execute(update(Trunk).values(allowed_prefixes=["1"])))
    claim(campaign_id)
    claim(campaign_id)
    assert (states(campaign_id), service.get(campaign_id).state) == ({ContactState.NOT_REACHED}, CampaignState.FINISHED)
    database.write(lambda session: session.execute(update(Trunk).values(allowed_prefixes=[])))
    service.start(campaign_id)
    assert len(claim(campaign_id).requests) == 2


def test_a_trunk_that_is_switched_off_pauses_with_the_reason():
    campaign_id = make(contacts=2)
    database.write(lambda session: session.execute(update(Trunk).values(enabled=False)))
    claim(campaign_id)
    campaign = service.get(campaign_id)
    assert (campaign.state, campaign.state_code) == (CampaignState.PAUSED, "trunk_switched_off")


def test_finishes_also_after_its_window_has_closed():
    campaign_id = make(contacts=1)
    requests = claim(campaign_id).requests
    change(campaign_id, windows=CLOSED)
    ended(requests, CallOutcome.ANSWERED, played_to_end=True)
    claim(campaign_id)
    assert service.get(campaign_id).state == CampaignState.FINISHED


def test_i6_unknown_of_a_finished_campaign_can_be_called_again():
    campaign_id = make(contacts=1)
    ended(claim(campaign_id).requests, CallOutcome.UNKNOWN)
    claim(campaign_id)
    assert service.get(campaign_id).state == CampaignState.FINISHED
    service.decide_unknown(campaign_id, redial=True)
    assert len(claim(campaign_id).requests) == 1


def test_congestion_of_a_finished_campaign_is_not_reopened_by_another():
    old = make(contacts=9, channel_limit=9, attempts=1)
    ended(claim(old).requests, CallOutcome.CONGESTION)
    claim(old)
    assert service.get(old).state == CampaignState.FINISHED
    ended(claim(make(contacts=1, channel_limit=9)).requests, CallOutcome.CONGESTION)
    assert states(old) == {ContactState.NOT_REACHED}


def test_one_broken_campaign_does_not_stop_the_others():
    make(contacts=3, timezone="Europe/Gone")
    make(contacts=3)
    gateway = Placed()
    DialLoop(1, gateway).tick()
    assert len(gateway.requests) == 3


def test_the_node_is_shared_among_campaigns_of_different_trunks():
    database.write(lambda session: session.execute(update(Node).values(channels=10)))
    database.write(lambda session: session.execute(update(Trunk).values(channels=50)))
    first, second = make(contacts=60, channel_limit=50), make(contacts=60, trunk=2, channel_limit=50)
    assert len(claim(first).requests) == 5
    assert len(claim(second).requests) == 5


def test_not_placed_has_a_brake():
    campaign_id = make(contacts=5, channel_limit=5)
    clock, calls = utcnow(), 0
    for _ in range(60):  # two minutes
        for request in claim(campaign_id, now=clock).requests:
            calls += 1
            result = CallResult(request.uid, CallOutcome.NOT_PLACED, detail="refused")
            database.write(lambda session, r=result, at=clock: outcomes.record(session, [r], at))
        clock += dt.timedelta(seconds=2)
    assert calls <= 5 * 7


def test_i5_the_clock_is_read_after_the_wait_for_the_lock(monkeypatch):
    """The window closes while a claim waits for somebody who writes: nobody is called."""
    campaign_id = make(contacts=3, timezone="UTC")
    opened = utcnow().replace(hour=11, minute=59, second=59, microsecond=500_000)
    offset = opened - utcnow()
    monkeypatch.setattr(database, "utcnow", lambda: utcnow() + offset)
    until_noon = {"weekly": [{"days": list(range(7)), "from": "00:00", "to": "12:00"}]}
    database.write(lambda session: session.execute(update(Campaign).values(windows=until_noon)))
    app, held = current_app._get_current_object(), threading.Event()

    def hold(session):
        session.execute(select(Campaign).with_for_update()).all()
        held.set()
        time.sleep(1.5)

    def holder():
        with app.app_context():
            database.write(hold)

    thread = threading.Thread(target=holder)
    thread.start()
    held.wait()
    gateway = Placed()
    DialLoop(1, gateway).dial(campaign_id)
    thread.join()
    assert gateway.requests == []
    assert one(select(Campaign.state)) == CampaignState.RUNNING
    assert Disposition.EXPIRED not in {contact.last_disposition for contact in contact_rows(campaign_id)}


def test_contacts_are_made_due_in_small_steps_and_looked_for_without_the_write_lock(monkeypatch):
    """On SQLite nobody is dialled while it is held: looking through a large base in each step took a minute of it."""
    campaign_id, statements = make(contacts=7), []
    late = {"put_off": True, "due_at": utcnow() + dt.timedelta(hours=9)}
    database.write(lambda session: session.execute(update(Contact).where(Contact.line < 5).values(**late)))
    write = database.write

    def watched(work):
        return write(lambda session: statements.append(str(work(session).context.statement)))

    monkeypatch.setattr(service, "DUE_CHUNK", 2)
    monkeypatch.setattr(database, "write", watched)
    service._make_due_again(campaign_id, revive=True)
    service._make_due_again(campaign_id, revive=True)
    assert [statement.split()[0] for statement in statements] == ["UPDATE"] * 3
    assert {(row.put_off, row.due_at <= utcnow()) for row in contact_rows(campaign_id)} == {(False, True)}
