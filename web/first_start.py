"""What has to be true before the processes of a home start; done at each start, and quick when it is true already."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from config import metrics, ports, settings, supervisor
from config.errors import ObzvonError
from config.extensions import db
from config.settings import Settings, SettingsError, own_folder
from web.migrating import migrate


class AlreadyRunning(SettingsError):
    """This home is in use by a copy that runs."""

    code = "already_running"


@dataclass
class Prepared:
    """A home that is ready to be started. Keep it: it holds the locks of the home and of its ports."""

    settings: Settings
    ports: ports.Ports
    #: Name and password of the administrator made just now; None when there was one already.
    administrator: tuple[str, str] | None
    lock: TextIO

    def release(self) -> None:
        """Let another copy have this home."""
        self.ports.release()
        self.lock.close()


def prepare(first_block: int = 0) -> Prepared:
    """Folders, lock, leftovers, ports, secrets, database, first rows and all rendered configuration of this home.

    :raises SettingsError: a setting is wrong, a port is taken, or the home runs already.
    :raises ObzvonError: a package could not make its first rows or configuration.
    """
    current = settings.load()
    make_folders(current)
    lock = lock_home(current)
    try:
        ended = supervisor.end_leftovers(current.home)
        if ended:
            sys.stderr.write(f"{ended} processes of an earlier run were still there and have been ended.\n")
        remove_stale_sockets(current)
        shutil.rmtree(metrics.folder(current.run), ignore_errors=True)  # counters begin with the processes
        held = ports.ensure(current, first_block)
        settings.get.cache_clear()
        current = settings.get()
        administrator = fill(current)
        supervisor.render(current, programs(current))
    except BaseException:
        lock.close()
        raise
    return Prepared(current, held, administrator, lock)


def make_folders(current: Settings) -> None:
    """The home, readable by its owner alone: it holds secrets and personal data."""
    try:
        own_folder(current.home)
        for folder in (current.run, current.logs, current.sockets, current.sounds, current.uploads):
            own_folder(folder)
    except OSError as exc:
        raise SettingsError(f"OBZVON_HOME={current.home} cannot be used: {exc.strerror}.") from exc


def lock_home(current: Settings) -> TextIO:
    """Only one copy at a time runs on a home.

    :raises AlreadyRunning: with the number of the process that has it.
    """
    handle = (current.run / "lock").open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        handle.seek(0)
        owner = handle.read().strip() or "unknown"
        handle.close()
        raise AlreadyRunning(
            f"Obzvon already runs on {current.home} (process {owner}): end that one first, "
            "or set OBZVON_HOME to another folder for a second copy."
        ) from exc
    handle.truncate(0)
    handle.write(f"{os.getpid()}\n")
    handle.flush()
    return handle


def remove_stale_sockets(current: Settings) -> None:
    """Sockets that nobody listens on any more; a killed process does not take its own away."""
    for path in current.sockets.iterdir():
        if path.is_socket() and not _answers(path):
            path.unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def fill(current: Settings) -> tuple[str, str] | None:
    """Database, first rows, and the configuration rendered from them.

    :return: the administrator's name and password when he was made just now.
    """
    from campaigns import sounds
    from dialer import nodes, trunks
    from web import accounts, create_app

    app = create_app(current)
    with app.app_context():
        migrate(app)
        if current.runs("pbx"):
            nodes.ensure_node(current)
            trunks.ensure_rehearsal(current)
            render_asterisk(current)
        else:
            nodes.check_secrets(current)
        administrator = accounts.ensure_admin()
        sounds.keep_all(current.sounds)
        db.engine.dispose()
    return administrator


def render_asterisk(current: Settings) -> None:
    """Write what both Asterisks read."""
    from config import database
    from dialer import pbx_config, trunks

    with database.read() as session:
        known = trunks.config_of(session)
    pbx_config.render_pbx(current, known)
    if current.rehearsal:
        pbx_config.render_carrier(current)


def programs(current: Settings) -> list[supervisor.Program]:
    """The processes of this copy: all, or those that ``OBZVON_PROCESSES`` names."""
    from dialer import pbx_config

    found = []
    if current.runs("redis"):
        found.append(supervisor.redis(current))
    if current.runs("pbx"):
        found.append(supervisor.Program("pbx", pbx_config.pbx_command(current)))
    if current.runs("carrier"):
        found.append(supervisor.Program("carrier", pbx_config.carrier_command(current)))
    return found + [program for program in supervisor.python_programs(current) if current.runs(program.name)]


#: Errors that are told as one sentence, without a traceback.
TOLD = (SettingsError, ObzvonError)
