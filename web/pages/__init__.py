"""Pages for people. Each module adds its routes to the one blueprint ``pages``."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from campaigns import bases as bases_service
from web import forms, sentences, sentences_table, texts
from web.message import tree
from web.queries import Page

pages = Blueprint("pages", __name__)

from web.pages import (  # noqa: E402, F401 - they add their routes
    accounts,
    audit,
    bases,
    campaigns,
    cards,
    contacts,
    do_not_call,
    erasure,
    exports,
    health,
    live,
    message,
    nodes,
    settings,
    speech,
    system,
    trunks,
)


@pages.app_context_processor
def _shared() -> dict[str, Any]:
    """What every template may use."""
    from web.app import VERSION

    return {
        "menu": _menu,
        "section": _section(),
        "here": here,
        "page_numbers": page_numbers,
        "label": sentences.label,
        "sentence": sentences.of_code,
        "sentence_of": sentences.of,
        "split_duration": forms.split_duration,
        "days_text": forms.days_text,
        "zone_label": forms.zone_label,
        "texts": sentences_table,
        "version": VERSION,
        "why": texts.why,
        "handed_to": texts.handed_to,
        "step_title": tree.step_title,
        "base_failure": bases_service.failure,
        "message_about": texts.message_about,
        "fallback_reason": texts.fallback_reason,
    }


def _menu() -> list[tuple[str, str, str]]:
    items = [
        ("pages.campaigns", _("Campaigns"), "campaigns"),
        ("pages.trunks", _("Trunks"), "trunks"),
        ("pages.nodes", _("Nodes"), "nodes"),
        ("pages.do_not_call", _("Do-not-call list"), "do-not-call"),
    ]
    if current_user.is_administrator:
        items.append(("pages.accounts", _("Accounts"), "accounts"))
        items.append(("pages.system", _("System"), "system"))
        items.append(("pages.audit", _("Audit trail"), "audit"))
    return items


def _section() -> str:
    path = request.path.strip("/").split("/")[0]
    return path if path in ("trunks", "nodes", "accounts", "account", "system", "audit", "do-not-call") else "campaigns"


def here(**changes: Any) -> str:
    """This page's address with some of its filters changed; empty ones are left out."""
    values = {**request.args.to_dict(), **changes}
    kept = {name: value for name, value in values.items() if value not in ("", None)}
    return url_for(request.endpoint or "pages.campaigns", **(request.view_args or {}), **kept)


def page_numbers(page: Page[Any]) -> list[int]:
    """Pages to link: the ends and the neighbours; 0 stands for a gap."""
    near = {1, page.pages, *range(page.page - 2, page.page + 3)}
    shown: list[int] = []
    for number in sorted(n for n in near if 1 <= n <= page.pages):
        if shown and number - shown[-1] > 1:
            shown.append(0)
        shown.append(number)
    return shown
