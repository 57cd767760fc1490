"""Test messages, and how much of one is in a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tests.support.servers import wait_until

RATE = 8000


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
    """The same, and the second of the recording at which that part begins."""
    heard = _read(recording)
    size = len(message) + len(heard)
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(message, size)), size)
    at = int(np.argmax(product[: max(1, len(heard))]))
    part = heard[at : at + len(message)]
    energy = float(np.linalg.norm(part) * np.linalg.norm(message))
    return float(product[at]) / energy if energy else 0.0, at / RATE


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
