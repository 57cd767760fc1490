"""Test messages, and how much of one is in a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tests.support.servers import wait_until

RATE = 8000
#: Samples of a packet. Asterisk's Record() lost five in 360 calls of 13 s; where the wire was watched, they were on it.
PACKET = 160


def write_sweep(path: Path, seconds: float) -> np.ndarray[Any, Any]:
    """A tone that rises from 300 to 1,500 Hz: no two moments are alike."""
    t = np.arange(int(seconds * RATE)) / RATE
    message = 0.5 * np.sin(2 * np.pi * (300 * t + (1500 - 300) / (2 * seconds) * t * t))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, message, RATE, subtype="PCM_16")
    return message


def likeness(message: np.ndarray[Any, Any], recording: Path) -> float:
    """Greatest normalised correlation of the message with any part of the recording: 1.0 is the same sound, whole."""
    return found_in(message, recording)[0]


def found_in(message: np.ndarray[Any, Any], recording: Path) -> tuple[float, float]:
    """The same, and the second of the recording at which that part begins. One packet may be missing in its midst."""
    heard = np.concatenate([np.zeros(PACKET), _read(recording)])  # one may be missing at the very beginning
    size = len(message) + len(heard)
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(message, size)), size)
    at = int(np.argmax(product[: max(1, len(heard))]))
    # With a packet missing, the longer part of the message is found: that before it, or that behind it.
    found = [(_alike(message, _cut(heard, at, len(message))), at)]
    found += [(_but_a_packet(message, heard, begin), begin) for begin in (at, at + PACKET)]
    alike, begin = max(found)
    return alike, (begin - PACKET) / RATE


def part_heard(message: np.ndarray[Any, Any], recording: Path) -> float:
    """How many of a message's quarters of a second are in a recording that may lack parts: 1.0 is all of them.

    MixMonitor leaves out 0.1 s at a time on a busy machine, also at the very beginning: see the carrier's dialplan.
    """
    heard, size = _read(recording), RATE // 4
    energy = np.concatenate([[0.0], np.cumsum(heard * heard)])
    loud = np.sqrt(np.maximum(energy[size:] - energy[:-size], 1e-9))
    quarters = [message[begin : begin + size] for begin in range(0, len(message) - size + 1, size)]
    alike = [np.correlate(heard, one, "valid") / (loud * np.linalg.norm(one)) for one in quarters]
    return sum(float(one.max()) > 0.9 for one in alike) / len(alike)


def _but_a_packet(message: np.ndarray[Any, Any], heard: np.ndarray[Any, Any], begin: int) -> float:
    """Likeness where it is greatest when a packet of the message is missing in what was heard from ``begin`` on."""
    size = len(message)
    before, behind = _cut(heard, begin, size), _cut(heard, begin - PACKET, size)
    sums = np.cumsum(before * message)[:-PACKET] - np.cumsum(behind * message)[PACKET:]
    lost = int(np.argmax(sums)) + 1 if len(sums) else 0
    return _alike(message, np.concatenate([before[:lost], np.zeros(PACKET), behind[lost + PACKET :]])[:size])


def _cut(heard: np.ndarray[Any, Any], begin: int, size: int) -> np.ndarray[Any, Any]:
    """So many samples from there on, silence where nothing was heard."""
    part = heard[max(begin, 0) : max(begin + size, 0)]
    missing = max(-begin, 0)
    return np.concatenate([np.zeros(missing), part, np.zeros(size - missing - len(part))])


def _alike(message: np.ndarray[Any, Any], part: np.ndarray[Any, Any]) -> float:
    energy = float(np.linalg.norm(part) * np.linalg.norm(message))
    return float(np.dot(part, message)) / energy if energy else 0.0


def _read(recording: Path) -> np.ndarray[Any, Any]:
    """The samples; a recording says how many it has when Asterisk closes it, which on a busy machine comes late."""
    wait_until(lambda: soundfile.info(recording).frames > 0, 10, f"{recording.name} is closed")
    heard, rate = soundfile.read(recording)
    assert rate == RATE
    return np.asarray(heard)


def write_tone(path: Path, hz: float, seconds: float) -> None:
    t = np.arange(int(seconds * RATE)) / RATE
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * t), RATE, subtype="PCM_16")


def tone_share(recording: Path, hz: float, seconds: float, before_end_s: float = 0.0) -> float:
    """How much of the energy of some seconds towards the end of a recording is this tone: 1.0 is the tone alone."""
    part = _part(recording, seconds, before_end_s)
    power = np.abs(np.fft.rfft(part)) ** 2
    frequencies = np.fft.rfftfreq(len(part), 1 / RATE)
    total = float(power.sum())
    return float(power[np.abs(frequencies - hz) < 10].sum()) / total if total else 0.0


def loudness(recording: Path, seconds: float, before_end_s: float = 0.0) -> float:
    """Mean amplitude of some seconds towards the end of a recording; 0.0 is silence."""
    return float(np.sqrt(np.mean(_part(recording, seconds, before_end_s) ** 2)))


def _part(recording: Path, seconds: float, before_end_s: float) -> np.ndarray[Any, Any]:
    heard = _read(recording)
    end = len(heard) - int(before_end_s * RATE)
    return np.asarray(heard[end - int(seconds * RATE) : end])
