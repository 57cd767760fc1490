"""RHVoice: the default. Only voices whose licence allows commercial use, from Debian's copyright file."""

from __future__ import annotations

import shutil
from pathlib import Path

from tts.engines.programs import Folder, spoken
from tts.engines.speech import Pcm, Voice, checked, chosen

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

    def voices(self, language: str) -> tuple[Voice, ...]:
        private = self._folder.has(PROGRAM)
        if not private and not shutil.which(PROGRAM):
            return ()
        data = (self._folder.root if private else Path("/")) / "usr/share/RHVoice/voices"
        return tuple(voice for voice in ALLOWED if voice.language == language and (data / voice.name).is_dir())

    def synthesize(self, text: str, language: str, voice: str, rate: int = 100, *, personal: bool = True) -> Pcm:
        text = checked(text, rate)
        name = chosen(self, language, voice).name

        def command(target: Path) -> list[str]:
            private = self._folder.has(PROGRAM)
            program = self._folder.command(PROGRAM, as_root=True) if private else [str(shutil.which(PROGRAM))]
            # Least quality is 16 kHz: more than a telephone lets through. Without -s the text is no markup.
            return [*program, "-q", "min", "-p", name, "-r", str(rate), "-o", str(target)]

        return spoken(self.name, text, command, self._folder.environment)
