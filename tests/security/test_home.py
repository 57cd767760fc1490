"""What lies in the home belongs to its owner alone."""

from __future__ import annotations

import stat
from pathlib import Path

from config import settings as all_settings
from web import first_start


def test_the_home_is_its_owners_alone(tmp_path, monkeypatch):
    """Also one that was open before; with it everything in it: lists, reports, recordings, the database."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    monkeypatch.setenv("OBZVON_DATABASE_URL", f"sqlite:///{home}/obzvon.sqlite3")
    all_settings.get.cache_clear()
    current = all_settings.get()
    first_start.make_folders(current)
    first_start.fill(current)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "secrets.json").stat().st_mode) == 0o600
    for folder in (current.run, current.logs, current.sockets, current.uploads, current.sounds):
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700, folder
    for path in (home / "pbx/etc").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
