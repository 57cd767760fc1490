"""How tests judge what a callee heard: whole but for one packet, which Asterisk's Record() may lose."""

import numpy as np
import pytest
import soundfile

from tests.support.audio import PACKET, RATE, found_in, part_heard, write_sweep


@pytest.fixture
def message(tmp_path):
    return write_sweep(tmp_path / "message.wav", 3.0)


def judged(tmp_path, message, *parts):
    soundfile.write(tmp_path / "heard.wav", np.concatenate([np.zeros(800), *parts, np.zeros(800)]), RATE)
    return found_in(message, tmp_path / "heard.wav")


def test_whole(tmp_path, message):
    alike, begins_s = judged(tmp_path, message)
    assert alike < 0.1
    alike, begins_s = judged(tmp_path, message, message)
    assert (round(alike, 3), begins_s) == (1.0, 0.1)


@pytest.mark.parametrize("at", [0, 1, 60, 75, 120, 148, 149])
def test_one_packet_is_missing(tmp_path, message, at):
    alike, begins_s = judged(tmp_path, message, message[: at * PACKET], message[(at + 1) * PACKET :])
    assert alike > 0.99
    assert begins_s == pytest.approx(0.1, abs=0.021)


@pytest.mark.parametrize("at", [30, 75, 120])
def test_more_than_a_packet_is_missing(tmp_path, message, at):
    assert judged(tmp_path, message, message[: at * PACKET], message[(at + 4) * PACKET :])[0] < 0.95


def test_a_gap_is_none_of_the_message(tmp_path, message):
    assert judged(tmp_path, message, message[:12000], np.zeros(800), message[12000:])[0] < 0.95


def test_a_recording_that_lacks_parts_holds_the_rest(tmp_path):
    """At its beginning and in its midst; the message backwards is another one."""
    message = write_sweep(tmp_path / "m.wav", 4.0)
    lacking = np.concatenate([np.zeros(400), message[800:12000], message[12800:]])
    soundfile.write(tmp_path / "heard.wav", lacking, RATE, subtype="PCM_16")
    assert 0.7 <= part_heard(message, tmp_path / "heard.wav") < 1
    assert part_heard(message, tmp_path / "m.wav") == 1
    assert part_heard(message[::-1], tmp_path / "m.wav") < 0.5
