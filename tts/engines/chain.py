"""One engine after another until one speaks; what was passed over stays visible."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tts.engines.speech import Engine, Pcm, SpeechError, Voice, speech_error

#: The text or the caller is at fault; no other engine would do better, or may be asked.
FINAL = {"speech_text_empty", "speech_text_long", "speech_rate_wrong"}
SLOW = "speech_engine_slow"
#: Seconds for which an engine that did not answer in time is asked last: else each of a hundred thousand pieces would
#: wait a minute for it.
REST_S = 120.0
#: Until when, by name of the engine; each process learns by itself.
resting: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class PassedOver:
    """An engine that did not speak, and why."""

    engine: str
    code: str


@dataclass(frozen=True, slots=True)
class Speech:
    """What was spoken, by whom, and who was asked in vain before."""

    pcm: Pcm
    engine: str
    voice: str
    low_quality: bool
    passed_over: tuple[PassedOver, ...]


def may_be_told(engine: Engine) -> bool:
    """Whether texts with a person's data may be given to it."""
    return not engine.leaves_house or bool(getattr(engine, "personal_accepted", False))


class Chain:
    """Engines in the order in which they are asked."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = tuple(engines)

    def voices(self, language: str) -> list[tuple[Engine, Voice]]:
        """All that may be chosen for a language, with the engine's marks."""
        return [(engine, voice) for engine in self._engines for voice in engine.voices(language)]

    def choice(self, language: str, voice: str = "", *, personal: bool = True) -> tuple[Engine, Voice]:
        """Who would be asked first, without asking: the voice's own engine, else the first that may say it.

        :raises SpeechError: speech_voice_unknown; speech_no_engine: none speaks the language.
        """
        if voice:
            self._engine_of(voice, language)
        for engine, known in sorted(self.voices(language), key=lambda found: found[1].name != voice):
            if not personal or may_be_told(engine):
                return engine, known
        raise speech_error("speech_no_engine", language=language[:20], reasons="-")

    def speak(
        self, text: str, language: str, *, engine: str = "", voice: str = "", rate: int = 100, personal: bool = True
    ) -> Speech:
        """The text by the engine asked for, else by the next one that speaks the language.

        A fall to another engine is a fall to its first voice. ``passed_over`` names every engine that had a voice for
        the language, or was asked for by name, and did not speak.

        :raises SpeechError: of the text; speech_voice_unknown: no engine has it; speech_no_engine with the reasons.
        """
        if voice and not engine:
            engine = self._engine_of(voice, language)
        asked = [one for one in self._in_order(engine) if one.name == engine or one.voices(language)]
        passed = {one.name: SLOW for one in asked if _rests(one)}
        for candidate in sorted(asked, key=_rests):
            name = voice if candidate.name == engine else ""
            try:
                pcm = candidate.synthesize(text, language, name, rate, personal=personal)
            except SpeechError as error:
                if error.code in FINAL:
                    raise
                if error.code == SLOW:
                    resting[candidate.name] = time.monotonic() + REST_S
                passed[candidate.name] = error.code
                continue
            passed.pop(candidate.name, None)
            others = tuple(PassedOver(other, code) for other, code in passed.items())
            spoken_by = name or candidate.voices(language)[0].name
            return Speech(pcm, candidate.name, spoken_by, candidate.low_quality, others)
        reasons = ", ".join(f"{name}: {code}" for name, code in passed.items()) or "-"
        raise speech_error("speech_no_engine", language=language[:20], reasons=reasons)

    def speak_together(
        self, texts: Sequence[str], language: str, *, engine: str, voice: str, personal: bool = True
    ) -> list[Speech | None]:
        """The texts in one run of this engine, where it can; None for those that :meth:`speak` is to say alone."""
        alone: list[Speech | None] = [None] * len(texts)
        candidate = next((one for one in self._engines if one.name == engine), None)
        together = getattr(candidate, "synthesize_together", None)
        if candidate is None or together is None or _rests(candidate) or (personal and not may_be_told(candidate)):
            return alone
        try:
            found = together(texts, language, voice)
        except SpeechError:
            return alone
        marks = (candidate.name, voice, candidate.low_quality, ())
        return [None if pcm is None else Speech(pcm, *marks) for pcm in found]

    def _engine_of(self, voice: str, language: str) -> str:
        for engine, known in self.voices(language):
            if known.name == voice:
                return engine.name
        raise speech_error("speech_voice_unknown", voice=voice[:40])

    def _in_order(self, engine: str) -> list[Engine]:
        return sorted(self._engines, key=lambda candidate: candidate.name != engine)


def _rests(engine: Engine) -> bool:
    return resting.get(engine.name, 0.0) > time.monotonic()
