"""The speech engines of this copy: which are asked, and what the administrator allows them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from campaigns.models import SpeechSetting
from config import audit, database, settings
from config.settings import Settings
from tts.engines.chain import Chain
from tts.engines.espeak import Espeak
from tts.engines.google import Google
from tts.engines.piper import Piper
from tts.engines.rhvoice import RHVoice
from tts.engines.speech import Engine

GOOGLE = Google.name


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What may be sent to an engine outside of the house."""

    texts: bool = False
    #: Texts with a person's own data too.
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Offered:
    """A voice that a message may have, as the editor shows it."""

    name: str
    language: str
    engine: str
    licence: str
    low_quality: bool
    leaves_house: bool


def acceptance(engine: str = GOOGLE, session: Session | None = None) -> Acceptance:
    """What the administrator decided; nothing may leave the house before.

    :param session: of the caller, where he is inside of a transaction.
    """
    if session is None:
        with database.read() as own:
            return acceptance(engine, own)
    kept = session.get(SpeechSetting, engine)
    value = kept.value if kept is not None else {}
    return Acceptance(bool(value.get("texts")), bool(value.get("texts")) and bool(value.get("personal")))


def accept(texts: bool, personal: bool, engine: str = GOOGLE) -> None:
    """The administrator's decision; without ``texts`` there is no ``personal``."""
    value = {"texts": texts, "personal": texts and personal}

    def work(session: Session) -> None:
        session.merge(SpeechSetting(engine=engine, value=value))
        audit.append(session, "speech_accepted", "engine", engine, **value)

    database.write(work)


_lock = threading.Lock()
_made: dict[tuple[object, ...], Chain] = {}


def chain(session: Session | None = None) -> Chain:
    """The engines as settings and administrator have them; the same object until they change, since Google's pauses
    between requests are kept in it.

    :param session: of the caller, where he is inside of a transaction.
    """
    current, accepted = settings.get(), acceptance(session=session)
    key = (current.runtime, current.speech_engines, current.piper_voices, accepted)
    with _lock:
        if key not in _made:
            _made.clear()
            _made[key] = built(current, accepted)
        return _made[key]


def built(current: Settings, accepted: Acceptance | None = None) -> Chain:
    """The engines anew; without ``accepted`` nothing leaves the house."""
    return Chain(_engines(current, accepted or Acceptance()))


def _engines(current: Settings, accepted: Acceptance) -> list[Engine]:
    folder = current.runtime / "speech"
    makers: dict[str, Callable[[], Engine]] = {
        "rhvoice": lambda: RHVoice(folder),
        "espeak-ng": lambda: Espeak(folder),
        "piper": lambda: Piper(Path(current.piper_voices)),
        "gtts": lambda: Google(accepted.texts, accepted.personal),
    }
    names = current.speech_engines.split(",")
    return [makers[name]() for name in names if name != "piper" or current.piper_voices]


def offered(language: str) -> list[Offered]:
    """Voices of a language, the one that speaks without a choice first."""
    return [
        Offered(voice.name, voice.language, engine.name, voice.licence, engine.low_quality, engine.leaves_house)
        for engine, voice in chain().voices(language)
    ]
