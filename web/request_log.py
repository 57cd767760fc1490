"""Every request has an id: in its log lines, in the tasks that it sends, in its answer, and its time in the metrics."""

from __future__ import annotations

import re
import secrets
import time

import structlog
from flask import Flask, Response, g, request

from config import metrics

HEADER = "X-Request-ID"
#: An id that a proxy in front of us gave; anything else is replaced by one of ours.
_FITS = re.compile(r"[A-Za-z0-9._-]{8,64}")
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}

log = structlog.get_logger(__name__)


def install(app: Flask) -> None:
    """Bind it to this application; before everything else, so that every line has the id."""

    @app.before_request
    def begin() -> None:
        given = request.headers.get(HEADER, "")
        g.request_id = given if _FITS.fullmatch(given) else secrets.token_hex(8)
        g.began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        if "request_id" not in g:
            return response
        response.headers[HEADER] = g.request_id
        seconds = time.perf_counter() - g.began
        method = request.method if request.method in METHODS else "other"
        metrics.requests.labels(method, f"{response.status_code // 100}xx").observe(seconds)
        if request.method not in SAFE_METHODS:  # what changes something leaves a line
            log.info("request", method=method, path=request.path, status=response.status_code, ms=round(seconds * 1000))
        return response
