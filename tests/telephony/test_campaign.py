"""A whole campaign over every behaviour of the rehearsal carrier, on SQLite and MariaDB: N4, N13, N14 and I1 to I4."""

from contextlib import ExitStack

import pytest
import soundfile
from sqlalchemy import select

from campaigns import service
from campaigns.models import Attempt, Contact
from campaigns.states import CampaignState, ContactState, Disposition
from chaos.oracle import judge, keep, read_folder
from config import database
from config import settings as all_settings
from dialer import trunk_caps
from tests.support import oracle
from tests.support.audio import likeness
from tests.support.campaign import make_campaign, start
from tests.support.carrier_log import most_at_once, read_calls, wait_for_ends
from tests.support.servers import wait_until
from tests.support.stack import stack as product

pytestmark = pytest.mark.telephony
LIMIT, ATTEMPTS = 12, 2
REACHED, GIVEN_UP = ContactState.REACHED, ContactState.NOT_REACHED

#: Callees who only listen are recorded whole but for a packet, on a machine however busy; the others' recordings may
#: lack parts of 0.1 s.
LISTENERS = ("11", "12", "16", "99")

#: A busy machine may be too late with a call: then there was none, and the oracle sees to it that there was none.
NOT_PLACED = Disposition.NOT_PLACED

#: Last two digits -> the contact's end, dispositions of its attempts, SIP code of the last one.
TABLE = {
    "01": (GIVEN_UP, ["busy", "busy"], 486),
    "02": (GIVEN_UP, ["no_answer", "no_answer"], 180),
    "03": (GIVEN_UP, ["invalid_number"], 404),
    "04": (GIVEN_UP, ["declined", "declined"], 603),
    "05": (GIVEN_UP, ["congestion", "congestion"], 503),
    "06": (GIVEN_UP, ["answered_not_heard", "answered_not_heard"], 200),
    "07": (REACHED, ["reached"], 200),
    "08": (REACHED, ["reached"], 200),
    "09": (REACHED, ["reached"], 200),
    "10": (GIVEN_UP, ["unavailable", "unavailable"], 480),
    "11": (REACHED, ["busy", "reached"], 200),
    "12": (REACHED, ["reached"], 200),
    "13": (REACHED, ["reached"], 200),
    "14": (GIVEN_UP, ["busy", "busy"], 486),
    "15": (GIVEN_UP, ["no_answer", "no_answer"], 100),
    "16": (REACHED, ["reached"], 200),
    "99": (REACHED, ["reached"], 200),
}


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def dialled(request, tmp_path_factory):
    """The copy, the campaign's id, attempts by uid and contacts by their last two digits, after the campaign's end."""
    extra = {}
    home = tmp_path_factory.mktemp(f"campaign-{request.param}")
    with ExitStack() as stack:
        if request.param == "mariadb":
            extra["OBZVON_DATABASE_URL"] = stack.enter_context(request.getfixturevalue("mariadb").database())
        copy = stack.enter_context(product(home, extra))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in {"OBZVON_HOME": str(home), **extra}.items():
            patch.setenv(name, value)
        all_settings.get.cache_clear()
        with copy.app.app_context():
            numbers = [f"7900555{i:02d}{tail}" for i in range(2) for tail in TABLE]
            campaign_id = make_campaign(copy, numbers, channel_limit=LIMIT, attempts=ATTEMPTS, retry_s=1, ring_s=10)
            start(campaign_id)
            wait_until(lambda: service.get(campaign_id).state == CampaignState.FINISHED, 150, "the campaign's end")
            wait_for_ends(copy.settings.carrier_log)
            yield copy, campaign_id, *rows_of(campaign_id)


def rows_of(campaign_id):
    with database.read() as session:
        attempts = session.execute(select(Attempt).where(Attempt.campaign_id == campaign_id)).scalars().all()
        contacts = session.execute(select(Contact).where(Contact.campaign_id == campaign_id)).scalars().all()
    return {attempt.uid: attempt for attempt in attempts}, contacts


def test_nobody_twice_nobody_lost_never_over_the_limit(dialled):
    copy, campaign_id, _, _ = dialled
    assert oracle.breaches(copy, campaign_id) == []
    assert most_at_once(read_calls(copy.settings.carrier_log)) == LIMIT, (
        "the limit was reached, so keeping to it means something"
    )


def test_the_oracle_says_the_same_of_evidence_that_was_kept(dialled, tmp_path):
    """Tables of either database come back from the folder as they were."""
    copy, campaign_id, _, _ = dialled
    evidence = oracle.evidence(copy, campaign_id)
    keep(evidence, tmp_path)
    judgement = judge(read_folder(tmp_path))
    assert judgement == judge(evidence)
    assert judgement.measures.most_at_once == LIMIT


@pytest.mark.parametrize("tail", TABLE)
def test_n13_n14_each_behaviour_gives_its_dispositions(dialled, tail):
    _, _, attempts, contacts = dialled
    state, dispositions, code = TABLE[tail]
    of_tail = [contact for contact in contacts if contact.number.endswith(tail)]
    assert len(of_tail) == 2
    for contact in of_tail:
        own = [a for a in attempts.values() if a.contact_id == contact.id and a.disposition != NOT_PLACED]
        own.sort(key=lambda attempt: attempt.number_of_attempt)
        assert [attempt.disposition for attempt in own] == dispositions
        assert (contact.state, own[-1].sip_code) == (state, code)


def test_n14_seconds_listened_agree_with_the_carriers_log(dialled):
    copy, _, attempts, _ = dialled
    answered = [call for call in read_calls(copy.settings.carrier_log) if call.answered is not None]
    assert len(answered) >= 20
    for call in answered:
        assert abs(attempts[call.uid].listened_s - call.connected_s) <= 0.5, call.number


def test_what_the_callees_heard_is_the_message(dialled):
    copy, _, attempts, _ = dialled
    message, _ = soundfile.read(copy.settings.sounds / "5feeb.wav")
    heard = [call for call in read_calls(copy.settings.carrier_log) if attempts[call.uid].disposition == "reached"]
    assert len(heard) == 2 * sum(state == REACHED for state, _, _ in TABLE.values())
    for call in heard:
        least = 0.9 if call.number.endswith(LISTENERS) else 0.5
        assert likeness(message, copy.settings.carrier_recordings / call.recording) >= least, call.number


def test_no_log_of_any_process_holds_a_number_in_full(dialled):
    """Of web, jobs, dial, beat, Redis and both Asterisks; the rehearsal carrier's own list of calls is no log."""
    copy, _, _, contacts = dialled
    home = copy.settings.home
    kept = {copy.settings.carrier_log, *home.glob("obzvon.sqlite3*")}
    files = [path for path in home.rglob("*") if path.is_file() and path not in kept]
    assert {"dial.log", "web.log", "jobs.log", "pbx.log", "carrier.log"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        assert [contact.number for contact in contacts if contact.number.encode() in content] == [], path


def test_minutes_of_the_trunk_agree_with_the_carriers_log(dialled):
    """What is billed: each answered call, rounded up to whole seconds."""
    copy, _, attempts, _ = dialled
    answered = [call for call in read_calls(copy.settings.carrier_log) if call.answered is not None]
    trunk_id = next(iter(attempts.values())).trunk_id
    with database.read() as session:
        used = trunk_caps.used(session, trunk_id, database.utcnow())
    assert used.calls == len(answered)
    billed = sum(call.connected_s for call in answered)
    assert billed - 0.1 * used.calls <= used.seconds <= billed + 1.1 * used.calls
