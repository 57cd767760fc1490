"""Trunks: managers look, administrators change."""

from __future__ import annotations

import re
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from pydantic import ValidationError

from config.database import read, utcnow
from config.errors import ObzvonError
from dialer import amd, nodes, trunk_caps
from dialer import trunks as service
from dialer.amd import AmdParameters
from dialer.models import Trunk, TrunkKind
from dialer.trunks import TrunkForm
from web import forms, queries, sentences, sentences_table
from web.pages import pages
from web.pages.guard import administrators

TEXT_FIELDS = ("name", "title", "kind", "template", "number_prefix", "host", "username")
NUMBER_FIELDS = ("channels", "cps", "port")
#: Empty: no cap.
CAP_FIELDS = ("minutes_per_day", "price_per_minute", "spend_per_day")
LIST_FIELDS = ("allowed_prefixes", "caller_ids")
SWITCHES = ("register", "qualify", "enabled", "costly_allowed")


@pages.get("/trunks")
def trunks() -> ResponseReturnValue:
    """All trunks."""
    return render_template(
        "trunks.html",
        trunks=service.all_trunks(),
        used=queries.open_by_trunk(),
        today=_today(),
        now=utcnow(),
        nodes=nodes.all_nodes(),
    )


def _today() -> dict[int, trunk_caps.Used]:
    with read() as session:
        return trunk_caps.used_by_trunk(session, utcnow())


def _input(trunk: Trunk | None) -> dict[str, Any]:
    form = request.form
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in TEXT_FIELDS if name in form}
    values |= {name: form.get(name, "").strip().replace(",", ".") for name in NUMBER_FIELDS if name in form}
    values |= {name: split_list(form.get(name, "")) for name in LIST_FIELDS}
    values |= {name: form.get(name) == "1" for name in SWITCHES}
    values |= {name: form.get(name, "").strip().replace(",", ".") or None for name in CAP_FIELDS}
    values["secret"] = form.get("secret", "")
    told = {name: form.get(f"amd.{name}", "").strip() for name in AmdParameters.model_fields}
    values["amd"] = {name: text for name, text in told.items() if text}
    if "nodes" in form:
        values["nodes"] = [name for name in form.getlist("nodes") if name]
    if trunk is not None:
        values["name"], values["kind"] = trunk.name, trunk.kind
    return values


def split_list(text: str) -> list[str]:
    """Numbers separated by commas, semicolons or lines; spaces, pluses, brackets and hyphens inside them go."""
    parts = (re.sub(r"[\s+()\-]", "", part) for part in re.split(r"[,;\n]", text))
    return [part for part in parts if part]


def _form(
    values: dict[str, Any], errors: dict[str, str] | None = None, trunk: Trunk | None = None, status: int = 200
) -> ResponseReturnValue:
    shown = {f"amd.{name}": value for name, value in (values.get("amd") or {}).items()}
    page = render_template(
        "trunk_form.html",
        values=values | shown,
        errors=errors or {},
        trunk=trunk,
        kinds=TrunkKind,
        rehearsal=_rehearsal(trunk),
        nodes=nodes.all_nodes(),
        today=_today().get(trunk.id, trunk_caps.Used()) if trunk else None,
        amd_fields=[(name, _(text), _(hint) if hint else "") for name, (text, hint) in sentences_table.AMD.items()],
        amd_usual=amd.USUAL.model_dump(),
        amd_open=bool(values.get("amd")),
    )
    return page, status


def _rehearsal(trunk: Trunk | None) -> bool:
    return trunk is not None and trunk.kind == TrunkKind.REHEARSAL


@pages.get("/trunks/new")
@administrators
def new_trunk() -> ResponseReturnValue:
    """An empty form."""
    values = {"kind": "sip", "channels": 30, "cps": 5, "port": 5060, "enabled": True, "qualify": True}
    return _form({**values, "template": "PJSIP/{number}@{trunk}"})


@pages.post("/trunks")
@administrators
def create_trunk() -> ResponseReturnValue:
    """A new way out; the exchange is told at once."""
    values = _input(None)
    try:
        service.create(TrunkForm(**values))
    except (ValidationError, ObzvonError) as error:
        return _form(values, forms.errors_of(error), status=422)
    flash(_("The trunk is saved and the exchange is told."), "success")
    return redirect(url_for("pages.trunks"))


@pages.get("/trunks/<int:trunk_id>")
@administrators
def edit_trunk(trunk_id: int) -> ResponseReturnValue:
    """The form with the trunk's values; its secret is never shown."""
    trunk = queries.trunk(trunk_id)
    names = (*TEXT_FIELDS, *NUMBER_FIELDS, *CAP_FIELDS, *LIST_FIELDS, *SWITCHES)
    values = {name: getattr(trunk, name) for name in names}
    values["amd"] = trunk.amd or {}
    return _form({**values, "nodes": [node.name for node in trunk.nodes]}, trunk=trunk)


@pages.post("/trunks/<int:trunk_id>")
@administrators
def change_trunk(trunk_id: int) -> ResponseReturnValue:
    """Change it; an empty secret keeps the present one."""
    trunk = queries.trunk(trunk_id)
    values = _input(trunk)
    try:
        service.update(trunk_id, TrunkForm(**values))
    except (ValidationError, ObzvonError) as error:
        return _form(values, forms.errors_of(error), trunk, status=422)
    flash(_("The trunk is saved and the exchange is told."), "success")
    return redirect(url_for("pages.trunks"))


@pages.post("/trunks/<int:trunk_id>/delete")
@administrators
def delete_trunk(trunk_id: int) -> ResponseReturnValue:
    """Delete a trunk that nothing uses."""
    try:
        service.delete(trunk_id)
        flash(_("The trunk is deleted."), "success")
    except ObzvonError as error:
        flash(sentences.of(error), "danger")
        return redirect(url_for("pages.edit_trunk", trunk_id=trunk_id))
    return redirect(url_for("pages.trunks"))
