"""The operator's commands: backup, restore, and the log lines of one attempt."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from config import logging as obzvon_logging
from config import settings as all_settings
from config import supervisor
from config.app import create_base_app
from config.extensions import db
from config.settings import Settings
from ops import backup, restore, trace
from ops.errors import OpsError
from web import first_start


def main(options: argparse.Namespace) -> int:
    """Carry out one of them."""
    settings = all_settings.get()
    obzvon_logging.setup(settings.model_copy(update={"log_level": "WARNING"}))
    commands = {"backup": _backup, "restore": _restore, "trace": _trace}
    return commands[options.command](settings, options)


def _backup(settings: Settings, options: argparse.Namespace) -> int:
    _require_home(settings)
    target = Path(options.to).expanduser().absolute() if options.to else None
    with create_base_app(settings).app_context():
        made = backup.make(settings, target)
        db.engine.dispose()
    print(
        f"{made.path}: {made.size / 1e6:.1f} MB, {made.files} files. It holds secrets: keep it where only you can read."
    )
    return 0


def _require_home(settings: Settings) -> None:
    if not (settings.home / "secrets.json").exists():
        raise OpsError("nothing_to_back_up", f"There is nothing in {settings.home} to back up yet.")


def _restore(settings: Settings, options: argparse.Namespace) -> int:
    if not options.source:
        raise OpsError("backup_not_named", "Name the backup: make restore FROM=file.tar.gz")
    first_start.make_folders(settings)
    with first_start.lock_home(settings):
        supervisor.end_leftovers(settings.home)
        source = Path(options.source).expanduser().absolute()
        done = restore.restore(settings, source, first_start.migrate)
    print(f"Restored to {done.made_at:%Y-%m-%d %H:%M:%S} UTC. Start it with `make run`.")
    if done.aside:
        print(f"What was there before is in {done.aside}.")
    if done.paused:
        print(
            f"{done.paused} campaigns came back paused: whoever was called after the backup may be called again. "
            "Compare with the carrier's list of calls before you resume them."
        )
    if done.open_attempts:
        print(f"{done.open_attempts} calls were up at the backup: what is not known of them will be shown as unknown.")
    return 0


def _trace(settings: Settings, options: argparse.Namespace) -> int:
    found = trace.lines(options.uid, settings.logs)
    for line in found:
        text = json.dumps({"file": line.file, **line.values}, ensure_ascii=False)
        print(text if options.json else trace.written(line, options.uid))
    if not found:
        print(f"No log in {settings.logs} names {options.uid}.", file=sys.stderr)
    return 0 if found else 1
