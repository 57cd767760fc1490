"""Programs that write speech into a file: run with limits, text on standard input, without a shell.

Debian's RHVoice has its data folder compiled in and no library for C. Its files lie in a private folder, unpacked by
``setup/speech.py``; libfakechroot, preloaded by that folder's own loader, shows them to the program where it looks for
them. This needs neither root rights nor name spaces, and the host's C library does not matter.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tts.engines.speech import Pcm, at_8_khz, speech_error

LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}
#: Seconds by the clock for a text of the greatest length; it takes 3 s of processor time. A piece of some words is not
#: waited for as long: so many seconds, and a little for each letter.
WALL_CLOCK_S = 60
WALL_CLOCK_SHORT_S, WALL_CLOCK_LETTER_S = 20, 0.02
#: Processor seconds, address space, bytes written.
LIMITS = ("--cpu=30", f"--as={2 << 30}", f"--fsize={256 << 20}", "--core=0")


@dataclass(frozen=True, slots=True)
class Folder:
    """A private folder with programs of another Debian."""

    root: Path

    @property
    def libraries(self) -> Path:
        return self.root / "usr/lib" / f"{platform.machine()}-linux-gnu"

    def has(self, program: str) -> bool:
        return (self.root / "usr/bin" / program).is_file() and self._loader.is_file()

    @property
    def _loader(self) -> Path:
        return self.libraries / LOADERS.get(platform.machine(), "none")

    def command(self, program: str, *, as_root: bool) -> list[str]:
        """The program through its own loader; ``as_root``: the folder is the root directory for it."""
        paths = f"{self.libraries}:{self.libraries}/pulseaudio"
        preload = ["--preload", str(self.libraries / "fakechroot/libfakechroot.so")] if as_root else []
        return [str(self._loader), "--library-path", paths, *preload, str(self.root / "usr/bin" / program)]

    def environment(self, work: Path) -> dict[str, str]:
        """For libfakechroot; ``work`` is seen as it is."""
        return {
            "FAKECHROOT": "true",
            "FAKECHROOT_BASE": str(self.root.resolve()),
            "FAKECHROOT_EXCLUDE_PATH": f"/dev:/proc:/sys:{work}",
        }


T = TypeVar("T")


def spoken(
    engine: str, text: str, command: Callable[[Path], Sequence[str]], environment: Callable[[Path], dict[str, str]]
) -> Pcm:
    """Run the command that writes the text from its standard input into the file it is given.

    :raises SpeechError: speech_engine_failed, speech_engine_slow.
    """
    return written(engine, text, command, environment, lambda path: at_8_khz(path, engine))


def written(
    engine: str,
    text: str,
    command: Callable[[Path], Sequence[str]],
    environment: Callable[[Path], dict[str, str]],
    read: Callable[[Path], T],
) -> T:
    """The same; ``read`` says what becomes of the file, which may not be there."""
    with tempfile.TemporaryDirectory(prefix="speech-") as folder:
        work = Path(folder).resolve()
        target = work / "speech.wav"
        try:
            done = subprocess.run(
                [shutil.which("prlimit") or "/usr/bin/prlimit", *LIMITS, *command(target)],
                input=text.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=work,
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(work), **environment(work)},
                timeout=min(WALL_CLOCK_S, WALL_CLOCK_SHORT_S + WALL_CLOCK_LETTER_S * len(text)),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise speech_error("speech_engine_slow", engine=engine) from None
        except OSError:
            raise speech_error("speech_engine_missing", engine=engine) from None
        if done.returncode:
            raise speech_error("speech_engine_failed", engine=engine)
        return read(target)  # RHVoice ends well without a file when it has no such voice
