"""Sound files as users send them -> what Asterisk plays: 8 kHz mono PCM16, under a name of our own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

from config.i18n import N_
from tts.errors import SoundError
from tts.sound_decoder import MAX_SECONDS, MIN_SECONDS, Exit

#: Larger files are refused unread: ten minutes of 24-bit stereo at 48 kHz are 165 MiB.
MAX_BYTES = 200 * 2**20
#: The decoder may use 5 s of processor time; on a busy machine those take longer by the clock.
WALL_CLOCK_S = 15
#: Digits of the result's sha256 that make its name.
STEM_DIGITS = 32

#: Error code -> sentence; ``{name}`` is the file's name as sent, the numbers come as words too.
SENTENCES = {
    "sound_unreadable": N_("“{name}” is damaged or cut off; export the sound again and send the new file."),
    "sound_empty": N_("“{name}” holds no sound; choose another file."),
    "sound_too_long": N_("“{name}” is longer than {max_minutes} minutes; send a shorter message."),
    "sound_too_short": N_("“{name}” is shorter than {min_seconds} s; send a longer message."),
    "sound_silent": N_("“{name}” is silent; check the recording and send it again."),
    "sound_type_unknown": N_("“{name}” is no wav, mp3, ogg or flac sound; convert it to one of these."),
    "sound_too_large": N_("“{name}” is too large to be a message; save it as mono with a lower sampling rate."),
}


@dataclass(frozen=True, slots=True)
class Sound:
    """A converted file: ``<target_dir>/<stem>.wav``; the stem holds [0-9a-f] only."""

    stem: str
    duration_s: float


def convert(source: Path, filename: str, target_dir: Path) -> Sound:
    """Convert a user's wav, mp3, ogg or flac file to what Asterisk plays.

    The content decides what it is, not the name. The result is named by its own hash, so the same file gives the same
    stem; it appears in ``target_dir`` whole or not at all.

    :param filename: the name as the user sent it, for the sentence only.
    :raises SoundError: one of :data:`SENTENCES`, ``field`` is ``sound``.
    """
    try:
        size = source.stat().st_size
        handle = source.open("rb")
    except OSError as exc:
        raise _refusal("sound_unreadable", filename) from exc
    target_dir.mkdir(parents=True, exist_ok=True)
    with handle, tempfile.NamedTemporaryFile(dir=target_dir, suffix=".part") as part:
        if size > MAX_BYTES:
            raise _refusal("sound_too_large", filename)
        code = _decode(handle.fileno(), part.fileno())
        if code:
            raise _refusal(code, filename)
        part.seek(0)
        stem = hashlib.file_digest(part, "sha256").hexdigest()[:STEM_DIGITS]
        part.seek(0)
        with wave.open(part, "rb") as sound:
            duration_s = sound.getnframes() / sound.getframerate()
        _publish(Path(part.name), part.fileno(), target_dir / f"{stem}.wav")
    return Sound(stem, duration_s)


def _decode(source: int, target: int) -> str:
    """Run the decoder; return '' or an error code."""
    decoder = Path(__file__).with_name("sound_decoder.py")
    environment = {"PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
    try:
        # -I: nothing from the environment or the current folder is imported.
        done = subprocess.run(
            [sys.executable, "-I", str(decoder)],
            stdin=source,
            stdout=target,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=WALL_CLOCK_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "sound_too_large"
    if done.returncode == Exit.OK:
        return ""
    if done.returncode == -9 or done.returncode == -24:  # SIGKILL or SIGXCPU: over the processor time
        return "sound_too_large"
    known = {exit_code.value: f"sound_{exit_code.name.lower()}" for exit_code in Exit}
    code = known.get(done.returncode, "sound_unreadable")  # anything else: the decoder crashed on it
    return code if code in SENTENCES else "sound_unreadable"


def _publish(part: Path, descriptor: int, target: Path) -> None:
    """Give the finished file its name, in one step and after its bytes are on the disk."""
    os.fsync(descriptor)
    os.chmod(descriptor, 0o644)
    finished = part.with_suffix(".done")
    os.link(part, finished)  # the temporary name is removed by its owner
    finished.replace(target)


def _refusal(code: str, filename: str) -> SoundError:
    name = "".join(letter for letter in Path(filename).name if letter.isprintable())[:80]
    words = {"name": name, "max_minutes": MAX_SECONDS // 60, "min_seconds": MIN_SECONDS}
    return SoundError(code, SENTENCES[code].format(**words), field="sound", words=words)
