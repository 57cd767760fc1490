"""Voices to choose from, with what must be known about each."""

from __future__ import annotations

from campaigns import voices
from campaigns.voices import Offered
from tts import phrases


def by_language() -> dict[str, list[Offered]]:
    """Every language that numbers are spoken in, with its voices; the one that speaks without a choice first."""
    return {code: voices.offered(code) for code in phrases.LANGUAGES}


def names() -> dict[str, list[str]]:
    """The same as names alone, of the languages that somebody speaks."""
    return {code: [voice.name for voice in found] for code, found in by_language().items() if found}
