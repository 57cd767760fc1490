"""What all engines share: the interface, the errors, and sound of any rate -> 8 kHz PCM16."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from config.i18n import N_
from tts.errors import SoundError

RATE_HZ = 8000
#: Two minutes of speech; a message is made of shorter blocks.
MAX_TEXT = 2000
#: Percent of the voice's own speed.
SLOWEST, FASTEST = 50, 200

Pcm = npt.NDArray[np.int16]

SENTENCES = {
    "speech_text_empty": N_("There is nothing to say: the text is empty."),
    "speech_text_long": N_("The text is longer than {limit} characters: make two blocks of it."),
    "speech_rate_wrong": N_("The speed is a percentage from {slowest} to {fastest}."),
    "speech_voice_unknown": N_("The voice {voice} may not be used or is not installed: choose another."),
    "speech_engine_missing": N_("The speech engine {engine} is not installed."),
    "speech_engine_failed": N_("The speech engine {engine} could not say the text."),
    "speech_engine_slow": N_("The speech engine {engine} did not answer in time."),
    "speech_engine_unreachable": N_("The speech engine {engine} cannot be reached over the internet."),
    "speech_engine_busy": N_("The speech engine {engine} refuses more texts for now: try again in some minutes."),
    "speech_not_accepted": N_(
        "The speech engine {engine} sends texts to another company; the administrator has not accepted that."
    ),
    "tts_exports_personal_data": N_(
        "The text holds a person's data, and the speech engine {engine} would send it to another company."
    ),
    "speech_no_engine": N_("No speech engine could say this text in the language {language}: {reasons}."),
}


class SpeechError(SoundError):
    """An engine did not speak; codes in :data:`SENTENCES`."""


def speech_error(code: str, **words: object) -> SpeechError:
    """The error for this code. The text itself is left out: it may be personal."""
    return SpeechError(code, SENTENCES[code].format(**words), field="text", words=words)


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that may be used commercially."""

    name: str
    language: str
    licence: str


class Engine(Protocol):
    """One way to make speech."""

    name: str
    #: Marked on screen: understandable, not pleasant.
    low_quality: bool
    #: Texts go to another company.
    leaves_house: bool

    def voices(self, language: str) -> tuple[Voice, ...]:
        """Voices that are installed and may be used, the best first; none when the engine is not there."""

    def synthesize(self, text: str, language: str, voice: str, rate: int = 100, *, personal: bool = True) -> Pcm:
        """The text as it is, never as markup, in 8 kHz PCM16.

        ``rate`` in percent of the voice's own speed; ``personal``: the text holds a person's data.

        :raises SpeechError: see :data:`SENTENCES`.
        """


def checked(text: str, rate: int) -> str:
    """The text without what cannot be said, on one line.

    :raises SpeechError: speech_text_empty, speech_text_long, speech_rate_wrong.
    """
    if not SLOWEST <= rate <= FASTEST:
        raise speech_error("speech_rate_wrong", slowest=SLOWEST, fastest=FASTEST)
    if len(text) > MAX_TEXT:
        raise speech_error("speech_text_long", limit=MAX_TEXT)
    visible = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text)
    if not any(letter.isalnum() for letter in visible):
        raise speech_error("speech_text_empty")
    return " ".join(visible.split())


def chosen(engine: Engine, language: str, voice: str) -> Voice:
    """The voice of this name, or the language's first one without a name.

    :raises SpeechError: speech_voice_unknown, speech_engine_missing.
    """
    usable = engine.voices(language)
    if not usable and not voice:
        raise speech_error("speech_engine_missing", engine=engine.name)
    for candidate in usable:
        if voice in ("", candidate.name):
            return candidate
    raise speech_error("speech_voice_unknown", voice=voice[:40])


def at_8_khz(path: Path, engine: str) -> Pcm:
    """What an engine wrote, brought to 8 kHz; sound over full scale is limited.

    :raises SpeechError: speech_engine_failed: no file, or no sound in it.
    """
    try:
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (OSError, RuntimeError):
        raise speech_error("speech_engine_failed", engine=engine) from None
    if not len(samples) or not np.abs(samples).max() > 0:
        raise speech_error("speech_engine_failed", engine=engine)
    return resampled(samples.mean(axis=1), rate)


def resampled(mono: npt.NDArray[np.float32], rate: int) -> Pcm:
    """Samples from -1 to 1, brought to 8 kHz."""
    at_8_khz = soxr.resample(mono, rate, RATE_HZ, quality="HQ")
    pcm: Pcm = np.clip(np.rint(at_8_khz * 32767), -32768, 32767).astype(np.int16)
    return pcm
