"""An engine that hums: as many tenths of a second as the text has letters, at a pitch of its own for each text."""

from __future__ import annotations

import threading
import zlib

import numpy as np

from tts.engines.speech import RATE_HZ, Pcm, Voice, checked, speech_error


class Hummer:
    """Speaks every language at once. ``broken`` texts are never spoken; ``dead``: nothing is."""

    low_quality = False
    leaves_house = False

    def __init__(self, name: str = "rhvoice", voice: str = "hum") -> None:
        self.name = name
        self._voice = voice
        self.said: list[str] = []
        self.broken: set[str] = set()
        self.dead = False
        self._lock = threading.Lock()

    def voices(self, language: str) -> tuple[Voice, ...]:
        return (Voice(self._voice, language, "ours"),) if language in ("ru", "en", "cs") else ()

    def synthesize(self, text: str, language: str, voice: str, rate: int = 100, *, personal: bool = True) -> Pcm:
        text = checked(text, rate)
        if self.dead or text in self.broken:
            raise speech_error("speech_engine_failed", engine=self.name)
        with self._lock:
            self.said.append(text)
        t = np.arange(len(text) * RATE_HZ // 10) / RATE_HZ
        pitch = 300 + zlib.crc32(text.encode()) % 1000
        return (8000 * np.sin(2 * np.pi * pitch * t)).astype(np.int16)
