"""The program that decodes one sound file a user sent: run by ``tts.sound_files`` in a process of its own.

stdin is the file, stdout receives the wav (8 kHz, mono, PCM16), the exit code is an :class:`Exit`. Decoders are large
programs in C that read bytes of strangers, so this process limits itself before it reads the first one. It imports
nothing of ours.
"""

from __future__ import annotations

import os
import resource
import struct
import sys
import wave
from dataclasses import dataclass
from enum import IntEnum

RATE = 8000
MAX_SECONDS = 600
MIN_SECONDS = 0.5
#: Decoded samples over all channels: ten minutes of 96 kHz stereo. Bounds the work whatever a header promises.
MAX_SAMPLES = MAX_SECONDS * 96_000 * 2
BLOCK = 65_536
#: Address space. Ten minutes of 48 kHz stereo mp3 pass with 200 MiB and fail with 160 (numpy 2.4, libsndfile 1.2).
#: What studios export at most; a measuring device's file is no message.
MAX_RATE, MAX_CHANNELS = 96_000, 6
MAX_MEMORY = 256 * 2**20
#: Ten minutes of 48 kHz stereo take 2 s; a refusal is to come within 5 s by the clock.
MAX_CPU_S = 4
#: Seconds that may lack of what the file promises: encoders and decoders count their own delay differently.
MAY_LACK_S = 0.2
#: Loudest tenth of a second under -50 dBFS: nobody would hear it on a phone.
SILENT_RMS = 10 ** (-50 / 20)
PEAK = 0.89  # -1 dBFS, never above
QUIET_PEAK = 0.5  # quieter ones are raised to -6 dBFS …
MAX_GAIN = 8.0  # … but noise by no more than 18 dB


class Exit(IntEnum):
    """Exit codes; their names in lower case after ``sound_`` are the error codes."""

    OK = 0
    UNREADABLE = 20
    EMPTY = 21
    TOO_LONG = 22
    TOO_SHORT = 23
    SILENT = 24
    TYPE_UNKNOWN = 25
    TOO_LARGE = 26
    CUT_OFF = 27  # told to the user as sound_unreadable


class Refused(Exception):
    def __init__(self, code: Exit) -> None:
        super().__init__(code.name)
        self.code = code


def limit_this_process() -> None:
    """Memory, processor time, size of what is written, open files; no core dump with a user's data."""
    for what, most in (
        (resource.RLIMIT_AS, MAX_MEMORY),
        (resource.RLIMIT_CPU, MAX_CPU_S),
        (resource.RLIMIT_FSIZE, MAX_SECONDS * RATE * 2 + 4096),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (least, least))


def looks_like_sound(head: bytes) -> bool:
    """Whether these first bytes are those of a wav, flac, ogg or mp3 file."""
    if head[:4] in (b"fLaC", b"OggS") or head[:3] == b"ID3":
        return True
    if head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE":
        return True
    return mpeg_frame(head) is not None


#: kbit/s of MPEG audio layer III by the header's four bits, for version 1 and for versions 2 and 2.5.
MPEG_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
MPEG_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


@dataclass(frozen=True)
class MpegFrame:
    """One frame of MPEG audio, from its four bytes of header (ISO 11172-3, 2.4.1.3)."""

    length: int  # bytes, 0 when the header does not say (free format)
    samples: int  # of each channel
    rate: int


def mpeg_frame(header: bytes) -> MpegFrame | None:
    """The frame of layer III that begins with these bytes.

    Eleven set bits alone also begin AAC, other layers and every text in UTF-16.
    """
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version = (header[1] >> 3) & 3  # 0: 2.5, 2: 2, 3: 1
    kbits, rate = header[2] >> 4, (header[2] >> 2) & 3
    if version == 1 or kbits == 15 or rate == 3:
        return None
    hertz = (44_100, 48_000, 32_000)[rate] >> (0, 0, 1, 0)[version] if version else (11_025, 12_000, 8_000)[rate]
    per_frame = 1152 if version == 3 else 576
    bits = (MPEG_1 if version == 3 else MPEG_2)[kbits] * 1000
    padding = (header[2] >> 1) & 1
    return MpegFrame(per_frame // 8 * bits // hertz + padding if bits else 0, per_frame, hertz)


def mpeg_begin(size: int) -> int:
    """Where the first frame is: after the ID3 tags."""
    at = 0
    while (tag := os.pread(0, 10, at))[:3] == b"ID3" and len(tag) == 10:
        length = tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9]
        at += 10 + length + (10 if tag[5] & 0x10 else 0)
        if at >= size:
            raise Refused(Exit.CUT_OFF)
    block = os.pread(0, BLOCK, at)
    found = block.find(b"\xff")
    while found >= 0:
        frame = mpeg_frame(block[found : found + 4])
        if frame is not None and frame.length:
            return at + found
        found = block.find(b"\xff", found + 1)
    raise Refused(Exit.TYPE_UNKNOWN)


def mpeg_samples(begin: int, size: int) -> int:
    """Samples of each channel, by walking from frame to frame until something else comes.

    Without a Xing header the decoder guesses the length by the first frame, and reads no further than it guessed: of a
    file with a varying bit rate it may leave half away, or promise hours.
    """
    at, samples = begin, 0
    while at + 4 <= size:
        frame = mpeg_frame(os.pread(0, 4, at))
        if frame is None or not frame.length:
            return samples
        at += frame.length
        samples += frame.samples
        if samples > frame.rate * MAX_SECONDS * 2:
            raise Refused(Exit.TOO_LONG)
    if at > size:
        raise Refused(Exit.CUT_OFF)
    return samples


def ogg_is_cut(size: int) -> bool:
    """Whether the pages are not all there: each must be whole, and the last must end its stream (RFC 3533).

    A second stream after the first is no message either: the decoder reads the first alone.
    """
    at, begun, ends = 0, False, False
    while at < size:
        page = os.pread(0, 27 + 255, at)
        if len(page) < 27 or page[:4] != b"OggS":
            return True
        begins, ends = bool(page[5] & 2), bool(page[5] & 4)
        if begins and begun:
            return True
        begun = begun or not begins
        at += 27 + page[26] + sum(page[27 : 27 + page[26]])
    return at > size or not ends


def riff_is_cut(head: bytes, size: int) -> bool:
    """Whether a RIFF header promises more bytes than the file has.

    Programs that write to a pipe leave 0 or a value close to 2³¹ or 2³² there: that promises nothing.
    """
    if head[:4] != b"RIFF" or len(head) < 8:
        return False
    promised = int(struct.unpack("<I", head[4:8])[0])
    return 0 < promised < 0x7FFFF000 and promised + 8 > size + 1


def main() -> int:
    limit_this_process()
    size = os.fstat(0).st_size
    head = os.pread(0, BLOCK, 0)
    try:
        if size == 0:
            raise Refused(Exit.EMPTY)
        if not looks_like_sound(head):
            raise Refused(Exit.TYPE_UNKNOWN)
        if riff_is_cut(head, size) or (head[:4] == b"OggS" and ogg_is_cut(size)):
            raise Refused(Exit.CUT_OFF)
        pcm = _convert(promise(head, size))
    except Refused as refusal:
        return refusal.code
    except MemoryError:
        return Exit.TOO_LARGE
    with wave.open(sys.stdout.buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.setnframes(len(pcm) // 2)  # so that the header is right at once: stdout is not sought in
        out.writeframesraw(pcm)
    return Exit.OK


@dataclass(frozen=True)
class Promise:
    """How much sound the file says it holds."""

    #: The number of frames can be relied on; else it is a guess.
    exact: bool
    #: The number, where we counted it ourselves; else the decoder says it.
    frames: int | None = None


def promise(head: bytes, size: int) -> Promise:
    """What the header promises, before anything is decoded."""
    if head[:4] in (b"RIFX", b"RF64"):
        return Promise(exact=False)
    if head[:4] in (b"fLaC", b"RIFF", b"OggS"):
        return Promise(exact=True)
    begin = mpeg_begin(size)
    counted = mpeg_samples(begin, size)
    first = os.pread(0, 200, begin)
    return Promise(exact=True, frames=None if b"Xing" in first or b"Info" in first else counted)


def _convert(promised: Promise) -> bytes:
    """Decode stdin, twice at most, and return PCM16."""
    import numpy as np

    mono, energies = _decode(promised, channel=None)
    if len(energies) > 1 and energies[-1] < 0.01 * energies[:-1].max():
        # The channels cancel each other (one is inverted), so their mean would be silence.
        mono, _ = _decode(promised, channel=int(energies[:-1].argmax()))
    if len(mono) < MIN_SECONDS * RATE:
        raise Refused(Exit.TOO_SHORT)
    mono -= mono.mean(dtype=np.float64).astype(np.float32)
    tenth = RATE // 10
    whole = mono[: len(mono) // tenth * tenth].reshape(-1, tenth)
    if float(np.sqrt(np.square(whole).mean(axis=1).max())) < SILENT_RMS:
        raise Refused(Exit.SILENT)
    peak = float(np.abs(mono).max())
    gain = PEAK / peak if peak > PEAK else min(MAX_GAIN, max(1.0, QUIET_PEAK / peak))
    mono *= np.float32(gain * 32767)
    return bytes(mono.round().astype("<i2").tobytes())


def _decode(promised: Promise, channel: int | None):  # type: ignore[no-untyped-def]  # numpy is imported under the limits
    """All of stdin at 8 kHz: the mean of its channels, or one of them; and each channel's energy, the mean's last."""
    import numpy as np
    import soundfile as sf
    import soxr

    os.lseek(0, 0, os.SEEK_SET)
    try:
        source = sf.SoundFile(0, closefd=False)
    except (sf.SoundFileError, RuntimeError) as exc:
        raise Refused(Exit.UNREADABLE) from exc
    if source.format not in ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MPEG", "MP3"):
        raise Refused(Exit.TYPE_UNKNOWN)
    if not 1000 <= source.samplerate <= 384_000 or not 1 <= source.channels <= 64:
        raise Refused(Exit.UNREADABLE)
    if source.samplerate > MAX_RATE or source.channels > MAX_CHANNELS:
        raise Refused(Exit.TOO_LARGE)
    said = source.frames if promised.frames is None else promised.frames
    _check_promise(said, source.samplerate, source.channels, promised.exact)
    resampler = soxr.ResampleStream(source.samplerate, RATE, 1, dtype="float32", quality="HQ")
    energies = np.zeros(source.channels + 1)
    pieces = []
    frames = 0
    block_frames = max(1, BLOCK // source.channels)
    while True:
        try:
            block = source.read(block_frames, dtype="float32", always_2d=True)
        except (sf.SoundFileError, RuntimeError) as exc:
            raise Refused(Exit.UNREADABLE) from exc
        frames += len(block)
        _check_amount(frames, source.samplerate, source.channels)
        block = np.clip(np.nan_to_num(block, nan=0.0, posinf=1.0, neginf=-1.0), -8.0, 8.0)
        mono = np.ascontiguousarray(block.mean(axis=1) if channel is None else block[:, channel])
        energies[:-1] += np.square(block).sum(axis=0)
        energies[-1] += np.square(mono).sum()
        last = len(block) < block_frames
        pieces.append(resampler.resample_chunk(mono, last=last))
        if last:
            break
    if frames == 0:
        raise Refused(Exit.EMPTY)
    if promised.exact and frames < said - MAY_LACK_S * source.samplerate:
        raise Refused(Exit.CUT_OFF)
    return np.concatenate(pieces).astype(np.float32, copy=False), energies


def _check_promise(frames: int, rate: int, channels: int, exact: bool) -> None:
    """Refuse by what the header says, before anything is decoded; a guessed length must be twice too long."""
    if frames > rate * MAX_SECONDS * (1 if exact else 2):
        raise Refused(Exit.TOO_LONG)
    if exact and frames * channels > MAX_SAMPLES:
        raise Refused(Exit.TOO_LARGE)


def _check_amount(frames: int, rate: int, channels: int) -> None:
    if frames > rate * MAX_SECONDS:
        raise Refused(Exit.TOO_LONG)
    if frames * channels > MAX_SAMPLES:
        raise Refused(Exit.TOO_LARGE)


if __name__ == "__main__":
    sys.exit(main())
