"""The steps of a message as a tree: what a callee can come to, and by which key (L3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask_babel import gettext as _

from campaigns.message.blocks import MAIN
from web import sentences
from web.message import words
from web.message.draft import Draft, DraftAction
from web.message.problems import reachable

DEEPEST = 6


@dataclass(frozen=True)
class Row:
    """A step, or what happens where no step follows."""

    depth: int
    key: str = ""
    step: str = ""
    text: str = ""
    #: It stands further up with all that follows from it.
    again: bool = False


def step_title(name: str) -> str:
    """What a step is called on the screen."""
    return _("Beginning") if name == MAIN else name


def rows(draft: Draft) -> list[Row]:
    """From the beginning on; then the steps to which nothing leads."""
    seen: set[str] = set()
    found = list(_step(draft, MAIN, "", 0, seen))
    for name in draft.steps:
        if name not in reachable(draft) and name not in seen:
            found += _step(draft, name, "?", 0, seen)
    return found


def _step(draft: Draft, name: str, key: str, depth: int, seen: set[str]) -> Iterator[Row]:
    again = name in seen
    yield Row(min(depth, DEEPEST), key, name, step_title(name), again)
    if again or name not in draft.steps:
        return
    seen.add(name)
    step = draft.steps[name]
    if step.choice is None:
        yield from _action(draft, "", step.after, depth + 1, seen)
        return
    for one in step.choice.keys:
        yield from _action(draft, one.key, one.action, depth + 1, seen)
    yield from _action(draft, "…", step.choice.otherwise, depth + 1, seen)


def _action(draft: Draft, key: str, action: DraftAction, depth: int, seen: set[str]) -> Iterator[Row]:
    text = sentences.label(words.ACTIONS, action.kind)
    if action.kind != "goto" and (key != "" or action.kind != "hangup"):
        yield Row(min(depth, DEEPEST), key, "", text)
        key, depth = "", depth + 1
    for name, target in action.steps():
        if target in draft.steps:
            mark = key or {"within": _("in hours"), "outside": _("else"), "otherwise": _("else")}.get(name, "")
            yield from _step(draft, target, mark, depth, seen)
