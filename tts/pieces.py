"""The pieces of messages as files, named by what is in them: the same words in the same voice are one file.

``<folder>/<stem>.wav``, 8 kHz mono PCM16. Anything here can be made again; a file's time of change says when it was
used last.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import tempfile
import time
import wave
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tts import loudness
from tts.loudness import RATE_HZ, Pcm

STEM = re.compile(r"[0-9a-f]{32}")
#: Bytes of the header of a wav file as Python writes it.
HEADER = 44
#: Asterisk counts the header's bytes among those of the sound, so that the last 22 samples of a wav are not played:
#: without these behind each piece the next one would come 3 ms early.
UNPLAYED = HEADER // 2
#: Bytes of an unusually long piece: a minute of speech.
MOST_USUAL = 60 * RATE_HZ * 2
#: A file used within this time is not dropped: somebody may be about to note that he needs it.
YOUNG_S = 120.0


def _stem(*parts: object) -> str:
    text = json.dumps([loudness.VERSION, *parts], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def spoken_stem(words: str, language: str, engine: str, voice: str, rate: int = 100) -> str:
    """The name of words spoken by this voice."""
    return _stem("spoken", " ".join(words.split()), language, engine, voice, rate)


def recorded_stem(sound: str) -> str:
    """The name of the piece made of a recorded sound, which is evened like speech."""
    return _stem("recorded", sound)


def silence_stem(seconds: float) -> str:
    return _stem("silence", round(seconds * RATE_HZ))


@dataclass(frozen=True, slots=True)
class Dropped:
    """What :meth:`Pieces.drop_unused` did: bytes before, bytes now, files dropped."""

    before: int
    now: int
    files: int


class Pieces:
    """The folder. Any number of processes use it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, stem: str) -> Path:
        if not STEM.fullmatch(stem):
            raise ValueError("not the stem of a piece")
        return self.folder / f"{stem}.wav"

    def has(self, stem: str) -> bool:
        """Whether it is there, and whole: one that was cut has fewer bytes than its header says."""
        try:
            with self.path(stem).open("rb", buffering=0) as file:
                header = file.read(HEADER)
                size = os.fstat(file.fileno()).st_size
        except OSError:
            return False
        told = int.from_bytes(header[-4:], "little")
        return header[36:40] == b"data" and 0 < told == size - HEADER

    def begun(self, stem: str) -> bool:
        """Whether it is there, without a look into it: the claim asks this for every call."""
        try:
            return self.path(stem).stat().st_size > HEADER
        except OSError:
            return False

    def used(self, stem: str) -> bool:
        """Note that it is needed again. :returns: False when it is not there."""
        if not self.has(stem):
            return False
        try:
            os.utime(self.path(stem))
        except OSError:
            return False
        return True

    def seconds(self, stem: str) -> float:
        """How long it lasts.

        :raises FileNotFoundError: it is not there.
        """
        return max(0, (self.path(stem).stat().st_size - HEADER) // 2 - UNPLAYED) / RATE_HZ

    def read(self, stem: str) -> Pcm:
        """What is heard of it."""
        return read_wav(self.path(stem))[:-UNPLAYED]

    def keep(self, stem: str, pcm: Pcm) -> None:
        """Write it, whole or not at all, also when the power goes."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_wav(self.path(stem), np.append(pcm, np.zeros(UNPLAYED, dtype=np.int16)))

    def drop(self, stems: Iterable[str]) -> int:
        """Remove these. :returns: how many were there."""
        count = 0
        for stem in stems:
            with contextlib.suppress(FileNotFoundError):
                self.path(stem).unlink()
                count += 1
        return count

    def size(self, stems: Collection[str] | None = None) -> int:
        """Bytes of all files, or of those of these pieces."""
        return sum(size for _used, size, path in self._files() if stems is None or path.stem in stems)

    def is_small(self, most: int) -> bool:
        """Whether there is certainly less than ``most``, without looking at the files: they are few."""
        try:
            return len(os.listdir(self.folder)) * MOST_USUAL < most
        except FileNotFoundError:
            return True

    def drop_unused(self, most: int, needed: Callable[[], set[str]]) -> Dropped:
        """When there are more than ``most`` bytes, drop those unused longest until a tenth of it is free.

        ``needed`` is asked after the files were listed, so that what somebody notes in between is in it.
        """
        files = sorted(self._files())
        before = now = sum(size for _used, size, _path in files)
        if before <= most:
            return Dropped(before, before, 0)
        young, wanted, dropped = time.time() - YOUNG_S, needed(), 0
        for used, size, path in files:
            if used > young or now <= most * 9 // 10:
                break
            if path.stem in wanted:
                continue
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime == used:  # not used since it was listed
                    path.unlink()
                    now -= size
                    dropped += 1
        return Dropped(before, now, dropped)

    def _files(self) -> list[tuple[float, int, Path]]:
        found: list[tuple[float, int, Path]] = []
        try:
            entries = os.scandir(self.folder)
        except FileNotFoundError:
            return found
        with entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat()
                    found.append((status.st_mtime, status.st_size, Path(entry.path)))
        return found


def read_wav(path: Path) -> Pcm:
    """The samples of a file that we wrote.

    :raises OSError, EOFError: it is not there, or damaged.
    """
    try:
        with wave.open(str(path), "rb") as sound:
            return np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").astype(np.int16)
    except wave.Error as exc:
        raise OSError(str(exc)) from exc


def write_wav(path: Path, pcm: Pcm) -> None:
    """8 kHz mono PCM16, in one step and after its bytes are on the disk."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(pcm.astype("<i2").tobytes())
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(buffer.getvalue())
            handle.flush()
            os.fsync(handle.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
