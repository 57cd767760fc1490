"""The card of a call, as an operator's telephone opens it."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from campaigns import cards
from web.message import words
from web.message.tree import step_title
from web.pages import pages


@pages.get("/cards/<uid>")
def card(uid: str) -> ResponseReturnValue:
    """All about the callee; ``so_far`` is what he did in this call, as the PBX told it."""
    found = cards.opened(uid, request.args.get("so_far", ""))
    return render_template("card.html", card=found, campaign=found.campaign, words=words, step_title=step_title)
