"""Nodes: what each exchange does now; administrators drain it, take it back, change its limits or give it up."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from pydantic import ValidationError

from campaigns import lost_nodes
from config.database import utcnow
from config.errors import ObzvonError
from dialer import nodes as service
from dialer.lease import holder_name
from dialer.nodes import NodeForm
from web import forms, queries, sentences
from web.pages import pages
from web.pages.guard import administrators


@pages.get("/nodes")
def nodes() -> ResponseReturnValue:
    """All nodes."""
    return render_template(
        "nodes.html",
        nodes=service.all_nodes(),
        up=queries.open_by_node(),
        trunks=queries.trunks_by_node(),
        holder_name=holder_name,
        now=utcnow(),
    )


@pages.get("/nodes/<int:node_id>")
@administrators
def edit_node(node_id: int) -> ResponseReturnValue:
    """Its limits, and the way to give it up."""
    node = service.get(node_id)
    return _form(node_id, {"channels": node.channels, "cps": node.cps})


def _form(node_id: int, values: dict[str, object], errors: dict[str, str] | None = None) -> ResponseReturnValue:
    node = service.get(node_id)
    page = render_template(
        "node_form.html",
        node=node,
        values=values,
        errors=errors or {},
        up=queries.open_by_node().get(node_id, 0),
        silent=node.is_silent(utcnow()),
    )
    return page, 422 if errors else 200


@pages.post("/nodes/<int:node_id>")
@administrators
def change_node(node_id: int) -> ResponseReturnValue:
    """Other limits; they hold from the next claim on."""
    values = {name: request.form.get(name, "").strip().replace(",", ".") for name in ("channels", "cps")}
    try:
        service.change(node_id, NodeForm.model_validate(values))
    except (ValidationError, ObzvonError) as error:
        return _form(node_id, dict(values), forms.errors_of(error))
    flash(_("The limits are saved."), "success")
    return redirect(url_for("pages.nodes"))


@pages.post("/nodes/<int:node_id>/drain")
@administrators
def drain_node(node_id: int) -> ResponseReturnValue:
    """No new calls on it."""
    return _done(lambda: service.drain(node_id), _("The node takes no new calls; those that are up go on."))


@pages.post("/nodes/<int:node_id>/take-back")
@administrators
def take_back_node(node_id: int) -> ResponseReturnValue:
    """It calls again."""
    return _done(lambda: service.take_back(node_id), _("The node calls again."))


@pages.post("/nodes/<int:node_id>/give-up")
@administrators
def give_up_node(node_id: int) -> ResponseReturnValue:
    """It is gone for good: its open calls end as unknown. The page asks before."""
    try:
        closed = lost_nodes.give_up(node_id)
    except ObzvonError as error:
        flash(sentences.of(error), "danger")
        return redirect(url_for("pages.edit_node", node_id=node_id))
    flash(_("Calls that ended as unknown: %(n)s.", n=closed), "success")
    return redirect(url_for("pages.nodes"))


def _done(work: Callable[[], None], told: str) -> ResponseReturnValue:
    work()
    flash(told, "success")
    return redirect(url_for("pages.nodes"))
