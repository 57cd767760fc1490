"""The whole web application with objects of two campaigns, so that each can be asked for with the other's address."""

from __future__ import annotations

import jinja2
import pytest

from tests.integration.web.conftest import (  # noqa: F401 - fixtures
    admin,
    app,
    campaign_id,
    compiled_templates,
    connected,
    key,
    loaded,
    manager,
    quick_hashes,
    sent,
    trunk_id,
)
from tests.security.world import World, make_world


@pytest.fixture
def tables_url(tmp_path):
    """SQLite: what is tried here does not depend on the database; what does has tests on both elsewhere."""
    return f"sqlite:///{tmp_path}/test.sqlite3"


@pytest.fixture
def world(app, tmp_path) -> World:  # noqa: F811
    """Two campaigns with all that a campaign can have."""
    with app.app_context():
        return make_world(app, tmp_path)


@pytest.fixture(autouse=True)
def _templates_as_in_production(request):
    """Here pages are sent less than their forms hold; what is missing is then empty, as it is outside of tests."""
    if "app" in request.fixturenames:
        request.getfixturevalue("app").jinja_env.undefined = jinja2.Undefined
