"""Pieces are named by what is in them, kept whole, and dropped when they are too many (N15)."""

import os
import time

import numpy as np
import pytest
import soundfile

from tts import pieces
from tts.pieces import Pieces

PCM = np.arange(8000, dtype=np.int16)


@pytest.fixture
def kept(tmp_path):
    return Pieces(tmp_path / "played")


def stem(number):
    return pieces.spoken_stem(f"word {number}", "en", "rhvoice", "slt")


def aged(kept, number, seconds):
    kept.keep(stem(number), PCM)
    then = time.time() - seconds
    os.utime(kept.path(stem(number)), (then, then))


def test_the_same_words_in_the_same_voice_are_one_file(kept):
    first = pieces.spoken_stem("Your  debt ", "en", "rhvoice", "slt")
    assert first == pieces.spoken_stem("Your debt", "en", "rhvoice", "slt")
    others = {
        pieces.spoken_stem("Your debt", "en", "rhvoice", "alan"),
        pieces.spoken_stem("Your debt", "en", "espeak-ng", "slt"),
        pieces.spoken_stem("Your debt", "cs", "rhvoice", "slt"),
        pieces.spoken_stem("Your debt", "en", "rhvoice", "slt", 120),
        pieces.recorded_stem("ab" * 16),
        pieces.silence_stem(0.5),
        pieces.silence_stem(0.6),
    }
    assert len(others | {first}) == 8
    assert all(pieces.STEM.fullmatch(one) for one in others)


def test_a_piece_is_what_asterisk_plays(kept):
    kept.keep(stem(1), PCM)
    samples, rate = soundfile.read(kept.path(stem(1)), dtype="int16")
    assert rate == 8000
    assert np.array_equal(samples[: len(PCM)], PCM)
    assert len(samples) == len(PCM) + pieces.UNPLAYED
    assert np.array_equal(kept.read(stem(1)), PCM)
    assert kept.seconds(stem(1)) == 1.0
    assert [path.name for path in kept.folder.iterdir()] == [f"{stem(1)}.wav"]


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "AB" * 16, "ab" * 16 + "\n"])
def test_only_stems_of_ours_are_names_of_files(kept, name):
    with pytest.raises(ValueError, match="stem"):
        kept.path(name)


def test_what_is_not_there_or_empty_is_not_there(kept):
    assert not kept.has(stem(1))
    assert not kept.used(stem(1))
    kept.folder.mkdir()
    kept.path(stem(1)).touch()
    assert not kept.has(stem(1))


@pytest.mark.parametrize("left", [0, 20, 44, 45, 60, 16043])
def test_a_piece_that_was_cut_is_not_there(kept, left):
    """A header and some samples: half a word would be played."""
    kept.keep(stem(1), PCM)
    assert kept.has(stem(1))
    assert kept.begun(stem(1))
    os.truncate(kept.path(stem(1)), left)
    assert not kept.has(stem(1))
    assert not kept.used(stem(1))
    assert kept.begun(stem(1)) == (left > pieces.HEADER)
    kept.keep(stem(1), PCM)
    assert kept.used(stem(1))


def test_the_unused_go_first_and_the_needed_never(kept):
    """Room for six of ten; the two oldest are needed, the two youngest were used a moment ago."""
    for number in range(10):
        aged(kept, number, 1000 - number)
    for number in (8, 9):
        assert kept.used(stem(number))
    size = kept.path(stem(0)).stat().st_size
    dropped = kept.drop_unused(6 * size, lambda: {stem(0), stem(1)})
    left = {number for number in range(10) if kept.has(stem(number))}
    assert left == {0, 1, 7, 8, 9}  # a tenth of the room is free then
    assert (dropped.before, dropped.now, dropped.files) == (10 * size, 5 * size, 5)


def test_within_the_limit_nobody_is_asked(kept):
    aged(kept, 1, 1000)

    def asked():
        raise AssertionError

    assert kept.drop_unused(1 << 20, asked).files == 0
    assert kept.is_small(1 << 30)
    assert not kept.is_small(1)


def test_what_is_needed_stays_even_when_that_is_too_much(kept):
    for number in range(4):
        aged(kept, number, 1000)
    assert kept.drop_unused(10, lambda: {stem(number) for number in range(4)}).files == 0


def test_remains_of_a_writer_that_died_are_dropped(kept):
    kept.folder.mkdir()
    remains = kept.folder / ".abc.new"
    remains.write_bytes(b"0" * 100)
    os.utime(remains, (0, 0))
    kept.drop_unused(10, set)
    assert not remains.exists()
