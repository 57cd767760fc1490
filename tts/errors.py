"""The root of this package's errors."""

from __future__ import annotations

from config.errors import ObzvonError


class SoundError(ObzvonError):
    """A sound or text cannot be made into what a callee hears."""


class PhraseError(SoundError):
    """A value cannot be said in words; codes in :data:`tts.phrases.SENTENCES`."""
