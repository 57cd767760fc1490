"""What one contact hears of the list on the screen: numbers as phrases, sounds and pauses named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from campaigns.message.blocks import Block, FieldBlock, Message, PauseBlock, SoundBlock, TextBlock
from campaigns.message.compose import Spoken, compose_place
from campaigns.message.spelling import speller
from config.errors import ObzvonError
from tts import phrases
from web import sentences
from web.message.draft import Draft, DraftBlock

_BLOCK: TypeAdapter[Block] = TypeAdapter(Block)


@dataclass(frozen=True)
class Part:
    """A block as it is heard: ``kind`` is words, field, sound, pause or error."""

    kind: str
    text: str = ""
    seconds: float = 0.0
    key_phrase: bool = False

    @property
    def joined(self) -> bool:
        """Whether it goes on without a blank: it begins with a sign of punctuation."""
        return self.kind == "words" and self.text[:1] in ",.;:!?…"


@dataclass
class Heard:
    """One list of blocks for one contact; ``message`` says just these, None when nothing can be said."""

    language: str
    parts: list[Part] = field(default_factory=list)
    message: Message | None = None

    @property
    def failed(self) -> bool:
        return self.message is None or any(part.kind == "error" for part in self.parts)


def alone(draft: Draft, blocks: Sequence[DraftBlock], language: str) -> Message | None:
    """A message of these blocks and nothing else; blocks that are not finished are left out."""
    made = []
    for block in blocks:
        try:
            made.append(_BLOCK.validate_python(block.to_json()))
        except ValidationError:
            continue
    voices = {language: draft.voices[language]} if draft.voices.get(language) else {}
    try:
        return Message.model_validate(
            {"default_language": language, "variants": {language: made}, "voices": voices}, from_attributes=True
        )
    except ValidationError:
        return None


def listen(draft: Draft, blocks: Sequence[DraftBlock], language: str, fields: Mapping[str, str], region: str) -> Heard:
    """Block by block, so that one that cannot be said does not hide the others."""
    heard = Heard(language, message=alone(draft, blocks, language))
    if heard.message is None or language not in phrases.LANGUAGES:
        return heard
    for block in heard.message.variants[language]:  # type: ignore[index]
        part = _part(heard.message, block, language, fields, region)
        if part is not None:
            heard.parts.append(Part(part.kind, part.text, part.seconds, getattr(block, "key_phrase", False)))
    return heard


def _part(message: Message, block: Block, language: str, fields: Mapping[str, str], region: str) -> Part | None:
    if isinstance(block, SoundBlock):
        return Part("sound", block.name, block.seconds)
    if isinstance(block, PauseBlock):
        return Part("pause", seconds=block.seconds)
    if isinstance(block, TextBlock):
        return Part("words", block.text)
    return _field(message, block, language, fields, region)


def _field(message: Message, block: FieldBlock, language: str, fields: Mapping[str, str], region: str) -> Part | None:
    try:
        pieces = compose_place(message, {language: [block]}, language, fields, speller(region))  # type: ignore[dict-item]
    except ObzvonError as error:
        return Part("error", sentences.of(error))
    words = " ".join(piece.words for piece in pieces if isinstance(piece, Spoken))
    return Part("field", words) if words else None
