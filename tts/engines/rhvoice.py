"""RHVoice: the default. Only voices whose licence allows commercial use, from Debian's copyright file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import structlog

from tts.engines import together
from tts.engines.programs import Folder, spoken, written
from tts.engines.speech import MAX_TEXT, Pcm, Voice, checked, chosen, resampled, speech_error

log = structlog.get_logger(__name__)

PROGRAM = "RHVoice-test"
#: Best first. Not here, since not for commercial use: arina, artemiy, evgeniy-eng, evgeniy-rus, lyubov, mikhail, pavel,
#: tatiana, timofey, umka, victoria, vitaliy, vitaliy-ng, vsevolod, yuriy. Nor those that forbid derived works:
#: marianna, volodymyr. ``setup/speech.py`` removes all but these.
ALLOWED = (
    Voice("elena", "ru", "GPL-3"),
    Voice("aleksandr-hq", "ru", "CC-BY-SA-4.0"),
    Voice("anna", "ru", "GPL-2+"),
    Voice("irina", "ru", "GPL-2+"),
    Voice("aleksandr", "ru", "GPL-2+"),
    Voice("slt", "en", "CMU (free, with attribution)"),
    Voice("clb", "en", "GPL-2+"),
    Voice("bdl", "en", "GPL-2+"),
    Voice("alan", "en", "GPL-2+"),
    Voice("zdenek", "cs", "public domain"),
    Voice("natalia", "uk", "LGPL-2.1"),
    Voice("anatol", "uk", "LGPL-2.1"),
)


class RHVoice:
    """RHVoice in the private folder, or the host's own where that has one."""

    name = "rhvoice"
    low_quality = False
    leaves_house = False

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder)
        self._separators: dict[tuple[str, int], tuple[Pcm, int]] = {}

    def voices(self, language: str) -> tuple[Voice, ...]:
        private = self._folder.has(PROGRAM)
        if not private and not shutil.which(PROGRAM):
            return ()
        data = (self._folder.root if private else Path("/")) / "usr/share/RHVoice/voices"
        return tuple(voice for voice in ALLOWED if voice.language == language and (data / voice.name).is_dir())

    def synthesize(self, text: str, language: str, voice: str, rate: int = 100, *, personal: bool = True) -> Pcm:
        text = checked(text, rate)
        command = self._command(chosen(self, language, voice).name, rate)
        return spoken(self.name, text, command, self._folder.environment)

    def synthesize_together(self, texts: Sequence[str], language: str, voice: str, rate: int = 100) -> list[Pcm | None]:
        """The sound of each text, the same to the bit as alone; None for those that are to be spoken alone.

        :raises SpeechError: as :meth:`synthesize`; nothing was spoken.
        """
        name = chosen(self, language, voice).name
        found: list[Pcm | None] = [None] * len(texts)
        plain, left = {}, MAX_TEXT
        for number, text in enumerate(texts):
            if together.is_plain(text, language) and len(text) <= left and any(map(str.isalnum, text)):
                plain[number] = checked(text, rate)
                left -= len(text)
        if len(plain) < 2:
            return found
        between, _ = self._separator(language, name, rate)
        sound, hertz = self._raw(together.joined(list(plain.values()), language), name, rate)
        parts = together.cut(sound, between, len(plain))
        if parts is None:
            log.info("texts_not_told_apart", voice=name, texts=len(plain))
            return found
        for number, part in zip(plain, parts, strict=True):
            found[number] = resampled(part.astype(np.float32) / np.float32(32768), hertz)
        return found

    def _separator(self, language: str, voice: str, rate: int) -> tuple[Pcm, int]:
        """How this voice says the word between two texts; remembered."""
        key = (voice, rate)
        if key not in self._separators:
            self._separators[key] = self._raw(together.separator(language), voice, rate)
        return self._separators[key]

    def _raw(self, text: str, voice: str, rate: int) -> tuple[Pcm, int]:
        """What the voice says, and its samples per second."""

        def read(path: Path) -> tuple[Pcm, int]:
            try:
                samples, hertz = soundfile.read(str(path), dtype="int16")
            except (OSError, RuntimeError):
                raise speech_error("speech_engine_failed", engine=self.name) from None
            if samples.ndim != 1 or not len(samples):
                raise speech_error("speech_engine_failed", engine=self.name)
            return samples, hertz

        return written(self.name, text, self._command(voice, rate), self._folder.environment, read)

    def _command(self, voice: str, rate: int) -> Callable[[Path], list[str]]:
        def command(target: Path) -> list[str]:
            private = self._folder.has(PROGRAM)
            program = self._folder.command(PROGRAM, as_root=True) if private else [str(shutil.which(PROGRAM))]
            # Least quality is 16 kHz: more than a telephone lets through. Without -s the text is no markup.
            return [*program, "-q", "min", "-p", voice, "-r", str(rate), "-o", str(target)]

        return command
