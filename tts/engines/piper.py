"""piper: a neural voice, where the administrator brings the program and a voice file (x.onnx beside x.onnx.json)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tts.engines.programs import spoken
from tts.engines.speech import Pcm, Voice, checked, chosen

PROGRAM = "piper"


class Piper:
    """Voices in one folder; their licence is the administrator's concern, and shown as such."""

    name = "piper"
    low_quality = False
    leaves_house = False

    def __init__(self, voices: Path) -> None:
        self._voices = voices

    def voices(self, language: str) -> tuple[Voice, ...]:
        if not shutil.which(PROGRAM):
            return ()
        files = [file for file in sorted(self._voices.glob("*.onnx")) if _language(file) == language]
        return tuple(Voice(file.stem, language, "as the voice file's maker says") for file in files)

    def synthesize(self, text: str, language: str, voice: str, rate: int = 100, *, personal: bool = True) -> Pcm:
        text = checked(text, rate)
        model = self._voices / f"{chosen(self, language, voice).name}.onnx"  # a name that voices() gave

        def command(target: Path) -> list[str]:
            length = f"{100 / rate:.2f}"
            return [str(shutil.which(PROGRAM)), "-m", str(model), "--length_scale", length, "-f", str(target)]

        return spoken(self.name, text, command, lambda work: {})


def _language(file: Path) -> str:
    """From the description beside the voice; nothing when it cannot be read."""
    try:
        about = json.loads(file.with_name(file.name + ".json").read_text(encoding="utf-8"))
        return str(about["language"]["family"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
