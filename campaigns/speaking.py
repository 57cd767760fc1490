"""From a message and a contact's row to the files that he hears (``Prompts``). No database here."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from campaigns.errors import CampaignError
from campaigns.message.blocks import MAIN, Message
from campaigns.message.compose import Piece, Recorded, Silence, Spoken, compose, language_of
from campaigns.message.prompts import Prompts
from campaigns.message.spelling import speller
from config.errors import ObzvonError
from config.i18n import N_
from tts import loudness, pieces
from tts.engines.chain import Chain, Speech
from tts.engines.speech import SpeechError
from tts.pieces import Pieces

log = structlog.get_logger(__name__)

SENTENCES = {
    "message_nothing_said": N_("Nothing is left to say to this contact: every block of the message is left out."),
    "message_sound_lost": N_("A recorded sound of the message is gone: upload it again."),
}
#: Most texts of one run: more would save little, and let the first of them wait.
TOGETHER = 8
#: A word that every voice can say: when it speaks this, the engine is well, and the fault is in the text.
WELL = {"ru": "один", "en": "one", "cs": "jedna", "uk": "один", "kk": "бір", "de": "eins"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What one contact hears, before any sound is made."""

    language: str
    places: Mapping[str, tuple[Piece, ...]]

    def pieces(self) -> set[Piece]:
        return {piece for at_place in self.places.values() for piece in at_place}


def plan(message: Message, row: Mapping[str, str], region: str) -> Plan:
    """The pieces of every place.

    :raises CampaignError, PhraseError: a value of the row cannot be said; ``field`` is the column.
    """
    places = compose(message, row, speller(region))
    if not places[MAIN]:
        raise CampaignError("message_nothing_said", SENTENCES["message_nothing_said"], field="message")
    return Plan(language_of(message, row), {place: tuple(found) for place, found in places.items()})


def unforeseen(language: str, fault: Exception) -> CampaignError:
    """A fault of ours, which nobody foresaw, as an error that the page can tell."""
    code = "speech_no_engine"
    return CampaignError(code, code, words={"language": language, "reasons": type(fault).__name__})


class Studio:
    """Makes pieces that are not there yet. Thread safe; one for each run, since it remembers what it made."""

    def __init__(self, kept: Pieces, sounds: Path, chain: Chain) -> None:
        self.kept = kept
        self._sounds = sounds
        self._chain = chain
        self._lock = threading.Lock()
        self._stems: dict[Piece, str] = {}
        self._choices: dict[tuple[str, str, bool], tuple[str, str]] = {}
        #: Pieces that another engine spoke than the one asked first, by "engine: code" of that one.
        self.fallbacks: Counter[str] = Counter()
        #: Seconds of speech made.
        self.spoken_s = 0.0

    def is_there(self, piece: Piece) -> bool:
        """Whether nothing has to be made for it."""
        known = self._stems.get(piece)
        return (known is not None and self.kept.has(known)) or self.kept.used(self._first_stem(piece))

    def stem(self, piece: Piece) -> str:
        """The file with this piece; made now unless it is there.

        :raises SpeechError: no engine speaks it; CampaignError: its recording is gone.
        """
        with self._lock:
            stem = self._stems.get(piece)
        if stem is None or not self.kept.has(stem):
            stem = self._first_stem(piece)
            if not self.kept.used(stem):
                stem = self._make(piece, stem)
            with self._lock:
                self._stems[piece] = stem
        return stem

    def make(self, found: Sequence[Piece]) -> dict[Piece, ObzvonError]:
        """Make these unless they are there, as many of them in one run of an engine as it can.

        :returns: those that cannot be made, with the reasons.
        :raises OSError: the disk is at fault, which concerns them all.
        """
        try:
            self._speak_together(found)
        except OSError:
            raise
        except Exception:
            log.exception("not_spoken_together")
        errors: dict[Piece, ObzvonError] = {}
        for piece in found:
            try:
                self.stem(piece)
            except ObzvonError as error:
                errors[piece] = error
            except OSError:
                raise
            except Exception as fault:  # it must not keep the other pieces from being made
                log.exception("piece_not_made")
                errors[piece] = unforeseen(piece.language if isinstance(piece, Spoken) else "", fault)
        return errors

    def _speak_together(self, found: Sequence[Piece]) -> None:
        groups: dict[tuple[str, str, str, bool], dict[str, Spoken]] = {}
        for piece in found:
            if isinstance(piece, Spoken):
                with contextlib.suppress(SpeechError):  # nobody speaks its language: told when it is made alone
                    if not self.is_there(piece):
                        key = (piece.language, *self._choice(piece), piece.personal)
                        groups.setdefault(key, {})[piece.words] = piece
        for (language, engine, voice, personal), group in groups.items():
            texts = list(group)
            speeches = self._chain.speak_together(texts, language, engine=engine, voice=voice, personal=personal)
            for piece, speech in zip(group.values(), speeches, strict=True):
                if speech is not None:
                    self._keep(piece, speech)

    def prompts(self, planned: Plan) -> Prompts:
        """The files of a plan, those not there made now.

        :raises SpeechError, CampaignError: see :meth:`stem`.
        """
        places = {place: tuple(map(self.stem, found)) for place, found in planned.places.items()}
        lengths = [self.kept.seconds(stem) for stem in places[MAIN]]
        marked = [number for number, piece in enumerate(planned.places[MAIN], 1) if _is_key_phrase(piece)]
        heard_s = round(sum(lengths[: marked[-1]]), 3) if marked else None
        return Prompts(planned.language, places, heard_s, round(sum(lengths), 3))

    def is_well(self, language: str) -> bool:
        """Whether the engines speak at all now."""
        try:
            self._chain.speak(WELL[language], language, personal=False)
        except SpeechError:
            return False
        return True

    def _first_stem(self, piece: Piece) -> str:
        if isinstance(piece, Recorded):
            return pieces.recorded_stem(piece.stem)
        if isinstance(piece, Silence):
            return pieces.silence_stem(piece.seconds)
        return pieces.spoken_stem(piece.words, piece.language, *self._choice(piece))

    def _choice(self, piece: Spoken) -> tuple[str, str]:
        """Names of engine and voice; remembered, since engines look into folders for their voices."""
        key = (piece.language, piece.voice, piece.personal)
        found = self._choices.get(key)
        if found is None:
            engine, voice = self._chain.choice(piece.language, piece.voice, personal=piece.personal)
            found = self._choices[key] = (engine.name, voice.name)
        return found

    def _make(self, piece: Piece, stem: str) -> str:
        if isinstance(piece, Silence):
            self.kept.keep(stem, loudness.silence(piece.seconds))
            return stem
        if isinstance(piece, Recorded):
            self.kept.keep(stem, loudness.evened(self._recording(piece.stem)))
            return stem
        engine, voice = self._choice(piece)
        speech = self._chain.speak(piece.words, piece.language, engine=engine, voice=voice, personal=piece.personal)
        return self._keep(piece, speech)

    def _keep(self, piece: Spoken, speech: Speech) -> str:
        # Under the name of who did speak: the one asked first is asked again for the next contact.
        stem = pieces.spoken_stem(piece.words, piece.language, speech.engine, speech.voice)
        self.kept.keep(stem, loudness.evened(speech.pcm))
        with self._lock:
            self.fallbacks.update(f"{passed.engine}: {passed.code}" for passed in speech.passed_over)
            self.spoken_s += len(speech.pcm) / loudness.RATE_HZ
        return stem

    def _recording(self, sound: str) -> loudness.Pcm:
        try:
            return pieces.read_wav(self._sounds / f"{sound}.wav")
        except (OSError, EOFError):
            code = "message_sound_lost"
            raise CampaignError(code, SENTENCES[code], field="message", words={"stem": sound}) from None


def runs(found: Iterable[Piece]) -> list[list[Piece]]:
    """Pieces that may be made in one run: those spoken by one voice, at most :data:`TOGETHER`, in their order."""
    made: list[list[Piece]] = []
    begun: dict[tuple[str, str, bool], list[Piece]] = {}
    for piece in found:
        if not isinstance(piece, Spoken):
            made.append([piece])
            continue
        key = (piece.language, piece.voice, piece.personal)
        run = begun.get(key)
        if run is None or len(run) == TOGETHER:
            run = begun[key] = []
            made.append(run)
        run.append(piece)
    return made


def _is_key_phrase(piece: Piece) -> bool:
    return isinstance(piece, Recorded | Spoken) and piece.key_phrase
