"""What one contact hears of a draft, as text: numbers as phrases, sounds and pauses named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from campaigns.message.blocks import Block, FieldBlock, Message, PauseBlock, SoundBlock, TextBlock, Variants
from campaigns.message.compose import compose_place, language_of
from campaigns.message.spelling import speller
from config.errors import ObzvonError
from web import sentences

#: A column of the preview's own, which names the language to be heard.
LANGUAGE = "\0language"


@dataclass(frozen=True)
class Part:
    """A block as it is heard: ``kind`` words, field, sound, pause or error."""

    kind: str
    text: str = ""
    seconds: float = 0.0
    key_phrase: bool = False
    index: int = 0


@dataclass
class Heard:
    """One place of the message for one contact."""

    language: str
    parts: list[Part] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return any(part.kind == "error" for part in self.parts)


def in_language(message: Message, fields: Mapping[str, str], code: str) -> tuple[Message, dict[str, str]]:
    """The same message and contact, heard in this language."""
    return message.model_copy(update={"language_column": LANGUAGE}), {**fields, LANGUAGE: code}


def place(message: Message, variants: Variants, fields: Mapping[str, str], region: str) -> Heard:
    """Block by block, so that what cannot be said is told at its block."""
    own = language_of(message, fields)
    code = own if own in variants else message.default_language
    heard = Heard(code)
    for index, block in enumerate(variants.get(code, [])):  # type: ignore[call-overload]
        part = _part(message, block, code, fields, region)
        if part is not None:
            heard.parts.append(Part(part.kind, part.text, part.seconds, getattr(block, "key_phrase", False), index))
    return heard


def _part(message: Message, block: Block, code: str, fields: Mapping[str, str], region: str) -> Part | None:
    if isinstance(block, SoundBlock):
        return Part("sound", block.name, block.seconds)
    if isinstance(block, PauseBlock):
        return Part("pause", seconds=block.seconds)
    if isinstance(block, TextBlock):
        return Part("words", block.text)
    return _field(message, block, code, fields, region)


def _field(message: Message, block: FieldBlock, code: str, fields: Mapping[str, str], region: str) -> Part | None:
    try:
        pieces = compose_place(message, {code: [block]}, code, fields, speller(region))  # type: ignore[dict-item]
    except ObzvonError as error:
        return Part("error", sentences.of(error))
    words = " ".join(piece.words for piece in pieces if hasattr(piece, "words"))
    return Part("field", words) if words else None
