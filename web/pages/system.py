"""How the product itself is: nodes, trunks, workers, queues, disks, alarms and where they go. Administrators only."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from pydantic import ValidationError

from config.errors import ObzvonError
from ops import alarms, delivery, notices
from ops.delivery import SECRETS, DeliveryForm
from web import forms, i18n, sentences, system_view
from web.pages import pages
from web.pages.guard import administrators

SWITCHES = ("webhook_on", "mail_on")


def board() -> system_view.Board:
    """This application's own."""
    made: system_view.Board = current_app.extensions.setdefault("obzvon_system", system_view.Board())
    return made


def _words() -> dict[str, Any]:
    system = board().look(current_app.config["OBZVON"])
    return {"system": system, "facts": system.facts, "text_of": system_view.text, "view": system_view}


@pages.get("/system")
@administrators
def system() -> ResponseReturnValue:
    """The whole picture; it renews itself."""
    return render_template("system.html", **_words())


@pages.get("/system/state")
@administrators
def system_state() -> ResponseReturnValue:
    """The part that renews itself."""
    return render_template("parts/system.html", **_words())


@pages.post("/system/alarms/<int:alarm_id>/acknowledge")
@administrators
def acknowledge_alarm(alarm_id: int) -> ResponseReturnValue:
    """Somebody takes care of it."""
    try:
        alarms.acknowledge(alarm_id, current_user.username)
        flash(_("Noted: nobody is reminded of this alarm any more."), "success")
    except ObzvonError as error:
        flash(sentences.of(error), "danger")
    board().forget()
    return redirect(url_for("pages.system"))


def _form(values: dict[str, Any], errors: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    page = render_template(
        "alarm_settings.html", values=values, errors=errors or {}, locales=i18n.LOCALES, zones=forms.zones()
    )
    return page, status


@pages.get("/system/alarm-settings")
@administrators
def alarm_settings() -> ResponseReturnValue:
    """Where alarms go; secrets are never shown."""
    return _form(delivery.load().shown())


@pages.post("/system/alarm-settings")
@administrators
def change_alarm_settings() -> ResponseReturnValue:
    """Keep what the form says, and send a test when one was asked for."""
    known = set(DeliveryForm.model_fields) - set(SWITCHES)
    values: dict[str, Any] = {name: value for name, value in request.form.items() if name in known}
    values |= {name: request.form.get(name) == "1" for name in SWITCHES}
    try:
        delivery.save(DeliveryForm(**values), current_user.username)
    except (ValidationError, ObzvonError) as error:
        shown = {**delivery.load().shown(), **{k: v for k, v in values.items() if k not in SECRETS}}
        return _form(shown, forms.errors_of(error), 422)
    board().forget()
    channel = request.form.get("test", "")
    if channel in ("webhook", "mail"):
        return _test(channel)
    flash(_("Saved."), "success")
    return redirect(url_for("pages.alarm_settings"))


def _test(channel: str) -> ResponseReturnValue:
    try:
        said = notices.test(channel)
        flash(_("Saved, and the test was taken: %(said)s", said=said), "success")
    except ObzvonError as error:
        flash(sentences.of(error), "danger")
    return redirect(url_for("pages.alarm_settings"))
