"""A message as it stands in its editor: the shape of :class:`campaigns.message.blocks.Message`, whatever was typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from campaigns.message.blocks import MAIN, Message, Say
from tts import phrases

#: Blocks that have a sound, and so may be the key phrase.
HEARD = ("text", "field", "sound")
BLOCK_KINDS = ("text", "field", "sound", "pause")
ACTION_KINDS = (
    *("hangup", "repeat", "goto", "transfer", "number", "sip", "confirm", "answer", "enter", "opt_out", "hours"),
)
#: What a step may be followed by without a key.
AFTER_KINDS = ("hangup", "goto", "transfer", "number", "sip", "hours")
#: What may come to nothing: then another step can be said.
HAND_OVERS = ("transfer", "number", "sip")
NEXT_STEP = ("goto", "opt_out", "confirm", "answer", "enter")
#: How many removed things can be brought back.
KEPT = 20


class _Lax(BaseModel):
    """Text as it was typed; nothing is refused here but what is no form of ours at all."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class DraftBlock(_Lax):
    kind: str = "text"
    key_phrase: bool = False
    stem: str = ""
    name: str = ""
    text: str = ""
    column: str = ""
    say: str = "text"
    currency: str = ""
    case: str = "nominative"
    gender: str = "masculine"
    noun_forms: list[str] = Field(default_factory=list)
    with_year: bool = False
    missing: str = "refuse"
    seconds: str = ""

    @field_validator("currency", mode="before")
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        return "" if value is None else value

    def to_json(self) -> dict[str, Any]:
        """The keys that this kind has, and no others."""
        made: dict[str, Any] = {"kind": self.kind}
        if self.kind in HEARD:
            made["key_phrase"] = self.key_phrase
        if self.kind == "text":
            made["text"] = self.text
        elif self.kind == "sound":
            made |= {"stem": self.stem, "name": self.name, "seconds": _number(self.seconds or "0")}
        elif self.kind == "pause":
            made["seconds"] = _number(self.seconds)
        elif self.kind == "field":
            made |= self._field()
        return made

    def _field(self) -> dict[str, Any]:
        made: dict[str, Any] = {"column": self.column, "say": self.say, "missing": self.missing}
        if self.say == Say.MONEY:
            made["currency"] = self.currency or "RUB"
        if self.say in (Say.MONEY, Say.WHOLE, Say.ORDINAL, Say.PERCENT, Say.TIME, Say.DATE):
            made["case"] = self.case
        if self.say in (Say.WHOLE, Say.ORDINAL):
            made["gender"] = self.gender
        if self.say == Say.WHOLE and any(form.strip() for form in self.noun_forms):
            made["noun_forms"] = self.noun_forms
        if self.say == Say.DATE:
            made["with_year"] = self.with_year
        return made


class DraftAction(_Lax):
    kind: str = "hangup"
    step: str = ""  # of goto
    then: str = ""  # of all others that go on
    otherwise: str = ""  # of a hand-over: when it does not come about
    queue: str = "operators"
    number: str = ""
    user: str = ""
    host: str = ""
    port: str = "5060"
    name: str = ""
    value: str = ""
    least: str = "1"
    most: str = "10"
    days: list[int] = Field(default_factory=lambda: [0, 1, 2, 3, 4])
    begins: str = "09:00"
    ends: str = "18:00"
    within: str = ""
    outside: str = ""

    @field_validator("then", "otherwise", mode="before")
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        return "" if value is None else value

    def to_json(self) -> dict[str, Any]:
        """The keys that this kind has, and no others."""
        kept = {
            "goto": ("step",),
            "transfer": ("queue",),
            "number": ("number",),
            "sip": ("user", "host"),
            "answer": ("name", "value"),
            "enter": ("name",),
            "hours": ("days", "begins", "ends", "within", "outside"),
        }.get(self.kind, ())
        made: dict[str, Any] = {"kind": self.kind, **{name: getattr(self, name) for name in kept}}
        if self.kind == "number":
            made["number"] = "".join(sign for sign in self.number if sign not in " -()\u00a0")
        if self.kind == "sip":
            made["port"] = _number(self.port or "5060")
        if self.kind == "enter":
            made |= {"least": _number(self.least), "most": _number(self.most)}
        if self.kind in NEXT_STEP and self.kind != "goto":
            made["then"] = self.then or None
        if self.kind in HAND_OVERS and self.otherwise:
            made["otherwise"] = self.otherwise
        return made

    def steps(self) -> list[tuple[str, str]]:
        """(name of the input, step) for each step that this leads to."""
        if self.kind == "hours":
            return [("within", self.within), ("outside", self.outside)]
        if self.kind == "goto":
            return [("step", self.step)]
        if self.kind in HAND_OVERS:
            return [("otherwise", self.otherwise)] if self.otherwise else []
        return [("then", self.then)] if self.kind in NEXT_STEP and self.then else []


class DraftKey(_Lax):
    key: str = ""
    action: DraftAction = Field(default_factory=DraftAction)


Variants = dict[str, list[DraftBlock]]


class DraftChoice(_Lax):
    keys: list[DraftKey] = Field(default_factory=list)
    timeout_s: str = "5"
    tries: str = "2"
    invalid: Variants = Field(default_factory=dict)
    otherwise: DraftAction = Field(default_factory=DraftAction)


class DraftStep(_Lax):
    variants: Variants = Field(default_factory=dict)
    choice: DraftChoice | None = None
    after: DraftAction = Field(default_factory=DraftAction)

    def actions(self) -> Iterator[tuple[str, DraftAction]]:
        """(prefix of its inputs, action)."""
        if self.choice is None:
            yield "after", self.after
            return
        for number, key in enumerate(self.choice.keys):
            yield f"k-{number}", key.action
        yield "other", self.choice.otherwise

    def lists(self, language: str) -> Iterator[tuple[str, list[DraftBlock]]]:
        """(prefix of its inputs, blocks) in this language."""
        yield "b", self.variants.get(language, [])
        if self.choice is not None:
            yield "i", self.choice.invalid.get(language, [])

    def languages(self) -> set[str]:
        """Languages in which something is said here."""
        found = {code for code, blocks in self.variants.items() if blocks}
        if self.choice is not None:
            found |= {code for code, blocks in self.choice.invalid.items() if blocks}
        return found


class Removed(_Lax):
    """Something that was taken out, and where it stood: a block, a key, a step or a language of the message."""

    what: str
    step: str = ""
    prefix: str = ""
    language: str = ""
    at: int = 0
    value: Any = None


class Draft(_Lax):
    default_language: str = "ru"
    language_column: str = ""
    name_column: str = ""
    voices: dict[str, str] = Field(default_factory=dict)
    steps: dict[str, DraftStep] = Field(default_factory=lambda: {MAIN: DraftStep()})
    #: Languages that were asked for, also those without words yet.
    languages: list[str] = Field(default_factory=list)
    removed: list[Removed] = Field(default_factory=list)

    def all_languages(self) -> list[str]:
        """Those of the message, the default one first."""
        used = {code for step in self.steps.values() for code in step.languages()}
        wanted = dict.fromkeys([self.default_language, *self.languages, *sorted(used)])
        return [code for code in wanted if code in phrases.LANGUAGES]

    @property
    def has_operators(self) -> bool:
        """Somebody may be handed over to them."""
        return any(action.kind == "transfer" for step in self.steps.values() for _prefix, action in step.actions())

    def to_json(self) -> dict[str, Any]:
        """As ``Message`` takes it; texts that are no numbers stay as they were typed, and are refused there."""
        made: dict[str, Any] = {
            "default_language": self.default_language,
            "language_column": self.language_column,
            "name_column": self.name_column,
            "voices": {code: voice for code, voice in self.voices.items() if voice and code in self.all_languages()},
            "steps": {name: _step(step) for name, step in self.steps.items() if name != MAIN},
        }
        return made | _step(self.steps[MAIN])


def _step(step: DraftStep) -> dict[str, Any]:
    made: dict[str, Any] = {"variants": _variants(step.variants), "choice": None, "after": {"kind": "hangup"}}
    if step.choice is None:
        return made | {"after": step.after.to_json()}
    return made | {
        "choice": {
            "keys": {key.key: key.action.to_json() for key in step.choice.keys},
            "timeout_s": _number(step.choice.timeout_s),
            "tries": _number(step.choice.tries),
            "invalid": _variants(step.choice.invalid),
            "otherwise": step.choice.otherwise.to_json(),
        }
    }


def _variants(variants: Variants) -> dict[str, Any]:
    return {code: [block.to_json() for block in blocks] for code, blocks in variants.items() if blocks}


def _number(text: str) -> Any:
    text = text.strip().replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value == value and abs(value) < 1e9 and value == int(value) else value


def of_message(message: Message) -> Draft:
    """A kept message, to be worked on."""
    kept = message.to_json()
    steps = {MAIN: {name: kept[name] for name in ("variants", "choice", "after")}, **kept["steps"]}
    for step in steps.values():
        if step["choice"] is not None:
            keys = [{"key": key, "action": action} for key, action in sorted(step["choice"]["keys"].items())]
            step["choice"] = {**step["choice"], "keys": keys}
    return Draft.model_validate({**kept, "steps": steps})


def of_sound(stem: str, name: str, seconds: float, language: str) -> Draft:
    """A campaign that plays one sound so far, or nothing."""
    draft = Draft(default_language=language)
    if stem:
        block = DraftBlock(kind="sound", stem=stem, name=name, seconds=f"{seconds:g}")
        draft.steps[MAIN].variants[language] = [block]
    return draft
