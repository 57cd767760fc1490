"""Sounds that nobody should send, measured from outside: each is refused with a sentence, or is the whole message.

The limits hold for what the conversion used of the processor and of memory, which does not depend on what else runs.
"""

from __future__ import annotations

import concurrent.futures
import io
import itertools
import multiprocessing
import resource
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from tts.errors import SoundError
from tts.sound_files import convert

SECONDS = 3.0
#: Whatever comes takes no more.
MOST_CPU_S = 5.0
MOST_KIB = 256 * 1024
PLAYLIST = "#EXTM3U\n#EXTINF:1,x\nhttp://example.invalid/a.mp3\n/etc/passwd\n"


@dataclass(frozen=True)
class Ran:
    """What came of one conversion, and what it took."""

    code: str  # '' when it was converted
    sentence: str
    duration_s: float
    cpu_s: float
    peak_kib: int
    left: int  # files in the target folder


def measured(path: Path, name: str, target: Path) -> Ran:
    """In a process of its own, whose children are conversions only."""

    def used() -> float:
        return sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in (-1, 0))

    before = used()
    code, sentence, duration_s = "", "", 0.0
    try:
        duration_s = convert(path, name, target).duration_s
    except SoundError as error:
        code, sentence = error.code, error.sentence
    # Of this process by its own memory: ru_maxrss begins with what the parent had when it started this one.
    own = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    peak_kib = max(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, int(own.split()[1]))
    return Ran(code, sentence, duration_s, used() - before, peak_kib, len(list(target.glob("*"))))


@pytest.fixture(scope="module")
def process() -> Iterator[concurrent.futures.ProcessPoolExecutor]:
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


Send = Callable[..., Ran]


@pytest.fixture
def send(process: concurrent.futures.ProcessPoolExecutor, tmp_path: Path) -> Send:
    """Send these bytes as a message; the limits are looked at for each."""

    number = itertools.count()

    def convert_it(content: bytes | Path, name: str = "message.mp3") -> Ran:
        path = content if isinstance(content, Path) else tmp_path / "sent"
        if isinstance(content, bytes):
            path.write_bytes(content)
        ran = process.submit(measured, path, name, tmp_path / f"out{next(number)}").result(120)
        assert ran.cpu_s < MOST_CPU_S
        assert ran.peak_kib < MOST_KIB
        if ran.code:
            assert name in ran.sentence
            assert ran.sentence.endswith(".")
            assert ran.left == 0, "a refused file leaves nothing behind"
        return ran

    return convert_it


def wave(seconds: float, rate: int, channels: int) -> np.ndarray:
    t = np.arange(int(seconds * rate)) / rate
    level = 0.4 * np.minimum(1, t)  # grows, so that encoders with a varying rate vary it
    return np.repeat((level * np.sin(2 * np.pi * (300 * t + 200 * t**2)))[:, None], channels, axis=1)


@cache
def good(kind: str) -> bytes:
    """A right file of three seconds."""
    formats: dict[str, tuple[int, int, dict[str, object]]] = {
        "wav": (44_100, 2, {"format": "WAV"}),
        "flac": (48_000, 2, {"format": "FLAC"}),
        "vorbis": (44_100, 1, {"format": "OGG", "subtype": "VORBIS"}),
        "opus": (48_000, 1, {"format": "OGG", "subtype": "OPUS"}),
        "mp3": (44_100, 2, {"format": "MP3"}),
        "mp3 constant": (44_100, 2, {"format": "MP3", "bitrate_mode": "CONSTANT", "compression_level": 0.5}),
        "mp3 low": (16_000, 1, {"format": "MP3", "bitrate_mode": "CONSTANT", "compression_level": 0.5}),
    }
    file = io.BytesIO()
    rate, channels, more = formats[kind]
    sf.write(file, wave(SECONDS, rate, channels), rate, **more)
    return file.getvalue()


def without_xing(mp3: bytes) -> bytes:
    """As a program writes it that cannot go back to its first frame."""
    return mp3[mp3.index(mp3[:2], 4) :]


BARE = {"bare": "mp3", "bare constant": "mp3 constant", "bare low": "mp3 low"}


def content(kind: str) -> bytes:
    return without_xing(good(BARE[kind])) if kind in BARE else good(kind)


KINDS = ("wav", "flac", "vorbis", "opus", "mp3", "mp3 constant", "mp3 low", "bare constant", "bare low")


@pytest.mark.parametrize("kind", KINDS)
def test_whole_under_any_name(send: Send, kind: str) -> None:
    """Renamed: the content decides."""
    ran = send(content(kind), "renamed.mp3" if kind == "wav" else "renamed.wav")
    assert ran.code == ""
    assert ran.duration_s == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.parametrize("kind", [*KINDS, "bare"])
def test_truncated_anywhere(send: Send, kind: str) -> None:
    """Half an upload is refused; what lacks a few hundredths of a second at its very end may pass."""
    whole = content(kind)
    for part in (0.01, 0.3, 0.77, 0.93):
        assert send(whole[: int(len(whole) * part)]).code in ("sound_unreadable", "sound_type_unknown")
    ran = send(whole[:-1])
    assert ran.code == "sound_unreadable" or ran.duration_s == pytest.approx(SECONDS, abs=0.2)


def test_mp3_with_varying_rate_and_no_length_is_whole_or_refused(send: Send) -> None:
    """The decoder guesses its length by the first frame and stopped there, after a sixth of the message."""
    ran = send(content("bare"))
    assert ran.code == "sound_unreadable" or ran.duration_s == pytest.approx(SECONDS, abs=0.15)


def test_mp3_whose_title_speaks_of_info(send: Send) -> None:
    """``Info`` in a tag is no promise of a length; a tag or zeros at the end are no damage."""
    title = b"\x03Info about your debt, Xing"
    frame = b"TIT2" + struct.pack(">I", len(title)) + b"\0\0" + title
    tag = b"ID3\x03\0\0\0\0\0" + bytes([len(frame)]) + frame
    for after in (b"", b"TAG" + bytes(125), bytes(500)):
        ran = send(tag + content("bare constant") + after)
        assert ran.code == ""
        assert ran.duration_s == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.parametrize(
    "pretended",
    [
        PLAYLIST.encode(),
        PLAYLIST.encode("utf-16"),
        (PLAYLIST * 2000).encode("utf-16"),
        b"ID3\x03\0\0\0\0\0\0" + PLAYLIST.encode() * 50,
        b"[playlist]\nFile1=file:///etc/passwd\nNumberOfEntries=1\n",
        b'<?xml version="1.0"?><playlist xmlns="http://xspf.org/ns/0/"><location>http://x/</location></playlist>',
        b"\xff\xfb" + PLAYLIST.encode() * 50,
        b"RIFF\x10\x00\x00\x00WAVEfmt " + PLAYLIST.encode(),
        b"OggS" + PLAYLIST.encode() * 50,
        b"fLaC" + PLAYLIST.encode() * 50,
    ],
    ids=lambda value: repr(value[:12]),
)
def test_playlists_that_pretend(send: Send, pretended: bytes) -> None:
    """No decoder opens what a playlist names."""
    assert send(pretended).code in ("sound_type_unknown", "sound_unreadable")


@pytest.mark.parametrize(
    "foreign",
    [
        b"".join(b"\xff\xf1\x50\x80" + struct.pack(">H", 207 << 5) + b"\xfc" + bytes(range(200)) for _ in range(200)),
        b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(4000),
        b"\x1aE\xdf\xa3" + bytes(4000),
        b"#!AMR\n" + bytes(4000),
        b"0&\xb2u\x8ef\xcf\x11" + bytes(4000),
        b"FORM\0\0\x10\0AIFF" + bytes(4000),
        b"PK\x03\x04" + bytes(4000),
        b"\xff\xfb" * 4000,
    ],
    ids=["aac", "m4a", "webm", "amr", "wma", "aiff", "zip", "sync only"],
)
def test_other_formats_renamed_to_mp3(send: Send, foreign: bytes) -> None:
    assert send(foreign).code in ("sound_type_unknown", "sound_unreadable")


def header(rate: int = 8000, channels: int = 1, bits: int = 16, size: int = 32_000, tag: int = 1) -> bytes:
    block = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels & 0xFFFF, rate, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits)
    return b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt \x10\0\0\0" + fmt + b"data" + struct.pack("<I", size)


@pytest.mark.parametrize(
    "lying",
    [
        header(channels=65_535) + bytes(32_000),
        header(channels=0) + bytes(32_000),
        header(rate=0) + bytes(32_000),
        header(rate=2**32 - 1) + bytes(32_000),
        header(bits=0) + bytes(32_000),
        header(tag=0x55) + bytes(32_000),
        header(size=2**31 - 100) + bytes(32_000),
        b"RIFF\xff\xff\xff\xffWAVE" + b"LIST\0\0\0\0" * 4000,
        b"RIFF\xff\xff\xff\xffWAVE" + b"LIST\xf8\xff\xff\xff" * 4000,
        b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(4000),
        b"fLaC" + b"\x06\xff\xff\xff" * 4000,
        b"fLaC\x84\xff\xff\xff" + struct.pack("<I", 2**31) + bytes(4000),
    ],
    ids=[
        *("channels", "no channels", "no rate", "rate", "no bits", "mp3 in wav", "size", "lists", "lists back"),
        *("tag", "pictures", "comments"),
    ],
)
def test_lying_headers(send: Send, lying: bytes) -> None:
    assert send(lying).code.startswith("sound_")


def test_random_damage(send: Send) -> None:
    """Bytes changed, taken out and doubled in files of every kind: converted or refused, within the limits."""
    random = np.random.default_rng(20)
    for kind in KINDS:
        for _ in range(4):
            damaged = bytearray(content(kind))
            for at in random.integers(0, len(damaged), 6):
                match random.integers(3):
                    case 0:
                        damaged[at : at + 4] = random.bytes(4)
                    case 1:
                        del damaged[at : at + int(random.integers(1, 400))]
                    case _:
                        damaged[at:at] = damaged[at // 2 : at // 2 + 300]
            send(bytes(damaged))


def repeated(path: Path, piece: bytes, times: int) -> Path:
    with path.open("wb") as out:
        for _ in range(times):
            out.write(piece)
    return path


def whole_frames(mp3: bytes) -> bytes:
    """Without the first and the last frames, whose bits lie partly in others."""
    marks = [at for at in range(len(mp3) - 1) if mp3[at : at + 2] == mp3[:2]]
    return mp3[marks[2] : marks[-2]]


@pytest.mark.parametrize("kind", ["mp3", "wav adpcm", "flac lies", "wav lies", "ogg"])
def test_ten_hours(send: Send, tmp_path: Path, kind: str) -> None:
    """In whatever way they say, or hide, how long they are."""
    path = tmp_path / "long"
    hours_s = 36_000
    if kind == "mp3":
        frames = whole_frames(content("bare low"))
        repeated(path, frames, int(hours_s / 2.5))
    elif kind == "ogg":
        # Chained: each second is a stream of its own, one after another.
        repeated(path, good("vorbis"), 1200)
    elif kind == "wav adpcm":
        path.write_bytes(header(size=hours_s * 4096, tag=0x11, bits=4))
        with path.open("r+b") as out:
            out.truncate(44 + hours_s * 4096)
    else:
        form = {"flac lies": "FLAC", "wav lies": "WAV"}[kind]
        with sf.SoundFile(path, "w", 8000, 1, format=form, subtype="PCM_16" if form == "FLAC" else "PCM_U8") as out:
            for _ in range(72 if form == "WAV" else 3600):
                out.write(np.zeros(80_000, dtype="int16"))
        with path.open("r+b") as out:
            if form == "FLAC":  # total samples: unknown
                out.seek(18)
                out.write(bytes(8))
            else:
                for at in (4, 40):
                    out.seek(at)
                    out.write(b"\xff\xff\xff\xff")
    assert send(path).code in ("sound_too_long", "sound_too_large", "sound_unreadable")


@pytest.mark.parametrize(("rate", "channels", "seconds"), [(96_000, 6, 210), (96_000, 1, 700), (8000, 6, 700)])
def test_wide_and_long(send: Send, tmp_path: Path, rate: int, channels: int, seconds: int) -> None:
    """Refused by its header."""
    path = tmp_path / "wide.flac"
    with sf.SoundFile(path, "w", rate, channels, format="FLAC", subtype="PCM_16") as out:
        for _ in range(seconds):
            out.write(np.zeros((rate, channels), dtype="int16"))
    assert send(path).code in ("sound_too_long", "sound_too_large")


@pytest.mark.parametrize(("rate", "channels"), [(192_000, 8), (192_000, 1), (8000, 8)])
def test_192_khz_and_8_channels_are_refused(send: Send, tmp_path: Path, rate: int, channels: int) -> None:
    path = tmp_path / "device.wav"
    sf.write(path, wave(5, rate, channels), rate, subtype="PCM_24")
    assert send(path).code == "sound_too_large"


def test_a_studios_file_is_taken_whole_and_refused_in_half(send: Send, tmp_path: Path) -> None:
    path = tmp_path / "studio.wav"
    sf.write(path, wave(5, 96_000, 6), 96_000, subtype="PCM_24")
    assert send(path).duration_s == pytest.approx(5, abs=0.01)
    with path.open("r+b") as out:
        out.truncate(path.stat().st_size // 2)
    assert send(path).code == "sound_unreadable"
