"""Texts are made sayable, and one engine follows another, visibly. No program is run, no socket opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from setup import speech as setup_speech
from tts.engines import chain as chain_module
from tts.engines import espeak, rhvoice, speech
from tts.engines.chain import Chain, PassedOver
from tts.engines.google import Google
from tts.engines.piper import Piper
from tts.engines.speech import Pcm, SpeechError, Voice, checked, chosen, speech_error


@pytest.fixture(autouse=True)
def _all_are_rested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_module, "resting", {})


class FakeEngine:
    """Speaks as many samples as the text has letters, or fails with a code."""

    def __init__(self, name: str, languages: str, fails: str = "", *, low: bool = False) -> None:
        self.name = name
        self.low_quality = low
        self.leaves_house = False
        self._languages = languages.split()
        self._fails = fails
        self.asked: list[str] = []

    def voices(self, language: str) -> tuple[Voice, ...]:
        if language not in self._languages:
            return ()
        return (Voice(f"{self.name}-1", language, "free"), Voice(f"{self.name}-2", language, "free"))

    def synthesize(self, text: str, language: str, voice: str, rate: int = 100, *, personal: bool = True) -> Pcm:
        text = checked(text, rate)
        self.asked.append(chosen(self, language, voice).name)
        if self._fails:
            raise speech_error(self._fails, engine=self.name)
        return np.ones(len(text), dtype=np.int16)


def test_the_first_engine_speaks_and_the_next_is_not_asked() -> None:
    """With nothing passed over."""
    first, second = FakeEngine("first", "ru"), FakeEngine("second", "ru")
    said = Chain([first, second]).speak("привет", "ru")
    assert (said.engine, said.voice, said.passed_over, len(said.pcm)) == ("first", "first-1", (), 6)
    assert second.asked == []


def test_a_failing_engine_falls_to_the_next_and_it_shows() -> None:
    """The result names who was asked in vain and why, and that the voice is of low quality."""
    chain = Chain([FakeEngine("a", "ru", "speech_engine_slow"), FakeEngine("b", "en"), FakeEngine("c", "ru", low=True)])
    said = chain.speak("привет", "ru", voice="a-2")
    assert said.passed_over == (PassedOver("a", "speech_engine_slow"),)
    assert (said.engine, said.voice, said.low_quality) == ("c", "c-1", True)


def test_an_engine_that_hangs_is_not_waited_for_with_every_piece() -> None:
    """Each piece would wait a minute for it; it is asked again later, and at once when nobody else speaks."""
    hung, well = FakeEngine("a", "ru", "speech_engine_slow"), FakeEngine("b", "ru")
    for _piece in range(3):
        said = Chain([hung, well]).speak("да", "ru", engine="a")
        assert (said.engine, said.passed_over) == ("b", (PassedOver("a", "speech_engine_slow"),))
    assert len(hung.asked) == 1
    with pytest.raises(SpeechError):
        Chain([hung]).speak("да", "ru")
    chain_module.resting["a"] = 0.0  # its rest is over
    Chain([hung, well]).speak("да", "ru")
    assert len(hung.asked) == 3


def test_the_engine_asked_for_goes_first() -> None:
    """By its name, or by its voice's."""
    first, second = FakeEngine("first", "ru"), FakeEngine("second", "ru")
    assert Chain([first, second]).speak("да", "ru", engine="second").engine == "second"
    assert Chain([first, second]).speak("да", "ru", voice="second-2").voice == "second-2"
    assert first.asked == []


def test_nobody_speaks() -> None:
    """All reasons are in the sentence; an unknown voice is said before anybody is asked."""
    chain = Chain([FakeEngine("a", "ru", "speech_engine_slow"), FakeEngine("b", "ru", "speech_engine_failed")])
    with pytest.raises(SpeechError) as caught:
        chain.speak("да", "ru")
    assert caught.value.code == "speech_no_engine"
    assert "a: speech_engine_slow, b: speech_engine_failed" in caught.value.sentence
    with pytest.raises(SpeechError) as caught:
        chain.speak("да", "fr")
    assert caught.value.code == "speech_no_engine"
    with pytest.raises(SpeechError) as caught:
        chain.speak("да", "ru", voice="arina")
    assert caught.value.code == "speech_voice_unknown"


@pytest.mark.parametrize(
    ("text", "rate", "code"),
    [
        ("", 100, "speech_text_empty"),
        (" \n\x00… ", 100, "speech_text_empty"),
        ("x" * 2001, 100, "speech_text_long"),
        ("да", 49, "speech_rate_wrong"),
        ("да", 201, "speech_rate_wrong"),
    ],
)
def test_what_cannot_be_said_is_refused_at_once(text: str, rate: int, code: str) -> None:
    """The text is at fault, so no other engine is asked."""
    second = FakeEngine("b", "ru")
    with pytest.raises(SpeechError) as caught:
        Chain([FakeEngine("a", "ru"), second]).speak(text, "ru", rate=rate)
    assert caught.value.code == code
    assert second.asked == []


def test_texts_become_one_line_without_control_characters() -> None:
    """Control characters steer some engines; line breaks are ends of texts to others."""
    assert checked("да\x01,\r\nнет\u200b \ud800<b>", 100) == "да , нет <b>"


def test_a_personal_text_does_not_leave_the_house() -> None:
    """Off until accepted; with personal data refused until that is accepted too. Nothing is sent to find out."""
    nowhere = "http://192.0.2.1"
    with pytest.raises(SpeechError) as caught:
        Google(address=nowhere).synthesize("долг сто рублей", "ru", "")
    assert caught.value.code == "speech_not_accepted"
    with pytest.raises(SpeechError) as caught:
        Google(accepted=True, address=nowhere).synthesize("долг сто рублей", "ru", "")
    assert caught.value.code == "tts_exports_personal_data"
    assert Google().voices("ru") == ()
    said = Chain([Google(accepted=True, address=nowhere), FakeEngine("house", "ru")]).speak("долг", "ru")
    assert said.passed_over == (PassedOver("gtts", "tts_exports_personal_data"),)


def test_engines_that_are_not_installed_have_no_voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And say so when asked by name."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for engine in (rhvoice.RHVoice(tmp_path), espeak.Espeak(tmp_path), Piper(tmp_path)):
        assert engine.voices("ru") == ()
        with pytest.raises(SpeechError) as caught:
            engine.synthesize("да", "ru", "")
        assert caught.value.code == "speech_engine_missing"


def test_the_installer_keeps_the_voices_of_the_allow_list() -> None:
    """The two lists are one; none of the voices that forbid commercial use is in it."""
    assert {voice.name for voice in rhvoice.ALLOWED} == setup_speech.VOICES
    forbidden = "arina artemiy evgeniy-eng evgeniy-rus lyubov mikhail pavel tatiana timofey umka victoria vitaliy"
    assert not setup_speech.VOICES & {*forbidden.split(), "vitaliy-ng", "vsevolod", "yuriy", "marianna", "volodymyr"}
    assert all(voice.licence for voice in rhvoice.ALLOWED)


def test_the_installer_removes_other_voices(tmp_path: Path) -> None:
    """So that no setting can use them."""
    voices = tmp_path / "usr/share/RHVoice/voices"
    for name in ("elena", "arina"):
        (voices / name).mkdir(parents=True)
    setup_speech.keep_free_voices(tmp_path)
    assert [voice.name for voice in voices.iterdir()] == ["elena"]
    assert not setup_speech.works(tmp_path)


def test_sound_is_brought_to_8_khz(tmp_path: Path) -> None:
    """A tone keeps its length, pitch and level; silence and broken files are failures of the engine."""
    file = tmp_path / "x.wav"
    time = np.arange(24000) / 24000
    soundfile.write(str(file), 0.5 * np.sin(2 * np.pi * 1000 * time), 24000)
    pcm = speech.at_8_khz(file, "x")
    assert pcm.dtype == np.int16
    assert len(pcm) == 8000
    assert np.abs(np.fft.rfft(pcm)).argmax() == 1000
    assert np.abs(pcm).max() == pytest.approx(0.5 * 32767, rel=0.01)
    soundfile.write(str(file), np.zeros(2400), 24000)
    for broken in (file, tmp_path / "missing.wav"):
        with pytest.raises(SpeechError) as caught:
            speech.at_8_khz(broken, "x")
        assert caught.value.code == "speech_engine_failed"


class Choir(FakeEngine):
    """Speaks texts together."""

    def synthesize_together(self, texts, language, voice, rate=100):  # type: ignore[no-untyped-def]
        return [self.synthesize(text, language, voice, rate) for text in texts]


def test_together_by_the_engine_asked_for_unless_it_rests_or_cannot() -> None:
    """Whoever gets None is said alone, by the chain as it is then."""
    chain = Chain([Choir("a", "ru"), FakeEngine("b", "ru")])
    said = chain.speak_together(["да", "нет"], "ru", engine="a", voice="a-1")
    assert [(one.engine, one.voice, len(one.pcm)) for one in said if one] == [("a", "a-1", 2), ("a", "a-1", 3)]
    assert chain.speak_together(["да", "нет"], "ru", engine="b", voice="b-1") == [None, None]
    chain_module.resting["a"] = float("inf")
    assert chain.speak_together(["да", "нет"], "ru", engine="a", voice="a-1") == [None, None]
    failing = Chain([Choir("a", "ru", "speech_engine_failed")])
    assert failing.speak_together(["да"], "ru", engine="a", voice="a-1") == [None]
