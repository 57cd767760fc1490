"""The JSON API under ``/api/v1``: the same services as the pages, for programs with a key.

Every refusal is ``{"code", "message", "field"}`` with a fitting status (see ``web.errors``); lists are
``{"items", "page", "per_page", "total"}``. The description for programs is ``/api/openapi.json``.
"""

from __future__ import annotations

from apiflask import APIBlueprint, HTTPTokenAuth
from flask import abort, g, jsonify
from flask.typing import ResponseReturnValue

from web import api_keys, sentences
from web.accounts import User

auth = HTTPTokenAuth(scheme="Bearer", security_scheme_name="key", description="An API key from your account's page")
api = APIBlueprint("api", __name__, url_prefix="/api/v1", enable_openapi=True)


@auth.verify_token
def _owner(token: str) -> User | None:
    return api_keys.owner(token) if token else None


@auth.error_processor
def _refused(error: object) -> ResponseReturnValue:
    response = jsonify({"code": "not_signed_in", "message": sentences.of_status(401), "field": ""})
    response.headers["WWW-Authenticate"] = "Bearer"
    return response, 401


@api.before_request
@api.auth_required(auth)
def _gate() -> None:
    g.account = auth.current_user


def account() -> User:
    """The key's owner."""
    found: User = g.account
    return found


def administrators_only() -> None:
    """403 for everybody else."""
    if not account().is_administrator:
        abort(403)


from web.api import (  # noqa: E402, F401 - they add their routes
    audit,
    bases,
    campaigns,
    cards,
    contacts,
    do_not_call,
    erasure,
    exports,
    message,
    nodes,
    system,
    trunks,
)
