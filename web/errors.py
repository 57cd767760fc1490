"""The one place that turns an error into an answer: JSON for programs, a page or a notice for people.

A traceback never leaves the process; what is unexpected is logged with an id, which the answer names.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Any

import structlog
from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from config import database
from config.errors import ObzvonError
from web import sentences

log = structlog.get_logger(__name__)

CODES = {
    400: "bad_request",
    401: "not_signed_in",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "media_type_unsupported",
    422: "input_wrong",
    429: "too_many_requests",
}


def wants_json() -> bool:
    """True when the answer is for a program."""
    if request.path.startswith("/api/"):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json" and "text/html" not in request.accept_mimetypes


def answer(
    status: int, code: str, message: str, field: str = "", headers: Any = None, **more: Any
) -> ResponseReturnValue:
    """One error in the form that this client reads."""
    if wants_json():
        response = jsonify({"code": code, "message": message, "field": field, **more})
    elif request.headers.get("HX-Request"):
        response = _notice(message)
    else:
        page = render_template("error.html", status=status, code=code, message=message)
        from flask import make_response

        response = make_response(page)
    response.status_code = status
    if headers:
        response.headers.update(headers)
    return response


def _notice(message: str) -> Any:
    from flask import make_response

    response = make_response(render_template("parts/notice.html", message=message, kind="danger"))
    response.headers["HX-Retarget"] = "#notices"
    response.headers["HX-Reswap"] = "innerHTML"
    return response


def _headers_of(error: HTTPException) -> dict[str, str]:
    return {
        name: value for name, value in error.get_headers() if name.lower() not in ("content-type", "content-length")
    }


def install(app: APIFlask) -> None:
    """Bind all handlers to this application."""

    @app.errorhandler(ObzvonError)
    def ours(error: ObzvonError) -> ResponseReturnValue:
        return answer(error.status, error.code, sentences.of(error), error.field)

    @app.errorhandler(CSRFError)
    def csrf(_error: CSRFError) -> ResponseReturnValue:
        return answer(
            400, "csrf_failed", _("The page is too old to be sent, perhaps after a new sign-in. Load it again.")
        )

    @app.errorhandler(RateLimitExceeded)
    def limited(error: RateLimitExceeded) -> ResponseReturnValue:
        return answer(
            429, "too_many_requests", _("Too many attempts. Wait a minute and try again."), headers=_headers_of(error)
        )

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> ResponseReturnValue:
        if error.response is not None or (error.code or 500) < 400:
            return error.get_response()
        status = error.code or 500
        return answer(status, CODES.get(status, "error"), sentences.of_status(status), headers=_headers_of(error))

    @app.errorhandler(HTTPError)
    def api(error: HTTPError) -> ResponseReturnValue:
        return _input_error(error)

    app.error_processor(_input_error)

    @app.errorhandler(OverflowError)
    def too_large(_error: OverflowError) -> ResponseReturnValue:
        return answer(404, CODES[404], sentences.of_status(404))  # SQLite has no such id: integers end at 2^63

    @app.errorhandler(RecursionError)
    def too_deep(_error: RecursionError) -> ResponseReturnValue:
        return answer(400, CODES[400], sentences.of_status(400))  # JSON nested deeper than Python reads

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> ResponseReturnValue:
        return _unexpected(error)


def _input_error(error: HTTPError) -> ResponseReturnValue:
    """APIFlask's own refusals; a failed validation names every field."""
    fields = [
        {"field": name, "message": " ".join(text.removeprefix("Value error, ") for text in texts)}
        for place in (error.detail or {}).values()
        if isinstance(place, dict)
        for name, texts in place.items()
    ]
    if not fields:
        return answer(error.status_code, CODES.get(error.status_code, "error"), sentences.of_status(error.status_code))
    first = fields[0]
    message = f"{first['field']}: {first['message']}"
    return answer(error.status_code, "input_wrong", message, first["field"], errors=fields)


def _unexpected(error: Exception) -> ResponseReturnValue:
    number = secrets.token_hex(4)
    if isinstance(error, DBAPIError) and database.is_transient(error):
        log.warning("database_busy", id=number, path=request.path, error=type(error.orig).__name__)
        return answer(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "database_busy",
            _("The database is busy or away. Try again in a moment."),
            headers={"Retry-After": "2"},
        )
    log.exception("page_failed", id=number, path=request.path, method=request.method)
    return answer(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        _("Something went wrong here. It is in the log under the number %(id)s.", id=number),
        id=number,
    )
