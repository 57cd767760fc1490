"""Each callee hears his own sentence, whole, at once after his answer and without gaps, in his language: N9, N15."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sqlalchemy import select, update

from campaigns import service
from campaigns.message.blocks import Message
from campaigns.message.prompts import Prompts
from campaigns.models import Attempt, Contact
from campaigns.states import CampaignState
from config import database
from config import settings as all_settings
from dialer import nodes
from tests.support.audio import RATE, likeness
from tests.support.campaign import make_campaign, start
from tests.support.carrier_log import read_calls
from tests.support.metronome import Metronome
from tests.support.servers import wait_until
from tests.support.stack import stack as product
from tts.pieces import Pieces, write_wav

pytestmark = pytest.mark.telephony

SOUND = "0123456789abcdef" * 2
#: Rows of the base. Each is called once; the callees listen to the end.
ROWS = {
    "a": {"Долг": "1 251,20", "Срок": "12.12.2026", "Язык": "ru"},
    "b": {"Долг": "99 021,05", "Срок": "31.12.2026", "Язык": ""},
    "c": {"Долг": "7,00", "Срок": "25.12.2026", "Язык": "en"},
    "d": {"Долг": "305,50", "Срок": "24.12.2026", "Язык": "cs"},
    "e": {"Долг": "", "Срок": "24.12.2026", "Язык": "ru"},
}
SPOKEN = "abcd"
NUMBERS = {f"79005550{place}16": row for place, row in enumerate(ROWS)}
WORDS = {"ru": ("Ваш долг", "Оплатите до"), "en": ("Your debt is", "Please pay by"), "cs": ("Dlužíte", "Zaplaťte do")}
#: RMS under which a hundredth of a second counts as silence (-54 dBFS), and the longest silence where blocks meet.
SILENT, LONGEST_GAP_S = 0.002, 0.12
#: The callees' phones stand still for so long while the message is said; their recordings lack nothing for that.
FROZEN_S = 0.3


def message():
    def blocks(language):
        debt, until = WORDS[language]
        return [
            {"kind": "sound", "stem": SOUND},
            {"kind": "text", "text": debt},
            {"kind": "field", "column": "Долг", "say": "money", "currency": "RUB", "key_phrase": True},
            {"kind": "text", "text": until},
            {"kind": "field", "column": "Срок", "say": "date"},
        ]

    variants = {language: blocks(language) for language in WORDS}
    return Message.model_validate({"default_language": "ru", "language_column": "Язык", "variants": variants})


@pytest.fixture(scope="module")
def called(tmp_path_factory):
    """The campaign's id, and its contacts' numbers with their row and attempt, after the campaign's end."""
    home = tmp_path_factory.mktemp("personal")
    with product(home) as copy, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OBZVON_HOME", str(home))
        all_settings.get.cache_clear()
        with copy.app.app_context():
            t = np.arange(RATE) / RATE
            tones = np.sin(2 * np.pi * (400 * t + 200 * t * t)) * 3000
            write_wav(copy.settings.sounds / f"{SOUND}.wav", tones.astype(np.int16))
            campaign_id = make_campaign(copy, list(NUMBERS), notification_s=600.0, channel_limit=4)
            database.write(_fill)
            service.set_message(campaign_id, message())
            copy.kill("jobs")  # whoever was at work on it is dead: the next one goes on
            wait_until(lambda: service.prepare_progress(campaign_id).ready == len(SPOKEN), 90, "every contact's sound")
            with Metronome() as metronome:
                start(campaign_id)
                wait_until(
                    lambda: sum(node.talking for node in nodes.all_nodes()) == len(SPOKEN), 30, "all have answered"
                )
                copy.kill("carrier", signal.SIGSTOP)
                time.sleep(FROZEN_S)
                copy.kill("carrier", signal.SIGCONT)
                wait_until(lambda: service.get(campaign_id).state == CampaignState.FINISHED, 120, "the campaign's end")
            rows = _rows(campaign_id)
            wait_until(lambda: len(ended(copy)) == len(SPOKEN), 5, "the carrier's log")
            yield copy, campaign_id, rows, metronome


def _fill(session):
    for number, row in NUMBERS.items():
        session.execute(update(Contact).where(Contact.number == number).values(fields=ROWS[row], due_at=None))


def _rows(campaign_id):
    with database.read() as session:
        contacts = session.scalars(select(Contact).where(Contact.campaign_id == campaign_id)).all()
        attempts = {one.contact_id: one for one in session.scalars(select(Attempt))}
    return {contact.number: (contact, attempts.get(contact.id)) for contact in contacts}


def ended(copy):
    """The carrier's calls that are over, by attempt; their recordings are closed."""
    return {call.uid: call for call in read_calls(copy.settings.carrier_log) if call.ended is not None}


@dataclass
class Heard:
    """One call: the pieces that were to be said, the recording of what was heard, and what the carrier's clock says."""

    pieces: list[np.ndarray]
    path: Path
    samples: np.ndarray
    #: From the answer to the first packet, of which the recording knows nothing.
    waited_s: float
    #: From the first packet to the end of the call.
    lasted_s: float
    #: Of the first second, and of all of it: the machine ran none of us, other programs had it.
    machine_at_first_s: float
    machine_s: float

    @property
    def begins_s(self) -> float:
        """From the answer to the first sound."""
        return self.waited_s + sound_in(self.samples)[0] / RATE

    @property
    def longest_gap_s(self) -> float:
        """Silence from the last sound of a piece to the first of the next, where each was heard."""
        longest, after_s = 0.0, None
        for piece in self.pieces:
            loud, at = sound_in(piece), position(piece, self.samples)
            if after_s is not None:
                longest = max(longest, (at + loud[0]) / RATE - after_s)
            after_s = (at + loud[-1]) / RATE + 0.01
        return longest

    @property
    def held_up_s(self) -> float:
        """Time of the call in which no packet came: gaps that the recording does not show, and the end."""
        return self.lasted_s - len(self.samples) / RATE


def call_to(called, row):
    """The call to this row of the base."""
    copy, _campaign_id, rows, metronome = called
    kept = Pieces(copy.settings.played)
    contact, attempt = rows[next(number for number, its_row in NUMBERS.items() if its_row == row)]
    pieces = [kept.read(stem) / 32768 for stem in Prompts.from_json(contact.prompts).main]
    path = copy.settings.carrier_recordings / f"{attempt.uid}.wav"
    samples, rate = soundfile.read(path)
    assert rate == RATE
    call = ended(copy)[attempt.uid]
    waited_s, lasted_s = call.answered - call.picked_up, call.ended - call.answered
    machine_s = [metronome.late_s(call.picked_up, until) for until in (call.picked_up + 1, call.ended)]
    return Heard(pieces, path, samples, waited_s, lasted_s, *machine_s)


def sound_in(samples):
    """Where each hundredth of a second that is no silence begins, in samples."""
    hundredth = RATE // 100
    frames = samples[: len(samples) // hundredth * hundredth].reshape(-1, hundredth)
    return np.flatnonzero(np.sqrt(np.square(frames).mean(axis=1)) > SILENT) * hundredth


def position(piece, samples):
    """The sample at which this was heard."""
    size = len(piece) + len(samples)
    alike = np.fft.irfft(np.fft.rfft(samples, size) * np.conj(np.fft.rfft(piece, size)), size)
    return int(np.argmax(alike[: len(samples)]))


@pytest.mark.parametrize("row", SPOKEN)
def test_n9_the_callee_hears_his_own_sentence(called, row):
    heard = call_to(called, row)
    assert likeness(np.concatenate(heard.pieces), heard.path) >= 0.95
    for other in set(SPOKEN) - {row}:
        amount = call_to(called, other).pieces[2]
        assert likeness(amount, heard.path) < 0.7


@pytest.mark.parametrize("row", SPOKEN)
def test_speech_begins_with_the_answer(called, row):
    heard = call_to(called, row)
    assert heard.begins_s <= 0.3 + heard.machine_at_first_s


@pytest.mark.parametrize("row", SPOKEN)
def test_n15_no_gap_where_blocks_meet(called, row):
    heard = call_to(called, row)
    assert heard.longest_gap_s <= LONGEST_GAP_S
    assert heard.held_up_s <= LONGEST_GAP_S + heard.machine_s


def test_n14_reached_by_the_key_phrase(called):
    """The notification time is ten minutes, so only the phrase can have counted."""
    _copy, _campaign_id, rows, _metronome = called
    found = [rows[number] for number, row in NUMBERS.items() if row in SPOKEN]
    assert {contact.state for contact, _attempt in found} == {"reached"}
    assert {attempt.reached_by for _contact, attempt in found} == {"phrase"}


def test_who_has_no_amount_is_not_called_and_it_is_said_why(called):
    _copy, _campaign_id, rows, _metronome = called
    contact, attempt = rows["79005550416"]
    assert attempt is None
    assert (contact.state, contact.last_disposition) == ("not_reached", "not_prepared")
    assert (contact.prepare_code, contact.prepare_column) == ("message_field_missing", "Долг")


def test_listening_in_the_browser_is_what_the_callee_heard(called, monkeypatch):
    copy, campaign_id, rows, _metronome = called
    monkeypatch.setenv("OBZVON_HOME", str(copy.settings.home))
    all_settings.get.cache_clear()
    contact, _attempt = rows["79005550016"]
    began = time.monotonic()
    path = service.preview(campaign_id, contact.id)
    assert time.monotonic() - began < 5
    heard = call_to(called, "a")
    assert np.array_equal(soundfile.read(path)[0], np.concatenate(heard.pieces))
    assert likeness(soundfile.read(path)[0], heard.path) >= 0.95
