"""Puts the web application together."""

from __future__ import annotations

from apiflask import APIFlask
from werkzeug.middleware.proxy_fix import ProxyFix

import dialer.models  # noqa: F401 - its tables belong to the same metadata
import ops.models  # noqa: F401
from config import settings as all_settings
from config import task_trace
from config.app import configure
from config.settings import Settings
from ops import signs
from web import audit_trail, errors, headers, i18n, limits, request_log, sign_in
from web.api import api, schemas
from web.pages import pages

VERSION = signs.VERSION


def create_app(settings: Settings | None = None) -> APIFlask:
    """Pages and API over the services of the other packages."""
    settings = settings or all_settings.get()
    app = APIFlask("web", title="Obzvon", version=VERSION, spec_path="/api/openapi.json", docs_path=None)
    configure(app, settings)
    app.config.update(
        MAX_CONTENT_LENGTH=settings.max_upload_mb * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        TEMPLATES_AUTO_RELOAD=False,
        HTTP_ERROR_SCHEMA=schemas.ErrorOut,
        VALIDATION_ERROR_SCHEMA=schemas.InputErrorOut,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    if settings.web_proxies:
        count = settings.web_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    request_log.install(app)
    task_trace.install()
    i18n.install(app)
    headers.install(app, settings.web_https)
    sign_in.install(app, settings, limits.install(app, settings))
    errors.install(app)
    audit_trail.install()
    app.register_blueprint(pages)
    app.register_blueprint(api)
    sign_in.csrf.exempt(api)
    return app
