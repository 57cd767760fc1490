"""The administrator's page of accounts."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from web import accounts as service
from web import forms
from web.pages import pages
from web.pages.guard import administrators


def _render(status: int = 200, **more: object) -> ResponseReturnValue:
    shown = {"errors": {}, "values": {}, "shown": None, **more}
    return render_template(
        "accounts.html", accounts=service.all_accounts(), role_texts=service.ROLE_TEXTS, **shown
    ), status


@pages.get("/accounts")
@administrators
def accounts() -> ResponseReturnValue:
    """All accounts, and a form for a new one."""
    return _render()


@pages.post("/accounts")
@administrators
def make_account() -> ResponseReturnValue:
    """The generated password is shown on the answer to this very request and nowhere else."""
    name, role = request.form.get("username", ""), request.form.get("role", "")
    try:
        _id, password = service.create(name, role)
    except service.AccountError as error:
        return _render(error.status, errors=forms.errors_of(error), values={"username": name, "role": role})
    return _render(shown=(name.strip(), password))


@pages.post("/accounts/<int:account_id>/password")
@administrators
def reset_password(account_id: int) -> ResponseReturnValue:
    """A new generated password, shown once."""
    password = service.reset_password(account_id)
    name = next((item.username for item in service.all_accounts() if item.id == account_id), "")
    return _render(shown=(name, password))


@pages.post("/accounts/<int:account_id>/active")
@administrators
def set_active(account_id: int) -> ResponseReturnValue:
    """Disable or enable."""
    active = request.form.get("active") == "1"
    service.set_active(account_id, active, current_user.id)
    flash(_("The account may sign in again.") if active else _("The account is disabled."), "success")
    return redirect(url_for("pages.accounts"))
