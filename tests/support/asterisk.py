"""A private Asterisk pair (PBX and rehearsal carrier) in a home of its own, and a ledger that lives in memory."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from config.settings import Settings
from dialer.calls import CallResult, OpenCall
from dialer.pbx_config import TrunkConfig, carrier_command, pbx_command, render_carrier, render_pbx

REPOSITORY = Path(__file__).resolve().parents[2]
#: Loopback hosts 127.77.x.y: each pair gets one of its own, so that pairs of several runs do not meet.
_HOST = "127.77.{}.{}"


def free_port(kind: int = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def private_settings(home: Path, **more: object) -> Settings:
    """Settings of a home with ports that are free now."""
    number = os.getpid()
    values: dict[str, object] = {
        "home": home,
        "runtime": Path(os.environ.get("OBZVON_RUNTIME", REPOSITORY / ".runtime")),
        "ami_port": free_port(),
        "sip_host": "127.0.0.1",
        "sip_port": free_port(socket.SOCK_DGRAM),
        "sip_local_port": free_port(socket.SOCK_DGRAM),
        "carrier_host": _HOST.format(number // 250 % 250, number % 250 + 1),
        "carrier_sip_port": free_port(socket.SOCK_DGRAM),
        "rtp_start": 20000 + os.getpid() % 2000 * 10,
    }
    values.update(more)
    return Settings(_env_file=None, **values)  # type: ignore[arg-type, call-arg]


class AsteriskProcess:
    """One Asterisk in the foreground, started and ended by tests."""

    def __init__(self, command: Callable[[], list[str]], where: Path, port: tuple[str, int] | None) -> None:
        self._command = command
        self._where = where
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, timeout_s: float = 90) -> None:
        """Start and wait until it has loaded everything."""
        output = self._where / "console.log"
        with output.open("wb") as handle:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + timeout_s
        while b"Asterisk Ready." not in output.read_bytes():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"Asterisk did not start:\n{output.read_text()[-3000:]}")
            time.sleep(0.02)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """As by a power cut; the stale socket goes too."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(10)

    def stop(self) -> None:
        """A graceful stop can hang for as long as calls are up: a short try, then the hard way."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(1.5)
        except subprocess.TimeoutExpired:
            self.kill()


class AsteriskPair:
    """A PBX and the carrier behind it."""

    def __init__(self, settings: Settings, trunks: Sequence[TrunkConfig] = ()) -> None:
        self.settings = settings
        rehearsal = TrunkConfig("rehearsal", settings.carrier_host, settings.carrier_sip_port, local=True)
        self.trunks = [rehearsal, *trunks]
        render_pbx(settings, self.trunks)
        render_carrier(settings)
        self.pbx = AsteriskProcess(
            lambda: pbx_command(settings), settings.home / "pbx", ("127.0.0.1", settings.ami_port)
        )
        self.carrier = AsteriskProcess(lambda: carrier_command(settings), settings.home / "carrier", None)

    def cli(self, command: str, instance: str = "pbx") -> str:
        """A command on the control socket."""
        base = pbx_command(self.settings) if instance == "pbx" else carrier_command(self.settings)
        base.remove("-f")
        done = subprocess.run([*base, "-rx", command], capture_output=True, text=True, timeout=20, check=False)
        return done.stdout

    def stop(self) -> None:
        for process in (self.pbx, self.carrier):
            process.stop()


@contextlib.contextmanager
def asterisk_pair(home: Path, trunks: Sequence[TrunkConfig] = (), **more: object) -> Iterator[AsteriskPair]:
    """Both running, ended at the exit whatever happens."""
    pair = AsteriskPair(private_settings(home, **more), trunks)
    try:
        pair.carrier.start()
        pair.pbx.start()
        yield pair
    finally:
        pair.stop()


class MemoryLedger:
    """Keeps results in memory, as the real ledger keeps them in the database: the first outcome stays."""

    def __init__(self) -> None:
        self.results: dict[str, CallResult] = {}
        self.again: list[CallResult] = []
        self.open: dict[str, OpenCall] = {}
        self.live_told: list[tuple[int, int]] = []
        self.fail: Callable[[], None] = lambda: None
        self.times: dict[str, float] = {}
        self._changed = threading.Condition()

    def record(self, results: Sequence[CallResult]) -> None:
        self.fail()
        with self._changed:
            for result in results:
                if result.uid in self.results:
                    self.again.append(result)
                    continue
                self.results[result.uid] = result
                self.times[result.uid] = time.time()
                self.open.pop(result.uid, None)
            self._changed.notify_all()

    def open_calls(self) -> Sequence[OpenCall]:
        self.fail()
        with self._changed:
            return list(self.open.values())

    def live(self, ringing: int, talking: int) -> None:
        self.live_told.append((ringing, talking))

    def claim(self, uid: str, boot: str) -> None:
        from config.database import utcnow

        with self._changed:
            self.open[uid] = OpenCall(uid, boot, utcnow())

    def wait_for(self, uids: Sequence[str], timeout_s: float) -> dict[str, CallResult]:
        """Results of all these calls; fails, naming the missing ones, when they do not come."""
        with self._changed:
            done = self._changed.wait_for(lambda: all(uid in self.results for uid in uids), timeout_s)
            missing = [uid for uid in uids if uid not in self.results]
            assert done, f"no result of {missing}"
            return {uid: self.results[uid] for uid in uids}
