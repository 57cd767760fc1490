"""The editor's form into its draft. On the screen is one step in one language; the rest comes along in one field."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from campaigns.errors import CampaignError
from campaigns.message.blocks import MAIN, MOST_BLOCKS, MOST_STEPS
from config.i18n import N_
from tts import phrases
from web.message.draft import Draft, DraftAction, DraftBlock, DraftChoice, DraftKey, DraftStep

SENTENCES = {
    "message_form_broken": N_("The editor's page is not as it was sent. Load it again."),
    "message_not_finished": N_("The message is not finished: save it to see what is missing."),
}
#: As many inputs as fifty blocks twice and twelve keys have, and some more.
MOST_PARTS = 5000
_TEXTS = ("kind", "stem", "name", "text", "column", "say", "currency", "case", "gender", "missing", "seconds")
_ACTION = (
    *("kind", "step", "then", "queue", "number", "user", "host", "port", "name", "value"),
    *("least", "most", "begins", "ends", "within", "outside", "otherwise"),
)
#: A step that is to be made, in a choice of steps.
NEW_STEP = "+"

Form = MultiDict[str, str]


@dataclass
class Screen:
    """What is looked at."""

    step: str = MAIN
    language: str = "ru"
    contact: int = 0
    find: str = ""
    #: What stands in the part for test calls.
    trial_number: str = ""
    trial_trunk: str = ""

    def fit(self, draft: Draft) -> None:
        """Onto what is there."""
        if self.step not in draft.steps:
            self.step = MAIN
        if self.language not in draft.all_languages():
            self.language = draft.default_language


def read(form: Form) -> tuple[Draft, Screen]:
    """The draft as it stands on the screen.

    :raises CampaignError: message_form_broken.
    """
    try:
        draft = Draft.model_validate_json(form.get("draft", ""))
    except (ValidationError, RecursionError):
        raise _broken() from None
    if _too_large(draft):
        raise _broken()
    draft.steps.setdefault(MAIN, DraftStep())
    contact = form.get("contact", "")
    screen = Screen(
        step=form.get("shown-step", MAIN),
        language=form.get("shown-language", ""),
        contact=int(contact) if re.fullmatch("[0-9]{1,18}", contact) else 0,
        find=form.get("find", "").strip()[:40],
        trial_number=form.get("trial-number", "").strip()[:40],
        trial_trunk=form.get("trial-trunk", ""),
    )
    if form.get("default_language") in phrases.LANGUAGES:
        draft.default_language = form["default_language"]
    draft.language_column = form.get("language_column", draft.language_column)
    draft.name_column = form.get("name_column", draft.name_column)
    for code in phrases.LANGUAGES:
        if f"voice-{code}" in form:
            draft.voices[code] = form[f"voice-{code}"]
    if screen.step in draft.steps and screen.language in phrases.LANGUAGES:
        _read_step(form, draft.steps[screen.step], screen.language)
        _rename(form, draft, screen)
        _new_steps(draft, screen)
    screen.fit(draft)
    return draft, screen


def _broken() -> CampaignError:
    return CampaignError("message_form_broken", SENTENCES["message_form_broken"], status=400)


def _too_large(draft: Draft) -> bool:
    """Far more than a message may hold: it would take seconds to show, and was not made by the editor."""
    if len(draft.steps) > 2 * MOST_STEPS:
        return True
    lists = [blocks for step in draft.steps.values() for blocks in step.variants.values()]
    lists += [blocks for step in draft.steps.values() if step.choice for blocks in step.choice.invalid.values()]
    return any(len(blocks) > 2 * MOST_BLOCKS for blocks in lists)


def _read_step(form: Form, step: DraftStep, language: str) -> None:
    step.variants[language] = _blocks(form, "b")
    if "after-kind" in form:
        step.after = _action(form, "after")
    if form.get("has-keys") != "1":
        return
    choice = step.choice or DraftChoice()
    numbers = [number for number in form.getlist("k-order") if re.fullmatch("[0-9]{1,3}", number)]
    choice.keys = [DraftKey(key=form.get(f"k-{n}-key", ""), action=_action(form, f"k-{n}")) for n in numbers]
    choice.timeout_s = form.get("timeout_s", choice.timeout_s)
    choice.tries = form.get("tries", choice.tries)
    choice.otherwise = _action(form, "other")
    choice.invalid[language] = _blocks(form, "i")
    step.choice = choice


def _blocks(form: Form, prefix: str) -> list[DraftBlock]:
    """In the order in which the cards stand: a card that was moved brought its number along."""
    numbers = [number for number in form.getlist(f"{prefix}-order") if re.fullmatch("[0-9]{1,3}", number)]
    return [_block(form, f"{prefix}-{number}") for number in numbers]


def _block(form: Form, prefix: str) -> DraftBlock:
    texts = {name: form[f"{prefix}-{name}"] for name in _TEXTS if f"{prefix}-{name}" in form}
    block = DraftBlock(**texts)  # type: ignore[arg-type]
    block.text = " ".join(block.text.split())
    block.with_year = form.get(f"{prefix}-with_year") == "1"
    block.key_phrase = form.get(f"{prefix}-key_phrase") == "1"
    block.noun_forms = form.getlist(f"{prefix}-noun_forms")
    return block


def _action(form: Form, prefix: str) -> DraftAction:
    texts = {name: form[f"{prefix}-{name}"].strip() for name in _ACTION if f"{prefix}-{name}" in form}
    action = DraftAction(**texts)  # type: ignore[arg-type]
    if f"{prefix}-has-days" in form:
        action.days = sorted({int(day) for day in form.getlist(f"{prefix}-days") if day in set("0123456")})
    return action


def _rename(form: Form, draft: Draft, screen: Screen) -> None:
    """The step on the screen has a new name: whatever leads to it follows. A name that is no name stays as it was."""
    name = form.get("step-name", screen.step).strip().lower()
    old = screen.step
    if name == old or old == MAIN or name in draft.steps or not re.fullmatch("[a-z][a-z0-9]{0,15}", name):
        return
    draft.steps = {name if key == old else key: step for key, step in draft.steps.items()}
    screen.step = name
    for _place, action in _actions(draft):
        for field, target in action.steps():
            if target == old:
                setattr(action, field, name)


def _new_steps(draft: Draft, screen: Screen) -> None:
    """Steps that were asked for where one is chosen."""
    for _prefix, action in list(draft.steps[screen.step].actions()):
        for field, target in action.steps():
            if target == NEW_STEP:
                setattr(action, field, new_step(draft))


def new_step(draft: Draft) -> str:
    """Make an empty step; its name."""
    number = 1
    while f"step{number}" in draft.steps:
        number += 1
    draft.steps[f"step{number}"] = DraftStep()
    return f"step{number}"


def _actions(draft: Draft) -> list[tuple[str, DraftAction]]:
    return [(name, action) for name, step in draft.steps.items() for _prefix, action in step.actions()]
