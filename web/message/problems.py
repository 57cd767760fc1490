"""What is wrong with a draft, and at which input of the editor that is said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from pydantic import ValidationError

from campaigns.message.blocks import MAIN, Message, Say
from dialer.pbx_config import QUEUES
from tts import phrases
from web import forms, sentences
from web.message import words
from web.message.draft import Draft, DraftAction, DraftBlock, DraftStep

#: pydantic's place of an error -> our sentence, by kind of block and key.
_OURS = {
    ("text", "text"): "message_words_missing",
    ("field", "column"): "message_column_unchosen",
    ("sound", "stem"): "message_sound_missing",
    ("pause", "seconds"): "message_pause_wrong",
}

#: Not wrong, but not finished: told when somebody tries to save.
UNFINISHED = frozenset(
    {
        *("message_words_missing", "message_column_unchosen", "message_sound_missing", "message_language_missing"),
        *("message_step_missing", "message_keys_missing", "message_unfinished"),
    }
)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong; ``place`` is the id of what it is shown at, without step and language."""

    step: str
    language: str  # '' when it does not depend on one
    place: str  # b-3, i-0, k-1, after, other, b, i, keys, settings …
    text: str
    name: str = ""  # of the input
    code: str = ""
    serious: bool = True  # it cannot be saved like this


@dataclass(frozen=True)
class Known:
    """What there is to choose from."""

    columns: Collection[str] = ()
    has_bases: bool = False
    #: Voices of the languages that have one; None: not asked.
    voices: Mapping[str, Collection[str]] | None = None
    #: Sounds that are gone.
    lost: Collection[str] = ()


@dataclass
class Checked:
    """The message when it may be kept, and all problems."""

    message: Message | None = None
    problems: list[Problem] = field(default_factory=list)
    #: Somebody tried to save: what is only unfinished is marked as well.
    tried: bool = False

    @property
    def shown(self) -> list[Problem]:
        return [one for one in self.problems if self.tried or one.code not in UNFINISHED]

    def at(self, step: str, language: str, place: str) -> list[Problem]:
        """What is shown at one place of the screen."""
        steps = ("", step) if place == "settings" else (step,)
        return [
            one
            for one in self.shown
            if one.place == place and one.step in steps and (one.language in ("", language) or place == "settings")
        ]

    def marked(self, step: str) -> bool:
        """Whether something in this step keeps the message from being saved."""
        return any(one.serious and one.step == step for one in self.shown)

    @property
    def serious(self) -> list[Problem]:
        return [one for one in self.problems if one.serious]


def check(draft: Draft, known: Known | None = None) -> Checked:
    """Everything at once, so that nobody mends one thing only to meet the next."""
    known = known or Known()
    found = list(_of_draft(draft, known))
    message = None
    try:
        message = Message.model_validate(draft.to_json())
    except ValidationError as error:
        for item in error.errors():
            if not item["loc"] and any(one.serious for one in found):
                continue  # the whole message does not hang together: said above, at its place and in our words
            problem = _of_pydantic(draft, item)
            if not any((one.step, one.language, one.place) == (problem.step, problem.language, problem.place)
                       and one.serious for one in found):  # fmt: skip
                found.append(problem)
    if any(one.serious for one in found):
        message = None
    return Checked(message, found)


def _ours(
    code: str,
    step: str,
    place: str,
    language: str = "",
    name: str = "",
    serious: bool = True,
    about: Mapping[str, object] | None = None,
) -> Problem:
    return Problem(step, language, place, sentences.of_code(code, **(about or {})), name, code, serious)


def _of_draft(draft: Draft, known: Known) -> Iterator[Problem]:
    reached = reachable(draft)
    for name, step in draft.steps.items():
        yield from _of_step(draft, name, step, known)
        if name not in reached:
            yield _ours("message_step_unreached", name, "step", serious=False)
    for code in draft.all_languages():
        if known.voices is not None and code not in known.voices and _speaks(draft, code):
            yield _ours("message_voice_missing", "", "settings", code, serious=False)
        voice, known_ones = draft.voices.get(code, ""), (known.voices or {}).get(code, ())
        if voice and known_ones and voice not in known_ones:
            about = {"voice": voice, "language": code, "voices": ", ".join(known_ones)}
            yield _ours("message_voice_unknown", "", "settings", code, f"voice-{code}", about=about)
        if code != draft.default_language and not draft.language_column:
            yield _ours("message_language_unheard", "", "settings", code, serious=False)
    for column in (draft.language_column, draft.name_column):
        if column and known.has_bases and column not in known.columns:
            yield _ours("message_column_unknown", "", "settings", serious=False, about={"column": column})


def _speaks(draft: Draft, code: str) -> bool:
    every = (block for step in draft.steps.values() for _prefix, blocks in step.lists(code) for block in blocks)
    return any(block.kind in ("text", "field") for block in every)


def _of_step(draft: Draft, name: str, step: DraftStep, known: Known) -> Iterator[Problem]:
    own = draft.default_language
    about = {"language": sentences.label(words.LANGUAGES, own)}
    if not step.variants.get(own):
        yield _ours("message_language_missing", name, "b", own, about=about)
    if step.choice is not None:
        if any(step.choice.invalid.values()) and not step.choice.invalid.get(own):
            yield _ours("message_language_missing", name, "i", own, about=about)
        yield from _of_keys(name, [key.key for key in step.choice.keys])
    for place, action in step.actions():
        yield from _of_action(draft, name, place, action)
    for code in draft.all_languages():
        for prefix, blocks in step.lists(code):
            for number, block in enumerate(blocks):
                yield from _of_block(name, code, f"{prefix}-{number}", block, known)


def _of_keys(step: str, keys: list[str]) -> Iterator[Problem]:
    if not keys:
        yield _ours("message_keys_missing", step, "keys")
    for number, key in enumerate(keys):
        if Counter(keys)[key] > 1:
            yield _ours("message_key_twice", step, f"k-{number}", about={"key": key})


def _of_action(draft: Draft, step: str, place: str, action: DraftAction) -> Iterator[Problem]:
    if action.kind == "enter" and _digits(action.least) > _digits(action.most):
        yield _ours("message_digits_wrong", step, place, name="least")
    if action.kind == "transfer" and action.queue not in QUEUES:
        about = {"queue": action.queue, "queues": ", ".join(QUEUES)}
        yield _ours("message_queue_unknown", step, place, name="queue", about=about)
    for name, target in action.steps():
        if not target:
            yield _ours("message_step_missing", step, place, name=name)
        elif target not in draft.steps:
            yield _ours("message_step_unknown", step, place, name=name, about={"step": target})


def _digits(typed: str) -> int:
    return int(typed) if re.fullmatch("[0-9]{1,2}", typed) else 0


def _of_block(step: str, code: str, place: str, block: DraftBlock, known: Known) -> Iterator[Problem]:
    if block.kind == "sound" and block.stem and block.stem in known.lost:
        yield _ours("message_sound_gone", step, place, code)
    if block.kind != "field":
        return
    if block.column and known.has_bases and block.column not in known.columns:
        about = {"column": block.column}
        yield _ours("message_column_unknown", step, place, code, "column", serious=False, about=about)
    declined = block.say in (Say.MONEY, Say.WHOLE, Say.ORDINAL, Say.PERCENT, Say.TIME)
    if declined and block.case not in {str(case) for case in phrases.LANGUAGES[code].cases}:
        yield _ours("message_case_unknown", step, place, code, "case")
    forms_given = [form for form in block.noun_forms if form.strip()]
    count = len(phrases.LANGUAGES[code].noun_example)
    if block.say == Say.WHOLE and forms_given and len(forms_given) != count:
        yield _ours("noun_forms_wrong", step, place, code, "noun_forms", about={"count": count})


def reachable(draft: Draft) -> set[str]:
    """Steps to which something leads from the beginning."""
    found: set[str] = set()
    ahead = [MAIN]
    while ahead:
        name = ahead.pop()
        if name in found or name not in draft.steps:
            continue
        found.add(name)
        ahead += [target for _place, action in draft.steps[name].actions() for _name, target in action.steps()]
    return found


def _of_pydantic(draft: Draft, item: Mapping[str, Any]) -> Problem:
    """``("steps", "pay", "variants", "ru", 2, "text", "text")`` and its like."""
    place = list(item["loc"])
    step = MAIN
    if place[:1] == ["steps"] and len(place) > 1:
        step, place = str(place[1]), place[2:]
    if place[:1] == ["choice"]:
        place = place[1:]
    head, *rest = place or [""]
    if head in ("variants", "invalid"):
        return _at_block(step, "b" if head == "variants" else "i", rest, item)
    name = str(rest[-1]) if rest else ""
    text = forms.sentence_of_input(name, item)
    code = "message_unfinished" if item.get("input") == "" else ""
    if head == "keys" and rest:
        numbers = [n for n, key in enumerate(_keys(draft, step)) if key == str(rest[0])]
        return Problem(step, "", f"k-{numbers[0]}" if numbers else "keys", text, name, code)
    known = {"after": "after", "otherwise": "other", "timeout_s": "keys", "tries": "keys", "keys": "keys"}
    if head not in known and step == MAIN and head in ("language_column", "name_column", "voices", "default_language"):
        return Problem("", "", "settings", text, str(head))
    return Problem(step, "", known.get(str(head), "step"), text, name or str(head), code)


def _keys(draft: Draft, step: str) -> list[str]:
    choice = draft.steps[step].choice if step in draft.steps else None
    return [key.key for key in choice.keys] if choice is not None else []


def _at_block(step: str, prefix: str, rest: list[Any], item: Mapping[str, Any]) -> Problem:
    language = str(rest[0]) if rest else ""
    if len(rest) < 2 or not isinstance(rest[1], int):
        return Problem(step, language, prefix, forms.sentence_of_input("", item))
    kind, name = (str(rest[2]) if len(rest) > 2 else ""), (str(rest[3]) if len(rest) > 3 else "")
    code = _OURS.get((kind, name))
    empty = item["type"] in ("string_too_short", "missing") or name in ("stem", "seconds")
    if code and empty:
        return _ours(code, step, f"{prefix}-{rest[1]}", language, name)
    return Problem(step, language, f"{prefix}-{rest[1]}", forms.sentence_of_input(name, item), name)


def summary(checked: Checked) -> str:
    """One sentence above all."""
    count = len(checked.serious)
    return _("Not saved yet. Marked places that need you: %(n)s.", n=count) if count else ""
