"""From a message and a row to files: each piece made once, the key phrase's end known, faults named (N9, N14, N15)."""

import numpy as np
import pytest

from campaigns.errors import CampaignError
from campaigns.message.blocks import Message
from campaigns.message.compose import Recorded, Silence, Spoken
from campaigns.message.prompts import Prompts
from campaigns.speaking import TOGETHER, Studio, plan, runs
from tests.support.speech import Hummer
from tts import pieces
from tts.engines.chain import Chain
from tts.engines.speech import SpeechError, speech_error
from tts.errors import PhraseError
from tts.pieces import Pieces, write_wav

MONEY = {"kind": "field", "column": "Debt", "say": "money", "currency": "USD"}
SOUND = "0123456789abcdef" * 2


def message(*blocks, **more):
    return Message.model_validate({"default_language": "en", "variants": {"en": list(blocks)}} | more)


def text(words, **more):
    return {"kind": "text", "text": words} | more


@pytest.fixture
def hummer():
    return Hummer()


@pytest.fixture
def studio(tmp_path, hummer):
    return Studio(Pieces(tmp_path / "played"), tmp_path / "sounds", Chain([hummer]))


def prompts(studio, made, row=None):
    return studio.prompts(plan(made, row or {}, "US"))


def test_n9_each_contact_hears_his_own_amount(studio, hummer):
    made = message(text("Your debt is"), MONEY, text(", pay today."))
    first, second = (prompts(studio, made, {"Debt": amount}) for amount in ("1251.20", "7"))
    assert hummer.said == [
        "Your debt is",
        "one thousand two hundred fifty-one dollars twenty cents,",
        "pay today.",
        "seven dollars,",
    ]
    assert [stem in second.main for stem in first.main] == [True, False, True]
    assert first.seconds == pytest.approx(sum(studio.kept.seconds(stem) for stem in first.main), abs=0.001)


def test_made_once_also_by_another_run(studio, hummer, tmp_path):
    made = message(text("Hello"), text("Hello"))
    prompts(studio, made)
    prompts(Studio(studio.kept, tmp_path / "sounds", Chain([hummer])), made)
    assert hummer.said == ["Hello"]


def test_n14_the_end_of_the_key_phrase_is_known(studio):
    made = message(text("Hello"), MONEY | {"key_phrase": True}, {"kind": "pause", "seconds": 1.5}, text("Good bye"))
    said = prompts(studio, made, {"Debt": "7"})
    first_two = sum(studio.kept.seconds(stem) for stem in said.main[:2])
    assert said.heard_s == pytest.approx(first_two, abs=0.001)
    assert studio.kept.seconds(said.main[2]) == 1.5
    assert prompts(studio, message(text("Hello"))).heard_s is None


def test_a_recording_is_evened_like_speech(studio, tmp_path):
    (tmp_path / "sounds").mkdir()
    t = np.arange(8000) / 8000
    write_wav(tmp_path / "sounds" / f"{SOUND}.wav", (1000 * np.sin(2 * np.pi * 300 * t)).astype(np.int16))
    said = prompts(studio, message({"kind": "sound", "stem": SOUND}, text("Hello")))
    recorded, spoken = (np.sqrt(np.square(studio.kept.read(stem).astype(float)).mean()) for stem in said.main)
    assert said.main[0] == pieces.recorded_stem(SOUND) != SOUND
    assert recorded == pytest.approx(spoken, rel=0.2)


def test_a_lost_recording_is_named(studio):
    with pytest.raises(CampaignError) as lost:
        prompts(studio, message({"kind": "sound", "stem": SOUND}))
    assert lost.value.code == "message_sound_lost"


def test_every_place_of_the_message_is_made(studio):
    keys = {"keys": {"1": {"kind": "goto", "step": "more"}}, "invalid": {"en": [text("Wrong key")]}}
    made = message(text("Hello"), choice=keys, steps={"more": {"variants": {"en": [text("More")]}}})
    said = prompts(studio, made)
    assert set(said.places) == {"main", "main.invalid", "more"}
    assert Prompts.from_json(said.to_json()) == said
    assert len(said.stems()) == 3


def test_a_fault_names_the_column(studio):
    with pytest.raises(PhraseError) as wrong:
        prompts(studio, message(MONEY), {"Debt": "a lot"})
    assert wrong.value.field == "Debt"
    with pytest.raises(CampaignError) as nothing:
        prompts(studio, message(MONEY | {"missing": "skip"}), {})
    assert nothing.value.code == "message_nothing_said"


def test_another_engine_speaks_where_the_first_fails_and_that_is_seen(tmp_path):
    """What the second one spoke is kept under its own name: the first is asked again the next time."""
    first, second = Hummer(), Hummer("espeak-ng", "robot")
    kept = Pieces(tmp_path / "played")
    first.dead = True
    studio = Studio(kept, tmp_path, Chain([first, second]))
    said = prompts(studio, message(text("Hello")))
    assert said.main == (pieces.spoken_stem("Hello", "en", "espeak-ng", "robot"),)
    assert studio.fallbacks == {"rhvoice: speech_engine_failed": 1}
    first.dead = False
    again = prompts(Studio(kept, tmp_path, Chain([first, second])), message(text("Hello")))
    assert again.main == (pieces.spoken_stem("Hello", "en", "rhvoice", "hum"),)


def test_personal_words_are_not_offered_to_an_engine_outside(tmp_path):
    outside, inside = Hummer("gtts", "google"), Hummer()
    outside.leaves_house = True
    chain = Chain([outside, inside])
    assert chain.choice("en", personal=True)[0] is inside
    assert chain.choice("en", personal=False)[0] is outside
    outside.personal_accepted = True
    assert chain.choice("en", personal=True)[0] is outside
    with pytest.raises(SpeechError):
        chain.choice("kk")
    with pytest.raises(SpeechError):
        chain.choice("en", "nobody")


@pytest.mark.parametrize(
    ("block", "cell", "words"),
    [
        ({"say": "date"}, "2026-12-12", "двенадцатого декабря"),
        ({"say": "phone"}, "8 (916) 123-45-67", "плюс семь, девятьсот шестнадцать, сто двадцать три"),
        ({"say": "account"}, "40817", "четыреста восемь, семнадцать"),
        ({"say": "digits"}, "407", "четыре ноль семь"),
        ({"say": "whole", "noun_forms": ["день", "дня", "дней"]}, "21", "двадцать один день"),
        ({"say": "percent"}, "12", "двенадцать процентов"),
        ({"say": "time"}, "14:30", "четырнадцать часов тридцать минут"),
        ({"say": "ordinal", "gender": "feminine"}, "3", "третья"),
        ({"say": "text"}, " Иван  Петров ", "Иван Петров"),
    ],
)
def test_every_kind_of_field_is_spoken(block, cell, words):
    made = Message.model_validate(
        {"default_language": "ru", "variants": {"ru": [{"kind": "field", "column": "A"} | block]}}
    )
    (piece,) = plan(made, {"A": cell}, "RU").places["main"]
    assert piece.words.startswith(words)


class Choir(Hummer):
    """Says texts together, but for those in ``alone``; notes its runs."""

    def __init__(self):
        super().__init__()
        self.runs = []
        self.alone = set()
        self.hoarse = False

    def synthesize_together(self, texts, language, voice, rate=100):
        if self.hoarse:
            raise speech_error("speech_engine_failed", engine=self.name)
        self.runs.append(list(texts))
        return [None if text in self.alone else super(Choir, self).synthesize(text, language, voice) for text in texts]


@pytest.fixture
def choir():
    return Choir()


def spoken(*words, language="en"):
    return [Spoken(one, language, "", personal=True) for one in words]


@pytest.mark.parametrize("fault", ["", "one is to be said alone", "none can be told apart"])
def test_texts_of_one_voice_share_a_run(tmp_path, choir, fault):
    """What cannot be told apart there is said alone; what is there already, or comes twice, is not said again."""
    choir.alone = {"nine"} if "alone" in fault else set()
    choir.hoarse = "apart" in fault
    studio = Studio(Pieces(tmp_path / "played"), tmp_path / "sounds", Chain([choir]))
    studio.stem(spoken("seven")[0])
    assert studio.make(spoken("seven", "eight", "nine", "eight")) == {}
    assert choir.runs == ([] if choir.hoarse else [["eight", "nine"]])
    assert choir.said == ["seven", "eight", "nine"]
    assert all(studio.is_there(piece) for piece in spoken("seven", "eight", "nine"))


def test_a_piece_that_cannot_be_made_is_named_and_the_others_are_there(tmp_path, choir):
    choir.broken, choir.alone = {"nine"}, {"nine"}
    studio = Studio(Pieces(tmp_path / "played"), tmp_path / "sounds", Chain([choir]))
    eight, nine, foreign = *spoken("eight", "nine"), *spoken("neun", language="de")
    errors = studio.make([eight, nine, foreign, Recorded(SOUND)])
    assert {type(error) for error in errors.values()} == {SpeechError, CampaignError}
    assert set(errors) == {nine, foreign, Recorded(SOUND)}
    assert studio.is_there(eight)


def test_runs_are_of_one_voice_and_not_too_long():
    english, czech, pause = spoken(*map(str, range(TOGETHER + 1))), spoken("a", "b", language="cs"), Silence(1.0)
    assert runs([*english, czech[0], pause, czech[1]]) == [english[:TOGETHER], english[TOGETHER:], czech, [pause]]
