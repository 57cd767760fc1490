"""From a message and a contact's row to the pieces that he hears, in order. Pure: no sound is made here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from campaigns.errors import CampaignError
from campaigns.message.blocks import Block, FieldBlock, Message, Missing, PauseBlock, SoundBlock, TextBlock, Variants
from config.i18n import N_

SENTENCES = {
    "message_field_missing": N_("The column {column} is empty: fill it, or let the message leave it out."),
    "message_field_too_long": N_("The column {column} holds more than {most} letters: nobody would listen to them."),
}
#: Longest text of one contact's column that is spoken; more is a mistake in the base.
LONGEST_FIELD = 500


@dataclass(frozen=True, slots=True)
class Recorded:
    """A sound of ours, by the stem of its file."""

    stem: str
    key_phrase: bool = False


@dataclass(frozen=True, slots=True)
class Spoken:
    """Words for a speech engine."""

    words: str
    language: str
    voice: str
    #: Words that hold a contact's own data must not leave the house (``tts_exports_personal_data``).
    personal: bool
    #: The column that they come from, else ''.
    column: str = ""
    #: Once this was heard to its end the callee counts as reached.
    key_phrase: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    seconds: float


Piece = Recorded | Spoken | Silence
#: (text of the column, how to say it, language) -> words. ``tts.phrases`` behind one function.
Speller = Callable[[str, FieldBlock, str], str]


def language_of(message: Message, fields: Mapping[str, str]) -> str:
    """The contact's own language when the message has words in it, else the default."""
    own = str(fields.get(message.language_column, "")).strip().lower()[:2] if message.language_column else ""
    return own if own in message.variants else message.default_language


def compose(message: Message, fields: Mapping[str, str], spell: Speller) -> dict[str, list[Piece]]:
    """What this contact hears at each spoken place of the message (``Message.spoken``).

    Words of different blocks stay apart.

    :raises CampaignError: ``message_field_missing``, or what ``spell`` says about a value; ``field`` is the column.
    """
    language = language_of(message, fields)
    return {place: compose_place(message, variants, language, fields, spell) for place, variants in message.spoken()}


def compose_place(
    message: Message, variants: Variants, language: str, fields: Mapping[str, str], spell: Speller
) -> list[Piece]:
    """One place; one that has no words in the contact's language is spoken in the message's own."""
    spoken_in = language if language in variants else message.default_language
    voice = message.voices.get(spoken_in, "")  # type: ignore[call-overload]
    pieces = [piece for block in variants[spoken_in] for piece in _pieces_of(block, spoken_in, voice, fields, spell)]
    return list(_punctuated(pieces))


def _pieces_of(block: Block, language: str, voice: str, fields: Mapping[str, str], spell: Speller) -> list[Piece]:
    if isinstance(block, SoundBlock):
        return [Recorded(block.stem, block.key_phrase)]
    if isinstance(block, PauseBlock):
        return [Silence(block.seconds)]
    if isinstance(block, TextBlock):
        return [Spoken(block.text, language, voice, personal=False, key_phrase=block.key_phrase)]
    text = str(fields.get(block.column, "")).strip()
    if not text:
        if block.missing is Missing.SKIP:
            return []
        raise _refusal("message_field_missing", block.column)
    if len(text) > LONGEST_FIELD:
        raise _refusal("message_field_too_long", block.column)
    words = spell(text, block, language)
    return [Spoken(words, language, voice, personal=True, column=block.column, key_phrase=block.key_phrase)]


def _refusal(code: str, column: str) -> CampaignError:
    words = {"column": column, "most": LONGEST_FIELD}
    return CampaignError(code, SENTENCES[code].format(**words), field=column, words=words)


def _punctuated(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Move the punctuation that begins a piece to the end of the words before it: engines take their tone from it.

    The pieces stay apart: what is the same for many contacts is spoken once and kept.
    """
    before: Piece | None = None
    for piece in pieces:
        after: Piece | None = piece
        if isinstance(piece, Spoken):
            marks, words = _split_marks(piece.words)
            if isinstance(before, Spoken) and marks:
                before = replace(before, words=before.words + marks)
            after = replace(piece, words=words) if words else None
        if after is not None:
            if before is not None:
                yield before
            before = after
    if before is not None:
        yield before


def _split_marks(words: str) -> tuple[str, str]:
    rest = words.lstrip(",.;:!?… ")
    return words[: len(words) - len(rest)].strip(), rest
