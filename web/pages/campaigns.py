"""Campaigns: the list, the settings, the page of one, and its orders."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from flask import current_app, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from pydantic import ValidationError
from werkzeug.datastructures import FileStorage

from campaigns import exports, service, step_statistics
from campaigns.models import Campaign
from campaigns.service import CampaignForm
from config.errors import ObzvonError
from config.i18n import N_
from config.settings import Settings
from dialer import trunks as trunk_service
from web import forms, live, queries, sentences
from web.pages import pages

ORDERS = {"start": service.start, "pause": service.pause, "resume": service.resume, "stop": service.stop}
DONE = {
    "start": N_("The campaign runs."),
    "pause": N_("Paused: no new calls; calls that are up go on to their end."),
    "resume": N_("The campaign runs again."),
    "stop": N_("The campaign is stopped."),
}


def settings() -> Settings:
    """The settings of this application."""
    found: Settings = current_app.config["OBZVON"]
    return found


@pages.get("/campaigns")
def campaigns() -> ResponseReturnValue:
    """The list; its filters stand in the address, htmx asks for the list alone."""
    filters = {name: request.args.get(name, "") for name in ("state", "name", "sort")}
    page = queries.campaigns(
        state=filters["state"],
        name=filters["name"],
        sort=filters["sort"] or "active",
        page=forms.page_number(request.args.get("page")),
    )
    template = "parts/campaign_list.html" if request.headers.get("HX-Target") == "campaign-list" else "campaigns.html"
    counts = service.counts([campaign.id for campaign in page.items]) if page.items else {}
    return render_template(template, page=page, counts=counts, filters=filters)


def _form(
    values: dict[str, Any], errors: dict[str, str] | None = None, campaign: Campaign | None = None, status: int = 200
) -> ResponseReturnValue:
    page = render_template(
        "campaign_form.html",
        values=values,
        errors=errors or {},
        campaign=campaign,
        trunks=trunk_service.all_trunks(),
        zones=forms.zones(),
        regions=forms.regions(),
        window_rows=forms.window_rows(values.get("windows") or {}),
        exception_rows=forms.exception_rows(values.get("windows") or {}),
    )
    return page, status


@pages.get("/campaigns/new")
def new_campaign() -> ResponseReturnValue:
    """An empty form with the usual values."""
    ours = settings()
    values = CampaignForm(name="-", region=ours.default_region, timezone=ours.default_timezone).model_dump()
    usable = [trunk for trunk in trunk_service.all_trunks() if trunk.enabled]
    return _form({**values, "name": "", "trunk_id": usable[0].id if len(usable) == 1 else None})


@pages.post("/campaigns")
def create_campaign() -> ResponseReturnValue:
    """A new draft, with its message when one was sent along."""
    values = forms.campaign_input(request.form)
    try:
        campaign_id = service.create(CampaignForm(**values), by=current_user.username)
    except (ValidationError, ObzvonError) as error:
        return _form(values, forms.errors_of(error), status=422)
    try:
        _take_sound(campaign_id)
    except ObzvonError as error:
        flash(_("The campaign is saved, but not its message: %(why)s", why=sentences.of(error)), "warning")
        return redirect(url_for("pages.edit_campaign", campaign_id=campaign_id))
    flash(_("The campaign is saved. Add a base with numbers next."), "success")
    return redirect(url_for("pages.campaign", campaign_id=campaign_id))


@pages.get("/campaigns/<int:campaign_id>/edit")
def edit_campaign(campaign_id: int) -> ResponseReturnValue:
    """The form with the campaign's values."""
    campaign = service.get(campaign_id)
    return _form({name: getattr(campaign, name) for name in CampaignForm.model_fields}, campaign=campaign)


@pages.post("/campaigns/<int:campaign_id>")
def change_campaign(campaign_id: int) -> ResponseReturnValue:
    """Settings hold from the next call on."""
    campaign = service.get(campaign_id)
    values = forms.campaign_input(request.form)
    try:
        service.update_settings(campaign_id, CampaignForm(**values))
        _take_sound(campaign_id)
    except (ValidationError, ObzvonError) as error:
        return _form(values, forms.errors_of(error), campaign, status=422)
    live.board.forget(campaign_id)
    flash(_("Saved."), "success")
    return redirect(url_for("pages.campaign", campaign_id=campaign_id))


def _take_sound(campaign_id: int) -> None:
    sent = request.files.get("sound")
    if sent is not None and sent.filename:
        take_sound(campaign_id, sent)


def take_sound(campaign_id: int, sent: FileStorage) -> None:
    """Make the uploaded file the campaign's message. Its name is shown only, never used on disk."""
    with tempfile.TemporaryDirectory(prefix="obzvon-sound-") as folder:
        source = Path(folder) / "upload"
        sent.save(source)
        try:
            service.set_sound(campaign_id, source, Path(sent.filename or "sound").name)
        except ObzvonError as error:
            error.field = "sound"
            raise
    live.board.forget(campaign_id)


@pages.get("/campaigns/<int:campaign_id>")
def campaign(campaign_id: int) -> ResponseReturnValue:
    """State, numbers, message, bases, reports of one campaign."""
    snapshot = live.board.snapshot(campaign_id)
    campaign = service.get(campaign_id)
    return render_template(
        "campaign.html",
        live=snapshot,
        campaign=campaign,
        trunk=queries.trunk(campaign.trunk_id) if campaign.trunk_id else None,
        bases=queries.bases(campaign_id),
        exports=exports.of_campaign(campaign_id)[:5],
    )


@pages.get("/campaigns/<int:campaign_id>/steps")
def campaign_steps(campaign_id: int) -> ResponseReturnValue:
    """What callees did at the steps of the message; a part of the campaign's page, counted when it is asked for."""
    service.get(campaign_id)
    return render_template("parts/campaign_steps.html", statistics=step_statistics.of_campaign(campaign_id))


@pages.post("/campaigns/<int:campaign_id>/<any(start, pause, resume, stop):order>")
def campaign_order(campaign_id: int, order: str) -> ResponseReturnValue:
    """Start, pause, resume, stop; a refusal is shown where the button was."""
    try:
        ORDERS[order](campaign_id)
        flash(_(DONE[order]), "success")
    except ObzvonError as error:
        flash(sentences.of(error), "danger")
    live.board.forget(campaign_id)
    if request.form.get("next") == "list":
        return redirect(url_for("pages.campaigns"))
    return redirect(url_for("pages.campaign", campaign_id=campaign_id))


@pages.post("/campaigns/<int:campaign_id>/delete")
def delete_campaign(campaign_id: int) -> ResponseReturnValue:
    """Hidden at once; a job removes its rows."""
    service.delete(campaign_id)
    flash(_("The campaign is deleted."), "success")
    return redirect(url_for("pages.campaigns"))


@pages.post("/campaigns/<int:campaign_id>/unknown")
def decide_unknown(campaign_id: int) -> ResponseReturnValue:
    """Contacts whose call was lost with the PBX: call again, or give up."""
    redial = request.form.get("redial") == "1"
    count = service.decide_unknown(campaign_id, redial)
    live.board.forget(campaign_id)
    text = _("Contacts that are called again: %(n)s.", n=count) if redial else _("Contacts given up: %(n)s.", n=count)
    flash(text, "success")
    return redirect(url_for("pages.campaign", campaign_id=campaign_id))


@pages.post("/campaigns/<int:campaign_id>/message")
def upload_message(campaign_id: int) -> ResponseReturnValue:
    """Replace the message from the campaign's page."""
    sent = request.files.get("sound")
    if sent is None or not sent.filename:
        flash(_("Choose a sound file first."), "danger")
    else:
        try:
            take_sound(campaign_id, sent)
            flash(_("The message is ready."), "success")
        except ObzvonError as error:
            flash(sentences.of(error), "danger")
    return redirect(url_for("pages.campaign", campaign_id=campaign_id))


@pages.get("/campaigns/<int:campaign_id>/message")
def campaign_message(campaign_id: int) -> ResponseReturnValue:
    """The message as the callee hears it."""
    campaign = service.get(campaign_id)
    path = settings().sounds / f"{campaign.sound}.wav"
    if not campaign.sound or not path.is_file():
        raise service.CampaignError("sound_missing", N_("Upload the message: a sound file."), status=404)
    return send_file(path, mimetype="audio/wav", conditional=True)
