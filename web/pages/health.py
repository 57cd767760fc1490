"""For load balancers, supervisors and Prometheus: without a sign-in, without personal data."""

from __future__ import annotations

import hmac
import ipaddress

from flask import Response, abort, current_app, request
from flask.typing import ResponseReturnValue

from config.settings import Settings
from ops import metrics_page
from ops.readiness import Readiness
from web.pages import pages

#: A proxy on this host must not make everybody look local.
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")


@pages.get("/health")
def health() -> ResponseReturnValue:
    """200 as long as this process answers."""
    return {"status": "ok"}


@pages.get("/ready")
def ready() -> ResponseReturnValue:
    """200 when calls can be made, 503 with reasons otherwise."""
    checks = current_app.extensions.setdefault("obzvon_readiness", Readiness()).checks()
    good = all(check.ok for check in checks)
    body = {
        "status": "ready" if good else "not_ready",
        "checks": {check.name: {"ok": check.ok, "reason": check.reason} for check in checks},
    }
    return body, 200 if good else 503


@pages.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Prometheus' text, for this host itself, or with the token of the setting ``metrics_token``."""
    settings: Settings = current_app.config["OBZVON"]
    if not (_is_local() or _has_token(settings.metrics_token)):
        abort(403)
    return Response(metrics_page.text(settings), mimetype="text/plain; version=0.0.4")


def _is_local() -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _has_token(token: str) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())
