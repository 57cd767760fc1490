"""Pages, JSON API and command line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiflask import APIFlask

    from config.settings import Settings


def create_app(settings: Settings | None = None) -> APIFlask:
    """The web application; what gunicorn serves as ``web:create_app()``."""
    from web.app import create_app as make  # late: `import web.accounts` must not load every page

    app = make(settings)
    if os.environ.get("OBZVON_ROLE") == "web":  # a server's process, not a command or a test
        from ops.watch import Watch

        Watch(app, app.config["OBZVON"]).start()
    return app
