"""Several texts of one run: cut where the word between them is, to the bit, or not at all."""

import numpy as np
import pytest

from tts.engines import together

BETWEEN = np.array([0, 900, -700, 300, 0], dtype=np.int16)
TEXTS = [np.array(samples, dtype=np.int16) for samples in ([5, 6, 7], [0, 900, -700, 0, 8], [9])]


def run(*parts):
    return np.concatenate(parts)


def parts(sound, texts):
    found = together.cut(sound, BETWEEN, texts)
    return found and [part.tolist() for part in found]


def test_cut_where_the_word_is():
    sound = run(TEXTS[0], BETWEEN, TEXTS[1], BETWEEN, TEXTS[2])
    assert parts(sound, 3) == [text.tolist() for text in TEXTS]


@pytest.mark.parametrize(
    "sound",
    [
        run(TEXTS[0], TEXTS[1]),
        run(TEXTS[0], BETWEEN + np.int16(1), TEXTS[1]),
        run(TEXTS[0], BETWEEN, TEXTS[1], BETWEEN, TEXTS[2]),
        run(TEXTS[0], BETWEEN),
        run(TEXTS[0], BETWEEN, np.zeros(4, dtype=np.int16)),
    ],
    ids=["no word", "not to the bit", "a word too many", "nothing behind it", "silence behind it"],
)
def test_nothing_is_cut_otherwise(sound):
    assert parts(sound, 2) is None


def test_not_between_two_halves_of_samples():
    """The bytes of the word, begun in the middle of a sample, are another sound."""
    shifted = np.frombuffer(b"\1" + BETWEEN.tobytes() + b"\1", dtype=np.int16)
    assert parts(run(TEXTS[0], shifted, TEXTS[2]), 2) is None


@pytest.mark.parametrize(
    ("text", "language", "plain"),
    [
        ("одна тысяча двести рублей", "ru", True),
        ("twelve dollars,", "en", True),
        ("dvě stě korun čtyři haléře", "cs", True),
        ("сто гривень", "uk", True),
        ("горное эхо", "ru", False),
        ("Эхо. Эхо.", "ru", False),
        ("э\u0301хо", "ru", False),
        ("эxo", "ru", False),
        ("<speak>one</speak>", "en", False),
        ("one\n\necho", "en", False),
        ('say "one', "en", False),
        ("eins", "de", False),
    ],
)
def test_only_plain_texts_without_the_word_are_spoken_together(text, language, plain):
    assert together.is_plain(text, language) is plain
