"""What a user sends as a message becomes 8 kHz audio, or is refused with one sentence."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from tts import sound_decoder, sound_files
from tts.errors import SoundError
from tts.sound_files import convert

Maker = Callable[..., Path]


def tone(seconds: float, rate: int, channels: int = 1, level: float = 0.4) -> np.ndarray:
    """A sweep from 300 to 2,500 Hz: every moment of it differs, so that a shift or a wrong rate shows."""
    t = np.arange(int(seconds * rate)) / rate
    x = level * np.sin(2 * np.pi * (300 * t + 1100 * t**2 / max(seconds, 0.1)))
    return np.repeat(x[:, None], channels, axis=1).astype("float32")


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    def write(name: str, seconds: float = 3.0, rate: int = 44_100, channels: int = 2, **kwargs: object) -> Path:
        data = kwargs.pop("data", None)
        path = tmp_path / name
        sf.write(path, tone(seconds, rate, channels) if data is None else data, rate, **kwargs)
        return path

    return write


def refusal(path: Path, target: Path) -> SoundError:
    with pytest.raises(SoundError) as caught:
        convert(path, path.name, target)
    assert list(target.glob("*")) == [], "a refused file leaves nothing behind"
    assert caught.value.field == "sound"
    assert caught.value.sentence.count(". ") == 0, "one sentence"
    assert path.name in caught.value.sentence
    return caught.value


@pytest.mark.parametrize(
    ("name", "rate", "channels", "kwargs"),
    [
        ("m.wav", 44_100, 2, {}),
        ("m.wav", 8000, 1, {"subtype": "ALAW"}),
        ("m.wav", 48_000, 6, {"subtype": "FLOAT", "format": "WAVEX"}),
        ("m.wav", 96_000, 6, {"subtype": "PCM_24"}),
        ("m.mp3", 44_100, 2, {}),
        ("m.mp3", 16_000, 1, {}),
        ("m.ogg", 48_000, 2, {}),
        ("m.ogg", 48_000, 1, {"format": "OGG", "subtype": "OPUS"}),
        ("m.flac", 96_000, 2, {"subtype": "PCM_24"}),
    ],
)
def test_each_format_becomes_the_same_speech(make: Maker, tmp_path: Path, name, rate, channels, kwargs) -> None:
    """The result is 8 kHz mono PCM16, correlates with the original, has its length and its own hash as its name."""
    sound = convert(make(name, 3.0, rate, channels, **kwargs), name, tmp_path / "out")
    path = tmp_path / "out" / f"{sound.stem}.wav"
    assert [path] == list((tmp_path / "out").iterdir())
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(sound.stem)
    info = sf.info(path)
    assert (info.samplerate, info.channels, info.subtype) == (8000, 1, "PCM_16")
    assert sound.duration_s == pytest.approx(3.0, abs=0.06)
    got, _ = sf.read(path)
    want = tone(3.0, 8000)[:, 0]
    n = min(len(got), len(want))
    best = max(
        np.corrcoef(got[shift : n - 800 + shift], want[: n - 800])[0, 1] for shift in range(0, 600)
    )  # an mp3 begins a little late
    assert best > 0.95
    assert np.abs(got).max() <= 0.9


def test_content_decides_not_the_name(make: Maker, tmp_path: Path) -> None:
    path = make("a.wav").rename(tmp_path / "b.mp3")
    assert convert(path, "b.mp3", tmp_path / "out").duration_s == pytest.approx(3.0, abs=0.01)


def test_same_file_gives_the_same_stem(make: Maker, tmp_path: Path) -> None:
    path = make("a.wav")
    assert convert(path, "a", tmp_path / "out") == convert(path, "other name", tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_loudness(make: Maker, tmp_path: Path) -> None:
    """DC goes, overdriven files are brought under full scale, quiet ones are raised."""
    loud = make("loud.wav", rate=8000, data=tone(2, 8000) * 40 + 3, subtype="FLOAT")
    quiet = make("quiet.wav", rate=8000, data=tone(2, 8000, level=0.1))
    for path, peak in ((loud, 0.89), (quiet, 0.5)):
        sound = convert(path, path.name, tmp_path / "out")
        data, _ = sf.read(tmp_path / "out" / f"{sound.stem}.wav")
        assert abs(data.mean()) < 0.001
        assert np.abs(data).max() == pytest.approx(peak, abs=0.01)


def test_inverted_channel_does_not_make_silence(make: Maker, tmp_path: Path) -> None:
    data = tone(2, 16_000, 2)
    data[:, 1] *= -1
    sound = convert(make("i.wav", rate=16_000, data=data), "i.wav", tmp_path / "out")
    heard, _ = sf.read(tmp_path / "out" / f"{sound.stem}.wav")
    assert np.abs(heard).max() > 0.3


def test_numbers_that_are_none_are_survived(make: Maker, tmp_path: Path) -> None:
    data = tone(2, 8000)
    data[100:200] = np.nan
    data[300] = np.inf
    data[301] = -1e30
    assert convert(make("n.wav", rate=8000, data=data, subtype="FLOAT"), "n.wav", tmp_path / "out").duration_s == 2.0


def test_refused_empty(tmp_path: Path, make: Maker) -> None:
    (tmp_path / "zero.wav").touch()
    assert refusal(tmp_path / "zero.wav", tmp_path / "out").code == "sound_empty"
    assert refusal(make("head.wav", 0.0), tmp_path / "out").code == "sound_empty"


def test_refused_too_short_and_silent(tmp_path: Path, make: Maker) -> None:
    assert refusal(make("s.wav", 0.4), tmp_path / "out").code == "sound_too_short"
    hum = np.full((16_000, 1), 0.2, dtype="float32") + tone(2, 8000, level=0.002)
    assert refusal(make("hum.wav", rate=8000, data=hum), tmp_path / "out").code == "sound_silent"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.mp3", b"#EXTM3U\n#EXTINF:1,x\nhttp://example.invalid/a.mp3\n"),
        ("page.wav", b"<html><body>404</body></html>"),
        ("movie.wav", b"RIFF\x24\x00\x00\x00AVI LIST" + bytes(64)),
        ("sound.au", b".snd" + bytes(400)),
        ("program.ogg", b"\x7fELF" + bytes(400)),
        ("..\n;rm", b"x"),
    ],
)
def test_refused_other_types(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(SoundError) as caught:
        convert(path, name, tmp_path / "out")
    assert caught.value.code == "sound_type_unknown"
    assert "\n" not in caught.value.sentence


@pytest.mark.parametrize("name", ["c.wav", "c.flac", "c.mp3"])
def test_refused_cut_off(make: Maker, tmp_path: Path, name: str) -> None:
    """Half an upload would be half a message, said to everybody."""
    path = make(name)
    os.truncate(path, path.stat().st_size // 2)
    assert refusal(path, tmp_path / "out").code == "sound_unreadable"


def test_wav_from_a_pipe_is_taken(make: Maker, tmp_path: Path) -> None:
    """A program that writes to a pipe cannot fill in the sizes."""
    path = make("p.wav", rate=8000, channels=1)
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert convert(path, "p.wav", tmp_path / "out").duration_s == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("name", ["d.wav", "d.flac", "d.ogg", "d.mp3"])
def test_damaged_files_do_no_harm(make: Maker, tmp_path: Path, name: str) -> None:
    """Random bytes in the middle: it is converted or refused; nothing else happens, and it takes no long time."""
    path = make(name)
    good = path.read_bytes()
    random = np.random.default_rng(5)
    for start in (40, len(good) // 2):
        damaged = bytearray(good)
        damaged[start : start + 600] = random.bytes(600)
        path.write_bytes(damaged)
        with suppress(SoundError):
            convert(path, name, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.part"))


@pytest.mark.parametrize(("name", "hours"), [("long.flac", 10), ("long.ogg", 1)])
def test_ten_hours_are_refused_quickly(tmp_path: Path, name: str, hours: int) -> None:
    path = tmp_path / name
    with sf.SoundFile(path, "w", 8000, 1) as out:
        silence = np.zeros(80_000, dtype="int16")
        for _ in range(hours * 360):
            out.write(silence)
    began = time.monotonic()
    assert refusal(path, tmp_path / "out").code == "sound_too_long"
    assert time.monotonic() - began < 5


def test_wide_file_is_refused_quickly(tmp_path: Path) -> None:
    """192 kHz with 8 channels: 100 s of it hold more samples than any message, however well they are packed."""
    path = tmp_path / "wide.flac"
    with sf.SoundFile(path, "w", 192_000, 8, format="FLAC", subtype="PCM_16") as out:
        for _ in range(100):
            out.write(np.zeros((192_000, 8), dtype="int16"))
    began = time.monotonic()
    assert refusal(path, tmp_path / "out").code == "sound_too_large"
    assert time.monotonic() - began < 5


def test_header_that_lies_about_the_length_is_found_out(tmp_path: Path) -> None:
    """A wav that says 0 bytes of data and holds eleven minutes is refused by what is read, not by what is said."""
    path = tmp_path / "liar.wav"
    sf.write(path, np.zeros(8000 * 660, dtype="int16"), 8000, subtype="PCM_U8")
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert refusal(path, tmp_path / "out").code == "sound_too_long"


def test_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.wav"
    with path.open("wb") as out:
        out.truncate(sound_files.MAX_BYTES + 1)
    assert refusal(path, tmp_path / "out").code == "sound_too_large"


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SoundError) as caught:
        convert(tmp_path / "none.wav", "none.wav", tmp_path / "out")
    assert caught.value.code == "sound_unreadable"


def test_decoder_that_hangs_is_ended(make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_files, "WALL_CLOCK_S", 0.01)
    assert refusal(make("a.wav"), tmp_path / "out").code == "sound_too_large"


def test_every_refusal_has_its_sentence() -> None:
    codes = {f"sound_{code.name.lower()}" for code in sound_decoder.Exit if code.name not in ("OK", "CUT_OFF")}
    assert codes == set(sound_files.SENTENCES)
