"""What the editor's buttons do to a draft: ``name:argument:argument``."""

from __future__ import annotations

from collections.abc import Callable

from campaigns.message.blocks import MAIN, MOST_BLOCKS, MOST_STEPS
from tts import phrases
from web.message.draft import (
    BLOCK_KINDS,
    KEPT,
    Draft,
    DraftBlock,
    DraftChoice,
    DraftKey,
    DraftStep,
    Removed,
)
from web.message.form import Screen, new_step

KEYS = "1234567890*#"


def do(draft: Draft, screen: Screen, order: str) -> str:
    """Carry out one order.

    :returns: the id of the input that gets the focus; '' leaves it where it is.
    """
    name, *rest = order.split(":")
    known = _ORDERS.get(name)
    if known is None:
        return ""
    try:
        return known(draft, screen, *rest) or ""
    except (TypeError, ValueError, IndexError, KeyError):
        return ""  # a button of an older page, or none of ours


def blocks_of(draft: Draft, screen: Screen, prefix: str) -> list[DraftBlock]:
    """The list on the screen with this prefix."""
    step = draft.steps[screen.step]
    if prefix == "b":
        return step.variants.setdefault(screen.language, [])
    if step.choice is None:
        raise KeyError(prefix)
    return step.choice.invalid.setdefault(screen.language, [])


def _add(draft: Draft, screen: Screen, prefix: str, kind: str) -> str:
    blocks = blocks_of(draft, screen, prefix)
    if kind not in BLOCK_KINDS or len(blocks) >= MOST_BLOCKS:
        return ""
    blocks.append(DraftBlock(kind=kind, seconds="0.5" if kind == "pause" else ""))
    return f"{prefix}-{len(blocks) - 1}-first"


def _up(draft: Draft, screen: Screen, prefix: str, number: str, by: int = -1) -> str:
    blocks, at = blocks_of(draft, screen, prefix), int(number)
    to = at + by
    if 0 <= at < len(blocks) and 0 <= to < len(blocks):
        blocks.insert(to, blocks.pop(at))
        return f"{prefix}-{to}-{'up' if by < 0 else 'down'}"
    return ""


def _down(draft: Draft, screen: Screen, prefix: str, number: str) -> str:
    return _up(draft, screen, prefix, number, 1)


def _copy(draft: Draft, screen: Screen, prefix: str, number: str) -> str:
    blocks, at = blocks_of(draft, screen, prefix), int(number)
    if len(blocks) < MOST_BLOCKS:
        blocks.insert(at + 1, blocks[at].model_copy(deep=True))
    return f"{prefix}-{at + 1}-first"


def _keep(draft: Draft, removed: Removed) -> str:
    draft.removed = [*draft.removed, removed][-KEPT:]
    return "undo"


def _remove(draft: Draft, screen: Screen, prefix: str, number: str) -> str:
    blocks, at = blocks_of(draft, screen, prefix), int(number)
    value = blocks.pop(at).model_dump()
    gone = Removed(what="block", step=screen.step, prefix=prefix, language=screen.language, at=at, value=value)
    return _keep(draft, gone)


def _remove_key(draft: Draft, screen: Screen, number: str) -> str:
    choice = draft.steps[screen.step].choice
    if choice is None:
        return ""
    value = choice.keys.pop(int(number)).model_dump()
    return _keep(draft, Removed(what="key", step=screen.step, at=int(number), value=value))


def _remove_keys(draft: Draft, screen: Screen) -> str:
    step = draft.steps[screen.step]
    if step.choice is None:
        return ""
    value, step.choice = step.choice.model_dump(), None
    return _keep(draft, Removed(what="keys", step=screen.step, value=value))


def _remove_step(draft: Draft, screen: Screen, name: str) -> str:
    if name == MAIN:
        return ""
    at = list(draft.steps).index(name)
    value = draft.steps.pop(name).model_dump()
    screen.fit(draft)
    return _keep(draft, Removed(what="step", step=name, at=at, value=value))


def _remove_language(draft: Draft, screen: Screen, code: str) -> str:
    if code == draft.default_language:
        return ""
    value = {}
    for name, step in draft.steps.items():
        kept = {prefix: [block.model_dump() for block in blocks] for prefix, blocks in step.lists(code)}
        value[name] = kept
        step.variants.pop(code, None)
        if step.choice is not None:
            step.choice.invalid.pop(code, None)
    draft.languages = [known for known in draft.languages if known != code]
    screen.fit(draft)
    return _keep(draft, Removed(what="language", language=code, value=value))


def _undo(draft: Draft, screen: Screen) -> str:
    """Bring back what was removed last, to where it stood."""
    gone = draft.removed.pop()
    if gone.what == "step":
        steps = list(draft.steps.items())
        steps.insert(gone.at, (gone.step, DraftStep.model_validate(gone.value)))
        draft.steps = dict(steps)
        screen.step = gone.step
        return "step-title"
    if gone.what == "language":
        return _language_again(draft, screen, gone)
    if gone.step not in draft.steps:
        return ""
    screen.step = gone.step
    if gone.what == "keys":
        draft.steps[gone.step].choice = DraftChoice.model_validate(gone.value)
        return "keys"
    if gone.what == "key":
        choice = draft.steps[gone.step].choice = draft.steps[gone.step].choice or DraftChoice()
        choice.keys.insert(gone.at, DraftKey.model_validate(gone.value))
        return f"k-{gone.at}-key"
    screen.language = gone.language
    _language(draft, screen, gone.language)
    blocks_of(draft, screen, gone.prefix).insert(gone.at, DraftBlock.model_validate(gone.value))
    return f"{gone.prefix}-{gone.at}-first"


def _language_again(draft: Draft, screen: Screen, gone: Removed) -> str:
    for name, kept in gone.value.items():
        step = draft.steps.get(name)
        for prefix, blocks in kept.items() if step is not None else ():
            made = [DraftBlock.model_validate(block) for block in blocks]
            if prefix == "b":
                step.variants[gone.language] = made
            elif step.choice is not None:
                step.choice.invalid[gone.language] = made
    return _language(draft, screen, gone.language)


def _show(draft: Draft, screen: Screen, name: str) -> str:
    if name in draft.steps:
        screen.step = name
        return "step-title"
    return ""


def _new_step(draft: Draft, screen: Screen) -> str:
    if len(draft.steps) <= MOST_STEPS:
        screen.step = new_step(draft)
    return "step-title"


def _language(draft: Draft, screen: Screen, code: str) -> str:
    if code not in phrases.LANGUAGES:
        return ""
    if code not in draft.all_languages():
        draft.languages.append(code)
    screen.language = code
    return f"language-{code}"


def _add_keys(draft: Draft, screen: Screen) -> str:
    """The next free key; the first one makes the choice."""
    step = draft.steps[screen.step]
    step.choice = step.choice or DraftChoice()
    used = {key.key for key in step.choice.keys}
    free = next((key for key in KEYS if key not in used), None)
    if free is None:
        return ""
    step.choice.keys.append(DraftKey(key=free))
    return f"k-{len(step.choice.keys) - 1}-kind"


def _copy_language(draft: Draft, screen: Screen, prefix: str, code: str) -> str:
    """The blocks of another language, to be translated."""
    other = Screen(step=screen.step, language=code)
    blocks = [block.model_copy(deep=True) for block in blocks_of(draft, other, prefix)]
    for block in blocks:
        block.noun_forms = []
    blocks_of(draft, screen, prefix)[:] = blocks
    return f"{prefix}-0-first"


_ORDERS: dict[str, Callable[..., str]] = {
    "add": _add,
    "up": _up,
    "down": _down,
    "copy": _copy,
    "remove": _remove,
    "addkey": _add_keys,
    "removekey": _remove_key,
    "removekeys": _remove_keys,
    "addstep": _new_step,
    "step": _show,
    "removestep": _remove_step,
    "language": _language,
    "removelanguage": _remove_language,
    "copylanguage": _copy_language,
    "undo": _undo,
}
