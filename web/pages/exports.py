"""Reports as Excel files: asked for, written by a job, downloaded."""

from __future__ import annotations

from flask import flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from campaigns import exports as service
from campaigns import service as campaign_service
from campaigns.errors import CampaignError
from web import queries, sentences
from web.pages import pages

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pages.get("/campaigns/<int:campaign_id>/exports")
def export_list(campaign_id: int) -> ResponseReturnValue:
    """The list alone, for htmx."""
    campaign = campaign_service.get(campaign_id)
    return render_template("parts/exports.html", campaign=campaign, exports=service.of_campaign(campaign_id)[:5])


@pages.post("/campaigns/<int:campaign_id>/exports")
def request_export(campaign_id: int) -> ResponseReturnValue:
    """Ask for a report in the reader's language and the campaign's zone."""
    campaign = campaign_service.get(campaign_id)
    try:
        service.request(campaign_id, locale=str(get_locale()), zone=campaign.timezone, by=current_user.username)
    except CampaignError as error:
        flash(sentences.of(error), "danger")
    return redirect(url_for("pages.campaign", campaign_id=campaign_id, _anchor="exports"))


@pages.get("/campaigns/<int:campaign_id>/exports/<int:export_id>")
def download_export(campaign_id: int, export_id: int) -> ResponseReturnValue:
    """The file."""
    queries.export(campaign_id, export_id)
    path, filename = service.hand_out(export_id)
    return send_file(path, mimetype=XLSX, as_attachment=True, download_name=filename)


@pages.post("/campaigns/<int:campaign_id>/exports/<int:export_id>/cancel")
def cancel_export(campaign_id: int, export_id: int) -> ResponseReturnValue:
    """Not wanted any more."""
    queries.export(campaign_id, export_id)
    service.cancel(export_id)
    flash(_("The report is cancelled."), "success")
    return redirect(url_for("pages.campaign", campaign_id=campaign_id, _anchor="exports"))
