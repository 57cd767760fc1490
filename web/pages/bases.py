"""Bases of a campaign: upload, look at what was found, load, rejected rows, cancel, delete."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from flask import Response, current_app, flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from campaigns import bases as service
from campaigns import service as campaign_service
from campaigns.contacts_file import LayoutChoice
from campaigns.errors import CampaignError
from config import audit
from config.i18n import N_
from web import forms, live, queries, sentences, uploads
from web.pages import pages

ENCODINGS = ("utf-8", "cp1251", "cp866", "koi8-r", "cp1250", "utf-16")
DELIMITERS = {";": N_("semicolon"), ",": N_("comma"), "\t": N_("tabulator"), "|": N_("vertical bar")}


@pages.get("/campaigns/<int:campaign_id>/bases/list")
def base_list(campaign_id: int) -> ResponseReturnValue:
    """The list alone, for htmx."""
    return render_template(
        "parts/base_list.html", campaign=campaign_service.get(campaign_id), bases=queries.bases(campaign_id)
    )


@pages.post("/campaigns/<int:campaign_id>/bases")
def upload_base(campaign_id: int) -> ResponseReturnValue:
    """Take the file and show what is in it."""
    campaign_service.get(campaign_id)
    try:
        incoming = uploads.keep(
            current_app.config["OBZVON"], campaign_id, request.files.get("file"), request.form.get("comment", "")
        )
    except CampaignError as error:
        flash(sentences.of(error), "danger")
        return redirect(url_for("pages.campaign", campaign_id=campaign_id))
    return redirect(url_for("pages.base_preview", campaign_id=campaign_id, token=incoming.token))


@pages.get("/campaigns/<int:campaign_id>/bases/new/<token>")
def base_preview(campaign_id: int, token: str) -> ResponseReturnValue:
    """The first rows as they would be loaded; the choices stand in the address."""
    return _preview(campaign_id, token, request.args)


def _preview(
    campaign_id: int, token: str, chosen: dict[str, str], already: CampaignError | None = None
) -> ResponseReturnValue:
    campaign = campaign_service.get(campaign_id)
    incoming = uploads.find(current_app.config["OBZVON"], campaign_id, token)
    choice = choice_of(chosen)
    preview, error = None, None
    try:
        costly = campaign_service.costly_allowed(campaign)
        preview = service.preview(incoming.path, incoming.filename, choice, region=campaign.region, costly=costly)
    except CampaignError as refused:
        error = refused
    page = render_template(
        "base_preview.html",
        campaign=campaign,
        incoming=incoming,
        preview=preview,
        error=error,
        already=already,
        choice=choice,
        encodings=ENCODINGS,
        delimiters=DELIMITERS,
    )
    return page, 409 if already else 422 if error else 200


def choice_of(chosen: dict[str, str]) -> LayoutChoice:
    """What the person chose in the form; an empty field leaves it to us."""

    def whole(name: str) -> int | None:
        text = chosen.get(name, "").strip()
        return int(text) if re.fullmatch(r"-?[0-9]{1,7}", text) else None

    return LayoutChoice(
        encoding=chosen.get("encoding") or None,
        delimiter=chosen.get("delimiter") or None,
        sheet=chosen.get("sheet") or None,
        header_line=whole("header_line"),
        phone_column=whole("phone_column"),
        zone_column=whole("zone_column"),
    )


@pages.post("/campaigns/<int:campaign_id>/bases/new/<token>")
def load_base(campaign_id: int, token: str) -> ResponseReturnValue:
    """Load it as chosen. A file that was loaded before is loaded again only when the person says so."""
    incoming = uploads.find(current_app.config["OBZVON"], campaign_id, token)
    try:
        service.add(
            campaign_id,
            incoming.path,
            incoming.filename,
            incoming.comment,
            by=current_user.username,
            again=request.form.get("again") == "1",
            choice=choice_of(request.form),
        )
    except CampaignError as error:
        if error.code == "base_already_loaded":
            return _preview(campaign_id, token, request.form, already=error)
        flash(sentences.of(error), "danger")
        return redirect(url_for("pages.base_preview", campaign_id=campaign_id, token=token))
    uploads.drop(incoming)
    live.board.forget(campaign_id)
    flash(_("The base is being loaded; the numbers appear below."), "success")
    return redirect(url_for("pages.campaign", campaign_id=campaign_id))


@pages.post("/campaigns/<int:campaign_id>/bases/new/<token>/drop")
def drop_upload(campaign_id: int, token: str) -> ResponseReturnValue:
    """The file is not wanted after all."""
    uploads.drop(uploads.find(current_app.config["OBZVON"], campaign_id, token))
    return redirect(url_for("pages.campaign", campaign_id=campaign_id))


@pages.post("/campaigns/<int:campaign_id>/bases/<int:base_id>/<any(cancel, delete):what>")
def end_base(campaign_id: int, base_id: int, what: str) -> ResponseReturnValue:
    """Cancel the loading, or delete a loaded base."""
    queries.base(campaign_id, base_id)
    try:
        if what == "cancel":
            service.cancel(base_id)
            flash(_("The loading is cancelled; nothing of this base stays."), "success")
        else:
            service.delete(base_id)
            flash(_("The base is deleted."), "success")
    except CampaignError as error:
        flash(sentences.of(error), "danger")
    live.board.forget(campaign_id)
    return redirect(url_for("pages.campaign", campaign_id=campaign_id))


@pages.get("/campaigns/<int:campaign_id>/bases/<int:base_id>/rejected")
def rejected_rows(campaign_id: int, base_id: int) -> ResponseReturnValue:
    """Which rows became no contact, and why."""
    code = request.args.get("code", "")
    return render_template(
        "rejected.html",
        campaign=campaign_service.get(campaign_id),
        base=queries.base(campaign_id, base_id),
        page=queries.rejected(base_id, code=code, page=forms.page_number(request.args.get("page"))),
        codes=queries.rejected_codes(base_id),
        code=code,
    )


@pages.get("/campaigns/<int:campaign_id>/bases/<int:base_id>/rejected.csv")
def rejected_csv(campaign_id: int, base_id: int) -> ResponseReturnValue:
    """The same as a file: UTF-8 with BOM and semicolons, which spreadsheets open right; formulas are made harmless."""
    base = queries.base(campaign_id, base_id)
    audit.record("rejected_downloaded", "base", base_id, campaign=campaign_id)

    def lines() -> Iterator[str]:
        yield "\ufeff" + _line([_("Line"), _("Value"), _("Code"), _("Reason")])
        number = 1
        while True:
            page = queries.rejected(base_id, page=number, per_page=1000)
            for row in page.items:
                yield _line([row.line, row.value, row.code, sentences.of_code(row.code, **row.words)])
            if number >= page.pages:
                return
            number += 1

    response = Response(stream_with_context(lines()), mimetype="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"rejected-{base.id}.csv")
    return response


def _line(cells: list[object]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerow([_harmless(str(cell)) for cell in cells])
    return out.getvalue()


#: What begins a formula in some spreadsheet, in some language: OWASP, CSV injection.
_BEGINS_FORMULA = ("=", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def _harmless(text: str) -> str:
    """A spreadsheet must not take the cell for a formula. Numbers stay as they are."""
    signed = text.startswith(("+", "-")) and not text[1:].replace(" ", "").isdigit()
    return "'" + text if signed or text.startswith(_BEGINS_FORMULA) else text
