"""What a callee did is written with the outcome; who asks for no more calls gets none. On both databases."""

import base64
import datetime as dt

import pytest
from sqlalchemy import select, update

from campaigns import do_not_call, removal, service, step_statistics, store
from campaigns.errors import CampaignError
from campaigns.message.blocks import Message
from campaigns.message.prompts import Prompts
from campaigns.models import Attempt, AttemptStep, Campaign, Contact, DoNotCall
from campaigns.states import CampaignState, ContactState, Disposition, ReachedBy
from config import database
from config.audit import AuditEntry
from config.database import utcnow
from dialer import trunk_caps
from dialer.calls import CallOutcome, Handover, HandoverResult, Machine, StepDone
from tests.integration.calling.rig import claim, contact_rows, ended, make, one, record
from web import queries

pytestmark = pytest.mark.usefixtures("app")

ANSWERED = CallOutcome.ANSWERED


def attempt_of(campaign_id):
    with database.read() as session:
        return session.execute(select(Attempt).where(Attempt.campaign_id == campaign_id)).scalars().one()


def call(**result):
    """A campaign with one contact, who was called with this result. :returns: the campaign's id."""
    prompts = result.pop("prompts", None)
    campaign_id = make(contacts=1)
    if prompts:
        database.write(lambda session: session.execute(update(Contact).values(prompts=prompts)))
    ended(claim(campaign_id).requests, ANSWERED, **result)
    return campaign_id


def test_steps_are_written_once_and_go_with_the_campaign():
    done = (StepDone("main", "1", "pays", "yes"), StepDone("bye", "end"))
    campaign_id = make(contacts=1)
    requests = claim(campaign_id).requests
    for _ in range(2):
        ended(requests, ANSWERED, steps=done, listened_s=9, machine=Machine("human", "HUMAN-1-2"))
    attempt = attempt_of(campaign_id)
    assert (attempt.machine, attempt.machine_cause) == ("human", "HUMAN-1-2")
    with database.read() as session:
        rows = session.execute(select(AttemptStep).order_by(AttemptStep.position)).scalars().all()
    assert [(row.attempt_id, row.campaign_id, row.step, row.result, row.name, row.value) for row in rows] == [
        (attempt.id, campaign_id, "main", "1", "pays", "yes"),
        (attempt.id, campaign_id, "bye", "end", "", ""),
    ]
    database.write(
        lambda session: session.execute(
            update(Campaign).where(Campaign.id == campaign_id).values(state=CampaignState.DELETING)
        )
    )
    removal.remove(campaign_id)
    with database.read() as session:
        assert session.execute(select(AttemptStep)).first() is None


TALKED = Handover("queue:operators", HandoverResult.TALKED, 2.5, 40.25)


def test_hand_overs_that_came_to_nothing_are_written_once_and_go_with_the_campaign():
    before = (Handover("queue:operators", HandoverResult.FULL), Handover("sip:a@b:5060", HandoverResult.BUSY, 1.5))
    campaign_id = call(handovers_before=before, handover=TALKED)
    attempt = attempt_of(campaign_id)
    rows = step_statistics.failed_handovers([attempt.id])[attempt.id]
    assert [(row.handover, row.handover_result, row.waited_s) for row in rows] == [
        ("queue:operators", "full", 0.0),
        ("sip:a@b:5060", "busy", 1.5),
    ]
    counted = step_statistics.of_campaign(campaign_id).handovers
    assert {(row.to, row.result): row.count for row in counted} == {
        ("queue:operators", "full"): 1,
        ("queue:operators", "talked"): 1,
        ("sip:a@b:5060", "busy"): 1,
    }
    deleting = update(Campaign).where(Campaign.id == campaign_id).values(state=CampaignState.DELETING)
    database.write(lambda session: session.execute(deleting))
    removal.remove(campaign_id)
    assert step_statistics.failed_handovers([attempt.id]) == {}


@pytest.mark.parametrize(
    ("result", "disposition", "by"),
    [
        ({"listened_s": 4}, Disposition.REACHED, ReachedBy.TIME),
        ({"listened_s": 3.9}, Disposition.NOT_HEARD, ""),
        ({"listened_s": 1, "played_to_end": True}, Disposition.REACHED, ReachedBy.TIME),
        ({"listened_s": 1, "confirmed": True}, Disposition.REACHED, ReachedBy.KEY),
        ({"listened_s": 1, "handover": TALKED}, Disposition.REACHED, ReachedBy.KEY),
        (
            {"listened_s": 1, "handover": Handover("queue:operators", HandoverResult.GAVE_UP, 9)},
            Disposition.NOT_HEARD,
            "",
        ),
        ({"listened_s": 6, "prompts": {"h": 5.5, "s": 12}}, Disposition.REACHED, ReachedBy.PHRASE),
        ({"listened_s": 5, "prompts": {"h": 5.5, "s": 12}}, Disposition.NOT_HEARD, ""),
        ({"listened_s": 5, "prompts": {"h": None, "s": 12}}, Disposition.REACHED, ReachedBy.TIME),
        # What was typed while the words were read took its own time.
        ({"listened_s": 9, "prompts": {"h": None, "s": 3.5}}, Disposition.NOT_HEARD, ""),
    ],
)
def test_n14_what_makes_reached_is_told(result, disposition, by):
    attempt = attempt_of(call(**result))
    assert (attempt.disposition, attempt.reached_by) == (disposition, by)


def test_a_hand_over_is_written_and_its_second_call_is_counted():
    ended_at = utcnow()
    times = {"answered_at": ended_at - dt.timedelta(seconds=60), "ended_at": ended_at}
    attempt = attempt_of(call(handover=TALKED, **times))
    told = (attempt.handover, attempt.handover_result, attempt.waited_s, attempt.talked_s)
    assert told == ("queue:operators", "talked", 2.5, 40.25)
    call(handover=Handover("number:74950000001", HandoverResult.TALKED, 2.5, 40.25), **times)
    call(handover=Handover("number:74950000001", HandoverResult.BUSY, 2.5), **times)
    with database.read() as session:
        used = trunk_caps.used(session, 1, ended_at)
    assert (used.seconds, used.calls) == (3 * 60 + 41, 4)


def message(action):
    """A message of blocks with this action after it."""
    words = {"en": [{"kind": "pause", "seconds": 1}]}
    return Message.model_validate({"default_language": "en", "variants": words, "after": action}).to_json()


NUMBER = {"kind": "number", "number": "+74950000001"}


def hand_over_to_numbers(campaign_id):
    prepared(campaign_id, f"numbers{campaign_id}", message(NUMBER))


def prepared(campaign_id, version, kept):
    values = {"message": kept, "message_version": version}
    prompts = {"prepared": version, "prompts": Prompts("en", {}).to_json()}

    def work(session):
        session.execute(update(Campaign).where(Campaign.id == campaign_id).values(**values))
        session.execute(update(Contact).where(Contact.campaign_id == campaign_id).values(**prompts))

    database.write(work)


def test_n8_the_operators_telephone_gets_the_name_from_the_base():
    campaign_id = make(contacts=2)
    given = message({"kind": "transfer"}) | {"name_column": "who"}
    prepared(campaign_id, f"names{campaign_id}", given)
    names = {"79005550000": "Анна, ${SHELL(id)}", "79005550001": ""}
    for number, name in names.items():
        values = {"fields": {"who": name}}
        database.write(lambda s, n=number, v=values: s.execute(update(Contact).where(Contact.number == n).values(v)))
    requests = {request.number: request.variables for request in claim(campaign_id).requests}
    encoded = requests["79005550000"]["OBZ_NAME"]
    assert base64.b64decode(encoded + "==").decode() == names["79005550000"]
    assert "OBZ_NAME" not in requests["79005550001"]


def test_a_test_call_that_is_late_is_not_made():
    late = make(contacts=1, test_of=77, created_at=utcnow() - store.TRIAL_LATE - dt.timedelta(seconds=1))
    assert claim(late).requests == []
    assert len(claim(make(contacts=1, test_of=77)).requests) == 1


def test_i4_a_call_that_may_be_handed_over_to_a_number_takes_two_channels():
    campaign_id = make(contacts=10, trunk=2, channel_limit=9)  # the trunk has four
    hand_over_to_numbers(campaign_id)
    requests = claim(campaign_id).requests
    assert len(requests) == 2
    assert requests[0].variables["OBZ_A_01"] == "refused:number:74950000001|hangup"  # the trunk dials 7900 only
    assert claim(campaign_id).requests == []
    ended(requests[:1], CallOutcome.BUSY)
    assert len(claim(campaign_id).requests) == 1
    assert claim(make(contacts=3, trunk=2)).requests == []


def test_fewer_channels_than_a_call_takes_are_a_problem():
    campaign_id = make(contacts=1, channel_limit=1)
    hand_over_to_numbers(campaign_id)
    assert claim(campaign_id).requests == []
    assert "handover_needs_channels" in [error.code for error in service.start_problems(campaign_id)]


def test_who_opts_out_is_called_by_no_campaign():
    other = make(contacts=2)
    campaign_id = call(listened_s=1, opt_out=True)
    [contact] = contact_rows(campaign_id)
    assert (contact.state, contact.last_disposition) == (ContactState.NOT_REACHED, "do_not_call")
    with database.read() as session:
        [row] = session.execute(select(DoNotCall)).scalars()
    assert (row.number, row.campaign_id) == (contact.number, campaign_id)
    assert service.why_not_called(contact_rows(other)[0].id).rule == "do_not_call"
    assert [request.number for request in claim(other).requests] == ["79005550001"]
    assert contact_rows(other)[0].last_disposition == "do_not_call"
    assert contact_rows(other)[0].state == ContactState.NOT_REACHED


def test_who_heard_the_message_and_opts_out_is_reached():
    attempt = attempt_of(call(listened_s=9, opt_out=True))
    assert attempt.disposition == Disposition.REACHED
    assert one(select(DoNotCall.number)) == "79005550000"


def test_two_opt_outs_of_one_number_at_once():
    first, second = make(contacts=1), make(contacts=1)
    requests = [*claim(first).requests, *claim(second).requests]
    ended(requests, ANSWERED, opt_out=True)
    record()
    assert one(select(DoNotCall.number)) == "79005550000"


def test_a_manager_keeps_the_list(app):
    assert do_not_call.add("8 900 555-00-00", by="anna", comment="by letter") == "79005550000"
    do_not_call.add("+79005550000")
    do_not_call.add("+79005550001")
    found = queries.do_not_call(number="555-00-00")
    assert ([row.number for row in found.items], found.total) == (["79005550000"], 1)
    assert (found.items[0].created_by, found.items[0].comment) == ("anna", "by letter")
    campaign_id = make(contacts=2)
    assert claim(campaign_id).requests == []
    do_not_call.remove("79005550000")
    with pytest.raises(CampaignError) as refused:
        do_not_call.remove("79005550000")
    assert refused.value.code == "do_not_call_missing"
    with pytest.raises(CampaignError) as refused:
        do_not_call.add("12")
    assert refused.value.code == "do_not_call_number_wrong"
    with database.read() as session:
        actions = session.execute(select(AuditEntry.action).order_by(AuditEntry.number)).scalars().all()
    assert actions == ["do_not_call_added", "do_not_call_added", "do_not_call_removed"]
    # After its next start the campaign calls who was taken off the list, and not the other.
    service._make_due_again(campaign_id, revive=True)
    assert [request.number for request in claim(campaign_id).requests] == ["79005550000"]
