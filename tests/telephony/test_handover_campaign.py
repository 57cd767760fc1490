"""A whole campaign whose callees press keys, are handed over and ask for no more calls: N8, N16; with kill -9 in it."""

import numpy as np
import pytest
from sqlalchemy import select

from campaigns import do_not_call, service, step_statistics
from campaigns.message.blocks import Message
from campaigns.models import Attempt, Contact
from campaigns.states import CampaignState
from config import database
from config import settings as all_settings
from dialer.pbx_config import seat_log
from tests.support.audio import RATE
from tests.support.campaign import make_campaign, start
from tests.support.carrier_log import read_calls, wait_for_ends
from tests.support.servers import wait_until
from tests.support.stack import stack as product
from tts.pieces import write_wav

pytestmark = pytest.mark.telephony

SOUND = "0123456789abcdef" * 2
#: He presses 1 after 2 s and stays 10 s more; he presses 9; he presses 1 and types a number; he presses 5.
TALKS, OPTS_OUT, TYPES, WRONG = "79005550107", "79005550109", "79005550118", "79005550119"


def message(first_key):
    words = {"en": [{"kind": "sound", "stem": SOUND}]}
    enter = {"kind": "enter", "name": "reading", "least": 3, "most": 8}
    keys = {"1": first_key, "9": {"kind": "opt_out"}}
    return Message.model_validate(
        {
            "default_language": "en",
            "variants": words,
            "choice": {"keys": keys, "timeout_s": 2, "tries": 2},
            "steps": {"meter": {"variants": words, "after": enter}},
        }
    )


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One copy of the product for this file."""
    with product(tmp_path_factory.mktemp("handover")) as copy:
        yield copy


@pytest.fixture
def copy(running, monkeypatch):
    """The copy; what this test calls of the product's own code speaks to it."""
    monkeypatch.setenv("OBZVON_HOME", str(running.settings.home))
    all_settings.get.cache_clear()
    t = np.arange(3 * RATE) / RATE
    write_wav(running.settings.sounds / f"{SOUND}.wav", (np.sin(2 * np.pi * 500 * t) * 3000).astype(np.int16))
    with running.app.app_context():
        yield running


def started(copy, numbers, first_key):
    campaign_id = make_campaign(copy, numbers, notification_s=600.0, attempts=2, retry_s=1)
    service.set_message(campaign_id, message(first_key))
    start(campaign_id)
    return campaign_id


def rows(campaign_id):
    """Contacts and their attempts by number."""
    query = select(Contact, Attempt).outerjoin(Attempt, Attempt.contact_id == Contact.id)
    with database.read() as session:
        found = session.execute(query.where(Contact.campaign_id == campaign_id).order_by(Attempt.id)).all()
    return {number: [(c, a) for c, a in found if c.number == number] for number in {c.number for c, _ in found}}


def calls_to(copy, number):
    return [call for call in read_calls(copy.settings.carrier_log) if call.number == number]


def test_n8_kill_of_the_dial_worker_and_stop_during_a_hand_over_lose_nothing(copy):
    """The two talk on to their end; the outcome is found by the next worker."""
    campaign_id = started(copy, [TALKS], {"kind": "transfer"})
    heard = copy.settings.carrier_recordings
    wait_until(lambda: list(heard.glob("seat-*.wav")), 60, "the seat answers")
    copy.kill("dial")
    service.stop(campaign_id)
    wait_until(lambda: rows(campaign_id)[TALKS][0][1].disposition, 60, "the outcome")
    [(contact, attempt)] = rows(campaign_id)[TALKS]
    assert (attempt.handover, attempt.handover_result) == ("queue:operators", "talked")
    assert 1.5 <= attempt.waited_s <= 5
    assert 4 <= attempt.talked_s <= 9
    assert (contact.state, attempt.reached_by) == ("reached", "key")
    wait_for_ends(copy.settings.carrier_log)
    [call] = calls_to(copy, TALKS)
    assert call.connected_s > 10
    seats = seat_log(copy.settings)  # one line when it rang, one at its end, which may come later than the outcome
    wait_until(lambda: seats.read_text().count(f'"uid":"{attempt.uid}"') >= 2, 20, "the seat's end")
    assert seats.read_text().count(f'"uid":"{attempt.uid}"') == 2
    steps = step_statistics.of_attempts([attempt.id])[attempt.id]
    assert [step_statistics.told(step) for step in steps] == ["Beginning: 1"]
    [handover] = step_statistics.of_campaign(campaign_id).handovers
    assert (handover.to, handover.result, handover.count) == ("queue:operators", "talked", 1)


def test_n16_keys_do_what_the_message_says(copy):
    campaign_id = started(copy, [OPTS_OUT, TYPES, WRONG], {"kind": "goto", "step": "meter"})
    wait_until(lambda: service.get(campaign_id).state == CampaignState.FINISHED, 120, "the campaign's end")
    found = rows(campaign_id)
    [(contact, attempt)] = found[OPTS_OUT]
    assert (contact.state, attempt.disposition) == ("not_reached", "do_not_call")
    with database.read() as session:
        assert do_not_call.among(session, [OPTS_OUT, TYPES, WRONG]) == {OPTS_OUT}
    counted = {(row.step, row.result, row.name): row.count for row in step_statistics.of_campaign(campaign_id).steps}
    assert counted[("main", "9", "")] == 1
    assert counted[("meter", "end", "reading")] >= 1
    assert counted[("main", "invalid", "")] >= 1
    last = found[TYPES][-1][1]
    [typed] = [step for step in step_statistics.of_attempts([last.id])[last.id] if step.name]
    assert (typed.step, typed.value) == ("meter", "4516")
    # Another campaign does not call him.
    other = started(copy, [OPTS_OUT], {"kind": "repeat"})
    wait_until(lambda: service.get(other).state == CampaignState.FINISHED, 30, "the other campaign's end")
    assert rows(other)[OPTS_OUT][0][0].last_disposition == "do_not_call"
    assert len(calls_to(copy, OPTS_OUT)) == 1
