"""A message as its editor makes it: blocks in order, once per language; kept as JSON with the campaign."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

#: Languages in which numbers can be spoken (``tts.phrases``), by ISO 639-1 code.
Language = Literal["ru", "en", "cs", "uk", "kk", "de"]
Currency = Literal["RUB", "USD", "EUR", "KZT", "UAH", "CZK", "GBP"]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")]
Stem = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
#: Spoken text: no control characters; markup has no meaning in it.
Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00-\x1f]+$")
]
Voice = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,60}$")]
ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Say(StrEnum):
    """How the text of a contact's column is spoken."""

    MONEY = "money"
    WHOLE = "whole"
    DIGITS = "digits"
    ACCOUNT = "account"
    PHONE = "phone"
    DATE = "date"
    TIME = "time"
    ORDINAL = "ordinal"
    PERCENT = "percent"
    TEXT = "text"


class Missing(StrEnum):
    """What to do for a contact whose column is empty."""

    REFUSE = "refuse"  # the contact is not called, and the report says why
    SKIP = "skip"  # the block is left out


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SoundBlock(_Block):
    """A recorded sound (``tts.sound_files`` made it)."""

    kind: Literal["sound"] = "sound"
    stem: Stem
    name: str = Field("", max_length=255)
    seconds: float = Field(0.0, ge=0)


class TextBlock(_Block):
    """Words that are the same for every contact."""

    kind: Literal["text"] = "text"
    text: Words


class FieldBlock(_Block):
    """A column of the contact's row, spoken as what it is."""

    kind: Literal["field"] = "field"
    column: ColumnName
    say: Say = Say.TEXT
    currency: Currency | None = None
    case: Literal["nominative", "genitive", "accusative", "prepositional"] = "nominative"
    gender: Literal["masculine", "feminine", "neuter"] = "masculine"
    with_year: bool = False
    missing: Missing = Missing.REFUSE
    #: The callee counts as reached once he has heard this block to its end (N14).
    key_phrase: bool = False

    @model_validator(mode="after")
    def _money_has_a_currency(self) -> FieldBlock:
        if (self.say is Say.MONEY) != (self.currency is not None):
            raise ValueError("a currency is given for money, and for money only")
        return self


class PauseBlock(_Block):
    """Silence."""

    kind: Literal["pause"] = "pause"
    seconds: float = Field(ge=0.1, le=10)


Block = Annotated[SoundBlock | TextBlock | FieldBlock | PauseBlock, Field(discriminator="kind")]
Blocks = Annotated[list[Block], Field(min_length=1, max_length=50)]


class Message(_Block):
    """A whole message. ``variants`` holds the blocks by language; the default language is always among them."""

    default_language: Language
    #: Name of the column that says each contact's language; empty: all hear the default language.
    language_column: str = Field("", max_length=200)
    variants: dict[Language, Blocks]
    #: The voice of a language; one that is not named here speaks with the language's default voice.
    voices: dict[Language, Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,60}$")]] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _default_has_a_variant(self) -> Message:
        if self.default_language not in self.variants:
            raise ValueError("the message has no words in its default language")
        return self

    @property
    def personal(self) -> bool:
        """Whether contacts hear different things."""
        return bool(self.language_column) or any(
            isinstance(block, FieldBlock) for blocks in self.variants.values() for block in blocks
        )

    def columns(self) -> set[str]:
        """Columns that a base must have for this message."""
        named = {block.column for blocks in self.variants.values() for block in blocks if isinstance(block, FieldBlock)}
        return named | ({self.language_column} if self.language_column else set())

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")
