"""A fresh database for each test."""

import pytest

from config.app import create_base_app
from config.extensions import db
from config.settings import Settings


@pytest.fixture
def app(tmp_path):
    application = create_base_app(Settings(home=tmp_path, _env_file=None))
    with application.app_context():
        db.create_all()
        yield application
        db.session.remove()
        db.engine.dispose()
