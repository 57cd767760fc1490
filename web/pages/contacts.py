"""Contacts of a campaign, and all that is known about one of them."""

from __future__ import annotations

import re

from flask import render_template, request
from flask.typing import ResponseReturnValue

from campaigns import service, step_statistics
from web import forms, queries, sentences_table
from web.pages import pages


@pages.get("/campaigns/<int:campaign_id>/contacts")
def contacts(campaign_id: int) -> ResponseReturnValue:
    """The list; its filters stand in the address, htmx asks for the list alone."""
    filters = {name: request.args.get(name, "") for name in ("state", "number", "base", "result")}
    page = queries.contacts(
        campaign_id,
        state=filters["state"],
        number=filters["number"],
        base_id=int(filters["base"]) if re.fullmatch("[0-9]{1,18}", filters["base"]) else 0,
        result=filters["result"] if filters["result"] in sentences_table.DISPOSITIONS else "",
        page=forms.page_number(request.args.get("page")),
    )
    alone = request.headers.get("HX-Target") == "contact-list"
    return render_template(
        "parts/contact_list.html" if alone else "contacts.html",
        campaign=service.get(campaign_id),
        page=page,
        filters=filters,
        bases={base.id: base.filename for base in queries.bases(campaign_id)},
    )


@pages.get("/campaigns/<int:campaign_id>/contacts/<int:contact_id>")
def contact(campaign_id: int, contact_id: int) -> ResponseReturnValue:
    """Every attempt, the row of the base, and why this person is not being called now."""
    found = queries.contact(campaign_id, contact_id)
    attempts = step_statistics.attempts_of(contact_id)
    ids = [attempt.id for attempt in attempts]
    return render_template(
        "contact.html",
        campaign=service.get(campaign_id),
        contact=found,
        base=queries.base(campaign_id, found.base_id),
        attempts=attempts,
        steps=step_statistics.of_attempts(ids),
        failed_handovers=step_statistics.failed_handovers(ids),
        verdict=service.why_not_called(contact_id),
    )
