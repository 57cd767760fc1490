"""Calls of a campaign that listens for answering machines: what they carry, and what their outcome does."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from campaigns import caps
from campaigns.models import Attempt, Campaign, Contact
from campaigns.states import ContactState, Disposition
from config import database
from config.database import utcnow
from dialer.calls import CallOutcome, Machine
from dialer.models import Trunk
from tests.integration.calling.rig import claim, ended, make, one

pytestmark = pytest.mark.usefixtures("app")

MACHINE = Machine("machine", "MAXWORDS-5-4")


def test_calls_carry_the_policy_and_the_trunks_parameters() -> None:
    """None of it where machines are not listened for."""
    database.write(lambda session: session.execute(update(Trunk).values(amd={"greeting_ms": 1700})))
    off, leave = make(1), make(1, machines="leave", machines_doubtful="key", region="KZ")
    [quiet] = claim(off).requests
    assert not any(name.startswith("OBZ_AMD") for name in quiet.variables)
    [request] = claim(leave).requests
    assert request.variables == {
        "OBZ_AMD": "2500:1700:800:5000:100:50:4:450:5000",
        "OBZ_AMD_BEEP": "1500:40",
        "OBZ_AMD_MACHINE": "leave",
        "OBZ_AMD_ASK": "k/kk",
    }


def test_a_machine_is_called_again_until_the_attempts_are_used() -> None:
    """Each time with what answered and why; then it is not reached, because of a machine."""
    campaign_id = make(1, machines="retry", attempts=2, notification_s=0)
    for attempt in (1, 2):
        ended(claim(campaign_id).requests, CallOutcome.ANSWERED, machine=MACHINE, answered_at=utcnow())
        row = one(select(Attempt).where(Attempt.campaign_id == campaign_id, Attempt.number_of_attempt == attempt))
        assert (row.disposition, row.machine, row.machine_cause) == ("machine", "machine", "MAXWORDS-5-4")
        assert row.counted
        contact = one(select(Contact).where(Contact.campaign_id == campaign_id))
        assert contact.last_disposition == Disposition.MACHINE
        if attempt == 1:
            assert contact.state == ContactState.PENDING
            assert 50 < (contact.due_at - utcnow()).total_seconds() <= 60
            due = update(Contact).values(due_at=utcnow())
            database.write(lambda session, due=due: session.execute(due))
    assert contact.state == ContactState.NOT_REACHED


def test_a_message_that_was_left_is_reached_and_told_apart() -> None:
    campaign_id = make(1, machines="leave")
    requests = claim(campaign_id).requests
    heard = {"listened_s": 6.0, "played_to_end": True, "answered_at": utcnow()}
    ended(requests, CallOutcome.ANSWERED, machine=MACHINE, **heard)
    row = one(select(Attempt).where(Attempt.campaign_id == campaign_id))
    assert (row.disposition, row.machine) == ("reached", "machine")


def test_caps_count_the_seconds_of_listening_and_waiting() -> None:
    """A call may be billed for them as well."""
    trunk = one(select(Trunk).limit(1))
    plain = one(select(Campaign).where(Campaign.id == make(0)))
    listening = one(select(Campaign).where(Campaign.id == make(0, machines="leave")))
    assert caps.longest_s(listening, trunk) == caps.longest_s(plain, trunk) + 5 + 40
