"""Every piece of a message at one loudness, without silence at its ends, and without clicks where pieces meet. Pure.

Loudness is the RMS of the active parts, as in ITU-T P.56 and with the two gates of EBU R128, but without R128's
weighting, which was made for music and changes little in the telephone's band.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RATE_HZ = 8000
#: Level of the active parts, dBFS. Speech has peaks 12 to 18 dB above it.
TARGET_DB = -20.0
#: A quiet recording is raised by no more than this, since its noise is raised with it.
MOST_GAIN_DB = 18.0
#: Peaks above this part of full scale are bent, not cut.
KNEE, CEILING = 0.7, 0.97
#: A frame is active above the absolute gate, and not further below the mean of those than the relative one.
ABSOLUTE_GATE_DB, RELATIVE_GATE_DB = -60.0, -15.0
#: Silence at the ends is what stays so far below the active parts.
SILENCE_DB = -30.0
#: Silence left before the first sound and after the last, seconds: together less than a pause between words.
LEAD_S, TAIL_S = 0.01, 0.03
FADE_S = 0.005
#: Samples that Asterisk sends in one packet: 20 ms.
PACKET = RATE_HZ // 50
#: Counted in the name of every piece: what was made by other rules is made anew.
VERSION = 1

Samples = npt.NDArray[np.float64]
Pcm = npt.NDArray[np.int16]

_FRAME = RATE_HZ // 50
_FINE = RATE_HZ // 200


def evened(pcm: Pcm) -> Pcm:
    """The sound at :data:`TARGET_DB`, its ends trimmed and faded; one without any sound comes back as it is."""
    samples = pcm.astype(np.float64) / 32768
    level = active_db(samples)
    if level is None:
        return whole_packets(pcm)
    samples = _trimmed(samples, level + SILENCE_DB)
    gain_db = min(MOST_GAIN_DB, TARGET_DB - level)
    return whole_packets(_as_pcm(_faded(_bent(samples * 10 ** (gain_db / 20)))))


def active_db(samples: Samples) -> float | None:
    """RMS of the active parts in dBFS; None when nothing is over the absolute gate."""
    powers = _powers(samples, _FRAME)
    active = powers[powers > 10 ** (ABSOLUTE_GATE_DB / 10)]
    if not len(active):
        return None
    active = active[active >= active.mean() * 10 ** (RELATIVE_GATE_DB / 10)]
    return float(10 * np.log10(active.mean()))


def silence(seconds: float) -> Pcm:
    return whole_packets(np.zeros(round(seconds * RATE_HZ), dtype=np.int16))


def whole_packets(pcm: Pcm) -> Pcm:
    """With silence at its end up to a whole packet: a shorter one would make the next piece late by the rest."""
    return np.pad(pcm, (0, -len(pcm) % PACKET))


def _powers(samples: Samples, frame: int) -> Samples:
    """Mean power of each frame; the last one may be shorter."""
    padded = np.pad(samples, (0, -len(samples) % frame))
    return np.asarray(np.square(padded).reshape(-1, frame).mean(axis=1))


def _trimmed(samples: Samples, threshold_db: float) -> Samples:
    loud = np.flatnonzero(_powers(samples, _FINE) > 10 ** (threshold_db / 10))
    begin = max(0, int(loud[0]) * _FINE - round(LEAD_S * RATE_HZ))
    end = (int(loud[-1]) + 1) * _FINE + round(TAIL_S * RATE_HZ)
    tail = samples[begin:end]
    missing = end - begin - len(tail)
    return np.pad(tail, (0, max(0, min(missing, round(TAIL_S * RATE_HZ)))))


def _bent(samples: Samples) -> Samples:
    """Full scale is never passed: above the knee the curve grows flat."""
    over = np.abs(samples) > KNEE
    room = CEILING - KNEE
    samples[over] = np.sign(samples[over]) * (KNEE + room * np.tanh((np.abs(samples[over]) - KNEE) / room))
    return samples


def _faded(samples: Samples) -> Samples:
    count = min(round(FADE_S * RATE_HZ), len(samples) // 2)
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(count) / max(1, count))
    samples[:count] *= ramp
    if count:
        samples[-count:] *= ramp[::-1]
    return samples


def _as_pcm(samples: Samples) -> Pcm:
    pcm: Pcm = np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)
    return pcm
