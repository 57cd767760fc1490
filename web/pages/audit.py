"""The audit trail, for administrators."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from config import audit as trail
from web import audit_trail, forms
from web.pages import pages
from web.pages.guard import administrators


@pages.get("/audit")
@administrators
def audit() -> ResponseReturnValue:
    """The list; its filters stand in the address, htmx asks for the list alone."""
    return _render()


@pages.get("/audit/check")
@administrators
def check_audit() -> ResponseReturnValue:
    """Follow the whole chain now."""
    return _render(trail.verify_all())


def _render(verdict: trail.Verdict | None = None) -> ResponseReturnValue:
    filters = {name: request.args.get(name, "") for name in ("who", "action", "since", "until")}
    page = audit_trail.entries(**filters, page=forms.page_number(request.args.get("page")))
    alone = request.headers.get("HX-Target") == "audit-list"
    return render_template(
        "parts/audit_list.html" if alone else "audit.html",
        page=page,
        filters=filters,
        actions=audit_trail.ACTIONS,
        faults=audit_trail.FAULTS,
        told=audit_trail.told,
        verdict=verdict,
    )
