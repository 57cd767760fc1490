"""espeak-ng: speaks everything, and sounds like a robot. For languages without another voice, and as a last resort."""

from __future__ import annotations

import shutil
from pathlib import Path

from tts.engines.programs import Folder, spoken
from tts.engines.speech import Pcm, Voice, checked, chosen

PROGRAM = "espeak-ng"
LICENCE = "GPL-3+ (the program; its speech is free)"
LANGUAGES = {"ru": "ru", "en": "en-us", "cs": "cs", "uk": "uk", "kk": "kk", "de": "de"}
WORDS_A_MINUTE = 160


class Espeak:
    """espeak-ng in the private folder, or the host's own."""

    name = "espeak-ng"
    low_quality = True
    leaves_house = False

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder)

    def voices(self, language: str) -> tuple[Voice, ...]:
        if language not in LANGUAGES or not (self._folder.has(PROGRAM) or shutil.which(PROGRAM)):
            return ()
        return (Voice(LANGUAGES[language], language, LICENCE),)

    def synthesize(self, text: str, language: str, voice: str, rate: int = 100, *, personal: bool = True) -> Pcm:
        # [[ would begin phonemes, also without -m, which would make the text markup.
        text = checked(text, rate).replace("[", " ").replace("]", " ")
        name = chosen(self, language, voice).name

        def command(target: Path) -> list[str]:
            if self._folder.has(PROGRAM):
                start = [*self._folder.command(PROGRAM, as_root=False), f"--path={self._folder.libraries}"]
            else:
                start = [str(shutil.which(PROGRAM))]
            return [*start, "-v", name, "-s", str(WORDS_A_MINUTE * rate // 100), "--stdin", "-w", str(target)]

        return spoken(self.name, text, command, lambda work: {})
