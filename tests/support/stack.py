"""The whole product in a home of its own, for tests that kill parts of it and look at what the callees saw."""

from __future__ import annotations

import json
import os
import signal
import xmlrpc.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from supervisor.xmlrpc import SupervisorTransport

from config import secret_store, supervisor
from config.app import create_base_app
from config.extensions import celery
from config.settings import Settings
from tests.support.servers import wait_until
from web.background import BackgroundCopy

#: Above those of ``make demo``, so that tests and a demonstration may run at the same time.
FIRST_BLOCK = 40


class Stack:
    """A copy of the product: ``start`` it, look into it, kill processes of it by their names, ``stop`` it."""

    def __init__(self, home: Path, extra: Mapping[str, str] | None = None) -> None:
        self.crash_file = home / "crash-at"
        self.copy = BackgroundCopy(home, {"OBZVON_CRASH_AT": f"@{self.crash_file}", **(extra or {})}, FIRST_BLOCK)
        self._settings: Settings | None = None
        self._app: Flask | None = None

    def start(self) -> Stack:
        """Start it, or start it again after :meth:`stop`; returns when the pages answer."""
        self.copy.start()
        return self

    def stop(self) -> int:
        """End it as Ctrl-C does; its exit code."""
        return self.copy.stop()

    @property
    def settings(self) -> Settings:
        """Its settings, ports included."""
        if self._settings is None:
            with _surroundings(self.copy.environment):
                self._settings = Settings(_env_file=self.copy.home / "obzvon.env")
        return self._settings

    @property
    def app(self) -> Flask:
        """An application on its database and broker: ``with stack.app.app_context(): …``."""
        if self._app is None:
            self._app = create_base_app(self.settings)
            celery._after_fork()  # forget connections to the broker of another test's application
        return self._app

    @property
    def address(self) -> str:
        """Address of its pages."""
        return self.copy.told["address"]

    @property
    def administrator(self) -> tuple[str, str]:
        """Name and password; known after the first start of the home only."""
        return self.copy.told["name"], self.copy.told["password"]

    def processes(self) -> dict[str, dict[str, Any]]:
        """What supervisord says of each process, by name."""
        secret = secret_store.load(self.settings.home).supervisor_secret
        address = f"unix://{self.settings.sockets / 'supervisor.sock'}"
        transport = SupervisorTransport("obzvon", secret, address)
        with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport) as server:
            found: Any = server.supervisor.getAllProcessInfo()
        transport.close()
        return {item["name"]: item for item in found}

    def pid(self, name: str) -> int:
        """Process id of web, jobs, dial, beat, redis, pbx or carrier; 0 while it is down."""
        return int(self.processes()[name]["pid"])

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to the main process of ``name``; the id it had."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def kill_and_wait(self, name: str, timeout_s: float = 10) -> int:
        """Kill it and wait until another one runs in its place; the new id."""
        old = self.kill(name)
        return int(str(wait_until(lambda: self._other(name, old), timeout_s, hint=f"{name} comes back")))

    def arm(self, point: str) -> None:
        """The process that passes this crash point next dies there, once (``dialer/crash_points.py``)."""
        temporary = self.crash_file.with_suffix(".new")
        temporary.write_text(point)
        temporary.replace(self.crash_file)

    def _other(self, name: str, old: int) -> int:
        item = self.processes()[name]
        return int(item["pid"]) if item["statename"] == "RUNNING" and item["pid"] != old else 0

    def leftovers(self) -> list[int]:
        """Processes of this home that are there now, whoever their parent is."""
        return supervisor.leftovers(self.settings.home)

    def carrier_log(self) -> list[dict[str, Any]]:
        """What the rehearsal carrier wrote about the calls it got, oldest first: the truth."""
        try:
            text = self.settings.carrier_log.read_text()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text.splitlines() if line.strip()]


@contextmanager
def _surroundings(values: Mapping[str, str]) -> Iterator[None]:
    saved = dict(os.environ)
    try:
        for name in [name for name in os.environ if name.startswith("OBZVON_")]:
            del os.environ[name]
        os.environ.update({k: v for k, v in values.items() if k.startswith("OBZVON_")})
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


@contextmanager
def stack(home: Path, extra: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """A started copy that is stopped at the end of the block, and of which no process is left."""
    copy = Stack(home, extra)
    try:
        yield copy.start()
    finally:
        copy.stop()
        assert copy.leftovers() == []
