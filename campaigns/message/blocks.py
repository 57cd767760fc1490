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


class _Heard(_Block):
    """A block with sound."""

    #: The callee counts as reached once he has heard this block to its end, instead of after the campaign's
    #: notification time (N14). Counts in the step ``main`` alone.
    key_phrase: bool = False


class SoundBlock(_Heard):
    """A recorded sound (``tts.sound_files`` made it)."""

    kind: Literal["sound"] = "sound"
    stem: Stem
    name: str = Field("", max_length=255)
    seconds: float = Field(0.0, ge=0, le=86400)


class TextBlock(_Heard):
    """Words that are the same for every contact."""

    kind: Literal["text"] = "text"
    text: Words


class FieldBlock(_Heard):
    """A column of the contact's row, spoken as what it is."""

    kind: Literal["field"] = "field"
    column: ColumnName
    say: Say = Say.TEXT
    currency: Currency | None = None
    case: Literal["nominative", "genitive", "accusative", "prepositional"] = "nominative"
    gender: Literal["masculine", "feminine", "neuter"] = "masculine"
    #: Forms of the counted noun for ``whole``, as the language's grammar needs them (``tts.phrases.whole``).
    noun_forms: Annotated[tuple[Words, ...], Field(max_length=6)] = ()
    with_year: bool = False
    missing: Missing = Missing.REFUSE

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
#: Blocks of one place in one language.
MOST_BLOCKS = 50
Blocks = Annotated[list[Block], Field(min_length=1, max_length=MOST_BLOCKS)]


#: One language's blocks; every place of a message that is spoken has them by language.
Variants = dict[Language, Blocks]
#: Name of a step; part of a channel variable's name, so letters and digits only.
StepName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,15}$")]
#: What an answer or an entered number is called in statistics and reports.
ResultName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
#: The step that every call begins with.
MAIN = "main"
MOST_STEPS = 20


class Repeat(_Block):
    """The step from its beginning."""

    kind: Literal["repeat"] = "repeat"


class HangUp(_Block):
    kind: Literal["hangup"] = "hangup"


class GoTo(_Block):
    """Another step: so a tree of steps becomes an IVR (L3)."""

    kind: Literal["goto"] = "goto"
    step: StepName


class _HandOver(_Block):
    """The callee is handed over to somebody else; who talked with him ends the call."""

    #: What is said when it did not come about (busy, nobody there, not in time, not allowed): a step, which may hand
    #: over to somebody else in its turn. Without one the call ends.
    otherwise: StepName | None = None


class Transfer(_HandOver):
    """To the operators of a queue (N8, N16)."""

    kind: Literal["transfer"] = "transfer"
    queue: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")] = "operators"


class DialNumber(_HandOver):
    """To a telephone number, through the campaign's trunk and under its rules."""

    kind: Literal["number"] = "number"
    number: Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{5,15}$")]


class DialSip(_HandOver):
    """To a SIP address outside."""

    kind: Literal["sip"] = "sip"
    user: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+-]{1,64}$")]
    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")]
    port: int = Field(5060, ge=1, le=65535)


class OptOut(_Block):
    """The callee wants no more calls: his number goes on the do-not-call list; ``then`` is said, and the call ends."""

    kind: Literal["opt_out"] = "opt_out"
    then: StepName | None = None


class Confirm(_Block):
    """The callee says that he heard it: he counts as reached."""

    kind: Literal["confirm"] = "confirm"
    then: StepName | None = None


class Answer(_Block):
    """The callee answers a question, such as yes or no."""

    kind: Literal["answer"] = "answer"
    name: ResultName
    value: ResultName
    then: StepName | None = None


class EnterNumber(_Block):
    """The callee types a number, such as a meter reading, and ends it with #."""

    kind: Literal["enter"] = "enter"
    name: ResultName
    least: int = Field(1, ge=1, le=20)
    most: int = Field(10, ge=1, le=20)
    then: StepName | None = None

    @model_validator(mode="after")
    def _least_is_not_more_than_most(self) -> EnterNumber:
        if self.least > self.most:
            raise ValueError("the least number of digits is not more than the most")
        return self


class BusinessHours(_Block):
    """One step within these hours of the campaign's zone, another outside of them."""

    kind: Literal["hours"] = "hours"
    days: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(min_length=1, max_length=7)]  # 0 is Monday
    begins: Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    ends: Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    within: StepName
    outside: StepName


Action = Annotated[
    Repeat | HangUp | GoTo | Transfer | DialNumber | DialSip | OptOut | Confirm | Answer | EnterNumber | BusinessHours,
    Field(discriminator="kind"),
]


class Choice(_Block):
    """Keys that are taken while a step is spoken and after it."""

    keys: Annotated[dict[Key, Action], Field(min_length=1, max_length=12)]
    #: Seconds of silence after the step in which a key is waited for.
    timeout_s: float = Field(5.0, ge=1, le=30)
    #: How often the step is said altogether when no key, or a wrong one, is pressed.
    tries: int = Field(2, ge=1, le=5)
    #: Said after a key that means nothing here; empty: nothing.
    invalid: Variants = Field(default_factory=dict)
    #: What is done after the last try without a key, or with wrong ones.
    otherwise: Action = Field(default_factory=HangUp)


class Step(_Block):
    """What is said, then keys, or without keys what follows."""

    variants: Variants
    choice: Choice | None = None
    after: Action = Field(default_factory=HangUp)


class Message(_Block):
    """A whole message. ``variants`` holds the blocks by language; the default language is always among them.

    What is said first, with its ``choice`` and ``after``, is the step ``main``; ``steps`` are the others.
    """

    default_language: Language
    #: Name of the column that says each contact's language; empty: all hear the default language.
    language_column: str = Field("", max_length=200)
    #: Name of the column with the person's name: the telephone of the operator to whom he is handed over shows it.
    name_column: str = Field("", max_length=200)
    variants: Variants
    #: The voice of a language; one that is not named here speaks with the language's default voice.
    voices: dict[Language, Voice] = Field(default_factory=dict)
    choice: Choice | None = None
    after: Action = Field(default_factory=HangUp)
    steps: Annotated[dict[StepName, Step], Field(max_length=MOST_STEPS)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _every_place_speaks_the_default_language(self) -> Message:
        for place, variants in self.spoken():
            if self.default_language not in variants:
                raise ValueError(f"the message has no words in its default language at {place}")
        return self

    @model_validator(mode="after")
    def _steps_exist(self) -> Message:
        if MAIN in self.steps:
            raise ValueError(f"the step {MAIN} is the message itself")
        for action in self.actions():
            for name in _steps_named(action):
                if name != MAIN and name not in self.steps:
                    raise ValueError(f"there is no step {name}")
        return self

    @property
    def personal(self) -> bool:
        """Whether contacts hear different things."""
        return bool(self.language_column) or bool(self.columns())

    def all_steps(self) -> dict[str, Step]:
        """Every step by name, ``main`` first."""
        return {MAIN: Step(variants=self.variants, choice=self.choice, after=self.after), **self.steps}

    def spoken(self) -> list[tuple[str, Variants]]:
        """Every place that is spoken: (``step``, or ``step.invalid`` where there is one; its variants)."""
        places: list[tuple[str, Variants]] = []
        for name, step in self.all_steps().items():
            places.append((name, step.variants))
            if step.choice is not None and step.choice.invalid:
                places.append((f"{name}.invalid", step.choice.invalid))
        return places

    def actions(self) -> list[Action]:
        """Every action of every step."""
        found: list[Action] = []
        for step in self.all_steps().values():
            found.append(step.after)
            if step.choice is not None:
                found += [*step.choice.keys.values(), step.choice.otherwise]
        return found

    def blocks(self) -> list[Block]:
        """Every block of every place and language."""
        return [block for _, variants in self.spoken() for blocks in variants.values() for block in blocks]

    def columns(self) -> set[str]:
        """Columns that a base must have for this message."""
        named = {block.column for block in self.blocks() if isinstance(block, FieldBlock)}
        return named | ({self.language_column} if self.language_column else set())

    def to_json(self) -> dict[str, Any]:
        """As it is kept with a campaign.

        What came later is left out where it says nothing: an older message has the same JSON, and so the same version.
        """
        made: dict[str, Any] = _without_nothing(self.model_dump(mode="json"))
        if not self.name_column:
            del made["name_column"]
        return made


def _without_nothing(value: Any) -> Any:
    """Without ``otherwise`` where it is None."""
    if isinstance(value, list):
        return [_without_nothing(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _without_nothing(item) for name, item in value.items() if name != "otherwise" or item is not None}


def _steps_named(action: Action) -> list[str]:
    if isinstance(action, BusinessHours):
        return [action.within, action.outside]
    if isinstance(action, GoTo):
        return [action.step]
    then = action.otherwise if isinstance(action, _HandOver) else getattr(action, "then", None)
    return [then] if then else []
