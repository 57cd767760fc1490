"""The rehearsal carrier's recordings do not fill the disk."""

import os

from config.settings import Settings
from dialer import rehearsal_files


def recording(settings, name, age_s, size=10):
    settings.carrier_recordings.mkdir(parents=True, exist_ok=True)
    path = settings.carrier_recordings / f"{name}.wav"
    path.write_bytes(b"0" * size)
    os.utime(path, (1_000_000 - age_s, 1_000_000 - age_s))
    return path


def test_old_ones_go_then_the_oldest_over_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(rehearsal_files, "_swept_at", float("-inf"))
    monkeypatch.setattr(rehearsal_files, "KEEP_BYTES", 25)
    settings = Settings(home=tmp_path, _env_file=None)
    old = recording(settings, "old", 8 * 86400)
    kept = [recording(settings, name, age) for name, age in (("a", 30), ("b", 20), ("c", 10))]
    assert rehearsal_files.sweep(settings, now=1_000_000) == 2
    assert not old.exists()
    assert [path.exists() for path in kept] == [False, True, True]


def test_a_second_sweep_soon_after_looks_at_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(rehearsal_files, "_swept_at", float("-inf"))
    settings = Settings(home=tmp_path, _env_file=None)
    rehearsal_files.sweep(settings)
    old = recording(settings, "old", 8 * 86400)
    assert rehearsal_files.sweep(settings, now=1_000_000) == 0
    assert old.exists()
