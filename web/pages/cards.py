"""The card of a call, as an operator's telephone opens it."""

from __future__ import annotations

from flask import make_response, render_template, request
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


@pages.get("/cards/<uid>/up")
def card_up(uid: str) -> ResponseReturnValue:
    """Empty; once the call has ended, the page that asks is told to load itself again."""
    response = make_response("", 204)
    if not cards.is_up(uid):
        response.headers["HX-Refresh"] = "true"
    return response
