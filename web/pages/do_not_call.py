"""The do-not-call list."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from campaigns import do_not_call as service
from campaigns.errors import CampaignError
from web import forms, queries
from web.pages import pages


@pages.get("/do-not-call")
def do_not_call() -> ResponseReturnValue:
    """The list; its filter stands in the address, htmx asks for the list alone."""
    return _render()


def _render(status: int = 200, **more: object) -> ResponseReturnValue:
    number = request.args.get("number", "")
    page = queries.do_not_call(number=number, page=forms.page_number(request.args.get("page")))
    alone = request.headers.get("HX-Target") == "do-not-call-list"
    return render_template(
        "parts/do_not_call_list.html" if alone else "do_not_call.html",
        **{
            "page": page,
            "campaigns_there": queries.campaigns_there(page.items),
            "filters": {"number": number},
            "errors": {},
            "values": {"number": "", "comment": ""},
            **more,
        },
    ), status


@pages.post("/do-not-call")
def add_do_not_call() -> ResponseReturnValue:
    """Put a number on it."""
    values = {name: request.form.get(name, "")[:200] for name in ("number", "comment")}
    try:
        service.add(values["number"], by=current_user.username, comment=values["comment"])
    except CampaignError as error:
        return _render(error.status, errors=forms.errors_of(error), values=values)
    return redirect(url_for("pages.do_not_call"))


@pages.post("/do-not-call/remove")
def remove_do_not_call() -> ResponseReturnValue:
    """Take a number off it."""
    try:
        service.remove(request.form.get("number", ""))
    except CampaignError as error:
        return _render(error.status, errors=forms.errors_of(error))
    return redirect(url_for("pages.do_not_call"))
