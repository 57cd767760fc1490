"""A MariaDB of the rig's own that keeps what it committed, and that comes back after a kill."""

from __future__ import annotations

import contextlib
import getpass
import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path

import pymysql

from config import supervisor
from tests.support.servers import free_port, program

NAME = "obzvon"
READY_S = 60.0


class MariaDb:
    """Started by :meth:`start`; whenever its process ends, another one is started, until :meth:`stop`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        # Short: a socket's address holds 107 bytes.
        self._socket = folder / "db.sock"
        self._log = folder / "mariadb.log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep_running, name="mariadb-keeper", daemon=True)
        #: SQLAlchemy address.
        self.url = f"mysql+pymysql://root@127.0.0.1:{self._port}/{NAME}?charset=utf8mb4"

    def start(self) -> None:
        """Make the files, start, make the database."""
        self._folder.mkdir(parents=True, exist_ok=True)
        user = f"--user={getpass.getuser()}"
        install = [program("mariadb-install-db"), "--no-defaults", f"--datadir={self._data}", user, "--skip-test-db"]
        install += ["--auth-root-authentication-method=normal", "--skip-name-resolve", "--force"]
        install.append("--innodb-log-file-size=16M")
        with self._log.open("ab") as output:
            subprocess.run(install, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True)
        self._process = self._spawn()
        deadline = time.monotonic() + READY_S
        while not self.answers():
            if time.monotonic() > deadline:
                raise TimeoutError(f"MariaDB does not start; see {self._log}")
            time.sleep(0.05)
        self._execute("GRANT ALL ON *.* TO root@127.0.0.1 WITH GRANT OPTION")
        self._execute(f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4")
        self._keeper.start()

    @property
    def pid(self) -> int:
        process = self._process
        return process.pid if process is not None and process.poll() is None else 0

    def answers(self) -> bool:
        """Whether it takes statements now."""
        try:
            # PyMySQL leaves its socket open when nobody listens yet, and the warning about it fails tests.
            with closing(socket.socket(socket.AF_UNIX)) as probe:
                probe.connect(str(self._socket))
            self._execute("SELECT 1")
        except (OSError, pymysql.MySQLError):
            return False
        return True

    def stop(self) -> None:
        """End it in an orderly way."""
        self._stopping.set()
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
                process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._keeper.is_alive():
            self._keeper.join(2)

    def _execute(self, statement: str) -> None:
        connection = pymysql.connect(unix_socket=str(self._socket), user="root", autocommit=True, connect_timeout=5)
        with closing(connection):
            connection.cursor().execute(statement)

    def _spawn(self) -> subprocess.Popen[bytes]:
        options = {
            "datadir": self._data,
            "socket": self._socket,
            "pid-file": self._folder / "mariadb.pid",
            "bind-address": "127.0.0.1",
            "port": self._port,
            "user": getpass.getuser(),
            "innodb-buffer-pool-size": "64M",
            "innodb-log-file-size": "16M",
            # What a production host has, too: every commit is on the disk before it is acknowledged.
            "innodb-flush-log-at-trx-commit": "1",
            "sync-binlog": "1",
            "max-connections": "300",
        }
        command = [program("mariadbd"), "--no-defaults", "--skip-name-resolve"]
        command += [f"--{name}={value}" for name, value in options.items()]
        with self._log.open("ab") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=supervisor.end_with_parent,
            )

    def _keep_running(self) -> None:
        while not self._stopping.wait(0.1):
            process = self._process
            if process is not None and process.poll() is not None and not self._stopping.is_set():
                self._process = self._spawn()
