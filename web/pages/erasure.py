"""Forgetting a number, for administrators."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from campaigns import erasure as service
from campaigns.errors import CampaignError
from web import forms
from web.pages import pages
from web.pages.guard import administrators


def _render(status: int = 200, **more: object) -> ResponseReturnValue:
    return render_template("erasure.html", **{"errors": {}, "number": "", "erased": None, **more}), status


@pages.get("/erase")
@administrators
def erasure() -> ResponseReturnValue:
    """The form."""
    return _render()


@pages.post("/erase")
@administrators
def erase_number() -> ResponseReturnValue:
    """Erase it and say what was found."""
    number = request.form.get("number", "")
    try:
        return _render(erased=service.erase(number))
    except CampaignError as error:
        return _render(error.status, errors=forms.errors_of(error), number=number)
