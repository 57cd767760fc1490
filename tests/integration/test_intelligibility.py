"""Is it understood? Digits in English, as a telephone carries them, are recognised by PocketSphinx, with its model."""

from __future__ import annotations

import io
import os
import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from pocketsphinx import Decoder, get_model_path

from tts import phrases
from tts.engines.rhvoice import RHVoice
from tts.engines.speech import RATE_HZ, Pcm

RUNTIME = Path(os.environ.get("OBZVON_RUNTIME", Path(__file__).parents[2] / ".runtime"))
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
#: The model was made from sound of this rate.
MODEL_HZ = 16_000
#: Noise of a quiet line, of 32767: the upper half of the model's band would be empty as no microphone's ever is.
NOISE = 10
#: Digit strings as long as account numbers.
LENGTH, STRINGS = 8, 4


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Decoder:
    """Hears as many digits as an account number has, in any order."""
    grammar = tmp_path_factory.mktemp("grammar") / "digits.gram"
    rules = f"<digit> = {' | '.join(WORDS)};\npublic <digits> = {'<digit> ' * LENGTH};"
    grammar.write_text(f"#JSGF V1.0;\ngrammar digits;\n{rules}\n")
    return Decoder(
        hmm=get_model_path("en-us/en-us"),
        dict=get_model_path("en-us/cmudict-en-us.dict"),
        jsgf=str(grammar),
        lm=None,
        loglevel="FATAL",
    )


def as_telephones_carry_it(pcm: Pcm) -> npt.NDArray[np.int16]:
    """A-law at 8 kHz and back, then at the model's rate."""
    carried = io.BytesIO()
    soundfile.write(carried, pcm, RATE_HZ, format="WAV", subtype="ALAW")
    carried.seek(0)
    heard = soxr.resample(soundfile.read(carried)[0], RATE_HZ, MODEL_HZ)
    noise = np.random.default_rng(1).normal(0, NOISE, len(heard))
    pcm16: npt.NDArray[np.int16] = np.clip(heard * 32767 + noise, -32768, 32767).astype(np.int16)
    return pcm16


def recognised(decoder: Decoder, pcm: Pcm) -> list[str]:
    decoder.start_utt()
    decoder.process_raw(as_telephones_carry_it(pcm).tobytes(), full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return [word for word in hypothesis.hypstr.split() if word in WORDS] if hypothesis else []


def mistakes(said: list[str], heard: list[str]) -> int:
    """Words that were left out, added or taken for others, at least."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row = row, [i, *row[1:]]
        for j, other in enumerate(heard, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (word != other))
    return row[-1]


@pytest.mark.parametrize("voice", ["slt", "clb", "bdl", "alan"])
def test_digits_in_english_are_understood(decoder: Decoder, voice: str) -> None:
    """Nine digits of ten at least, by a recogniser made for other voices and for twice the bandwidth."""
    chance = random.Random(4)
    wrong, told = 0, []
    for _ in range(STRINGS):
        number = "".join(chance.choices("0123456789", k=LENGTH))
        pcm = RHVoice(RUNTIME / "speech").synthesize(phrases.digits(number, "en"), "en", voice)
        said, heard = [WORDS[int(digit)] for digit in number], recognised(decoder, pcm)
        wrong += mistakes(said, heard)
        told.append((number, " ".join(heard)))
    assert wrong <= 0.1 * STRINGS * LENGTH, told


def test_the_recogniser_does_not_guess(decoder: Decoder) -> None:
    """Another number than the one that was said has mistakes; silence holds no digits."""
    pcm = RHVoice(RUNTIME / "speech").synthesize(phrases.digits("12345678", "en"), "en", "bdl")
    assert mistakes([WORDS[int(digit)] for digit in "87654321"], recognised(decoder, pcm)) >= 4
    assert recognised(decoder, np.zeros(2 * RATE_HZ, np.int16)) == []
