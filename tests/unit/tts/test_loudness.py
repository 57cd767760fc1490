"""Pieces have one loudness, no silence at their ends and no clicks where they meet (N15)."""

import numpy as np
import pytest

from tts import loudness
from tts.loudness import RATE_HZ


def tone(seconds, amplitude, hz=300.0):
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * hz * t) * 32767).astype(np.int16)


def quiet(seconds):
    return np.zeros(round(seconds * RATE_HZ), dtype=np.int16)


def level(pcm):
    return loudness.active_db(pcm.astype(float) / 32768)


@pytest.mark.parametrize("amplitude", [0.03, 0.1, 0.5, 0.99])
def test_n15_every_piece_comes_to_one_loudness(amplitude):
    evened = loudness.evened(tone(1, amplitude))
    assert level(evened) == pytest.approx(loudness.TARGET_DB, abs=0.5)


def test_pauses_inside_do_not_make_a_piece_louder():
    """The gates: half of this sound is silence, and its words come to the same level as without."""
    words = np.concatenate([tone(0.5, 0.2), quiet(1.0), tone(0.5, 0.2)])
    assert level(loudness.evened(words)) == pytest.approx(loudness.TARGET_DB, abs=0.5)


def test_silence_at_the_ends_goes_and_a_short_rest_stays():
    evened = loudness.evened(np.concatenate([quiet(0.7), tone(1, 0.3), quiet(0.9)]))
    assert len(evened) / RATE_HZ == pytest.approx(1 + loudness.LEAD_S + loudness.TAIL_S, abs=0.03)


def test_pieces_begin_and_end_without_a_click():
    evened = loudness.evened(tone(1, 0.3, hz=437.0)).astype(int)
    joined = np.concatenate([evened, evened])
    inside = np.abs(np.diff(evened[400:-600])).max()
    assert np.abs(np.diff(joined)[len(evened) - 50 : len(evened) + 50]).max() <= inside
    assert abs(evened[0]) < 100
    assert abs(evened[-1]) < 100


def test_peaks_stay_below_full_scale():
    """A crest of 20 dB over the level cannot be kept; it is bent, not cut."""
    clicks = tone(1, 0.02)
    clicks[::800] = 32767
    assert np.abs(loudness.evened(clicks).astype(int)).max() < 32767


def test_what_holds_no_sound_stays_as_it_is():
    assert len(loudness.evened(quiet(0.5))) == RATE_HZ // 2
    assert len(loudness.evened(quiet(0))) == 0
    assert len(loudness.silence(0.2)) == RATE_HZ // 5


@pytest.mark.parametrize("samples", [1, 7, 39, 41, 161])
def test_the_shortest_sounds_pass(samples):
    assert len(loudness.evened(tone(samples / RATE_HZ, 0.9))) > 0


def test_every_piece_fills_its_packets():
    """A packet of the telephone is 20 ms; half of one at the end would make the next piece late."""
    for seconds in (0.013, 0.5, 1.2345):
        assert len(loudness.evened(tone(seconds, 0.3))) % 160 == 0
        assert len(loudness.silence(seconds)) % 160 == 0
