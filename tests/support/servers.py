"""Private servers for tests, on free ports and sockets of their own, gone when the block ends."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import kombu
import pymysql
import redis

from setup import rabbitmq
from setup.host import SEARCH
from setup.install import RUNTIME


def program(name: str) -> str:
    """Full path of an installed program."""
    found = shutil.which(name, path=f"{RUNTIME / 'bin'}:{SEARCH}")
    assert found, f"{name} is missing: start the tests with `make test`, which installs it"
    return found


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """A port that is free now."""
    with closing(socket.socket(socket.AF_INET, kind)) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def wait_until(what: Callable[[], object], timeout_s: float = 15, hint: str = "", every_s: float = 0.02) -> object:
    """Call ``what`` until it returns something true, and return that; fail the test after ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {hint or what}"
        time.sleep(every_s)


@contextmanager
def running(
    command: list[str], log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its output in ``log``, ended at the end of the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis on a unix socket in ``folder``; yields its Celery address."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "redis.sock"
    command = [program("redis-server"), "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)]
    with running(command, folder / "redis.log"):
        with closing(redis.Redis(unix_socket_path=str(path))) as client:
            wait_until(lambda: _answers(client), hint=f"Redis; see {folder / 'redis.log'}")
        yield f"redis+socket://{path}"


@contextmanager
def rabbitmq_server(folder: Path) -> Iterator[str]:
    """A RabbitMQ of its own, with its own port mapper; yields its Celery address."""
    root = RUNTIME / "rabbitmq"
    assert rabbitmq.works(root), "RabbitMQ is missing: start the tests with `make test`, which unpacks it"
    folder.mkdir(parents=True, exist_ok=True)
    erlang, machine = rabbitmq.programs(root)
    port, mapper = free_port(), free_port()
    config = folder / "rabbitmq.conf"
    config.write_text(f"listeners.tcp.default = 127.0.0.1:{port}\nlog.console = false\n")
    environment = {
        "PATH": f"{erlang}:{machine}:{SEARCH}",
        "HOME": str(folder),  # the cookie of its cluster
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_CRASH_DUMP": str(folder / "crash.dump"),
        "RABBITMQ_NODENAME": f"obzvon{port}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_CONFIG_FILE": str(config),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
    }
    log, address = folder / "rabbitmq.log", f"amqp://guest:guest@127.0.0.1:{port}//"
    with (
        running([str(machine / "epmd"), "-port", str(mapper), "-address", "127.0.0.1"], log, environment),
        running([str(rabbitmq.server(root))], log, environment),
    ):
        wait_until(lambda: _takes_messages(address), timeout_s=60, hint=f"RabbitMQ; see {log}", every_s=0.2)
        yield address


def _takes_messages(address: str) -> bool:
    with kombu.Connection(address, connect_timeout=2) as connection:
        try:
            connection.connect()
        except (OSError, *connection.connection_errors):
            return False
    return True


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@dataclass
class MariaDb:
    """A running server; databases in it are made and dropped as tests need them."""

    socket: Path
    port: int
    pid: int
    _count: int = 0

    def execute(self, statement: str) -> None:
        """Run one statement as root."""
        with closing(pymysql.connect(unix_socket=str(self.socket), user="root", autocommit=True)) as connection:
            connection.cursor().execute(statement)

    @contextmanager
    def database(self) -> Iterator[str]:
        """An empty database; yields its SQLAlchemy address, reached through TCP."""
        self._count += 1
        name = f"test_{self._count}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            yield f"mysql+pymysql://root@127.0.0.1:{self.port}/{name}?charset=utf8mb4"
        finally:
            self.execute(f"DROP DATABASE {name}")


#: For tests: nothing has to survive.
QUICK = ("--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-buffer-pool-size=64M")
#: As a customer has it: a commit survives a power cut.
DURABLE = ("--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=1G", "--innodb-log-file-size=256M")


@contextmanager
def mariadb(folder: Path, options: Sequence[str] = QUICK) -> Iterator[MariaDb]:
    """A MariaDB on a free port of 127.0.0.1."""
    folder.mkdir(parents=True, exist_ok=True)
    data, path, log = folder / "data", folder / "mariadb.sock", folder / "mariadb.log"
    user = f"--user={getpass.getuser()}"
    install = [program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", user, "--skip-test-db"]
    install += ["--auth-root-authentication-method=normal", "--skip-name-resolve"]
    install.append("--force")  # the host's name need not be in /etc/hosts
    with log.open("ab") as output:
        subprocess.run(install, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True)
    port = free_port()
    command = [
        program("mariadbd"),
        "--no-defaults",
        f"--datadir={data}",
        f"--socket={path}",
        f"--pid-file={folder / 'mariadb.pid'}",
        "--bind-address=127.0.0.1",
        f"--port={port}",
        user,
        "--skip-name-resolve",
        "--max-connections=200",
        *options,
    ]
    with running(command, log) as process:
        server = MariaDb(path, port, process.pid)
        wait_until(lambda: _accepts(server), timeout_s=60, hint=f"MariaDB; see {log}")
        server.execute("GRANT ALL ON *.* TO root@127.0.0.1 WITH GRANT OPTION")
        yield server


def _accepts(server: MariaDb) -> bool:
    try:
        # PyMySQL leaves its socket open when nobody listens yet, and the warning about it fails a later test.
        with closing(socket.socket(socket.AF_UNIX)) as probe:
            probe.connect(str(server.socket))
        server.execute("SELECT 1")
    except (OSError, pymysql.OperationalError):
        return False
    return True
