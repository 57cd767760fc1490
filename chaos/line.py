"""The line between the dial worker and its PBX: a TCP proxy that spoils the manager's stream as networks do."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

END = b"\r\n\r\n"
#: These come by themselves; answers to actions are never left out or exchanged, since TCP does not lose bytes.
EVENTS = (b"Event: UserEvent", b"Event: OriginateResponse")
DROPPED_PART = 0.3
LATE_PART = 0.3
#: Longest pause before a piece, when the line is slow.
DELAY_S = 0.4
#: What lay on a dead line is sent again by TCP some time after it is mended, though its sender has given up.
SENT_AGAIN_AFTER_S = 2.5
#: States of a connection (include/net/tcp_states.h).
TCP_CLOSE = 7
TCP_CLOSE_WAIT = 8


@dataclass
class _Pair:
    client: socket.socket
    server: socket.socket
    #: Directions that have ended.
    ended: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def cut(self) -> None:
        """End both sides; what is under way is lost."""
        for side in (self.client, self.server):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def done(self, sink: socket.socket) -> None:
        """One direction has ended: its reader is told. Both: the sockets are closed."""
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
        with self.lock:
            self.ended += 1
            if self.ended < 2:
                return
        for side in (self.client, self.server):
            side.close()


class Line:
    """Listens on a free port of 127.0.0.1; ``target`` says to which port it passes, once that is known."""

    def __init__(self, target: Callable[[], int], seed: int) -> None:
        self._target = target
        self._dice = random.Random(f"line {seed}")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._pairs: list[_Pair] = []
        self._way = ""
        self._flowing = threading.Event()
        self._flowing.set()
        self._cut_in_half = False
        #: Messages that were touched by the present fault.
        self.touched = 0
        threading.Thread(target=self._accept, name="line", daemon=True).start()

    # ------------------------------------------------------------------ faults

    def spoil(self, way: str, seconds: float) -> None:
        """hold, delay, duplicate, drop, reorder or split for so long."""
        with self.spoiled(way):
            time.sleep(seconds)

    @contextlib.contextmanager
    def spoiled(self, way: str) -> Iterator[None]:
        """The same until the end of the block."""
        self.touched = 0
        self._way = way
        if way == "hold":
            self._flowing.clear()
        try:
            yield
        finally:
            self._way = ""
            self._flowing.set()

    def cut(self, in_half: bool, patience_s: float = 2.0) -> None:
        """End every connection; ``in_half``: in the middle of the next thing that is sent to the PBX."""
        if in_half:
            self._cut_in_half = True
            deadline = time.monotonic() + patience_s
            while self._cut_in_half and time.monotonic() < deadline:
                time.sleep(0.01)
            self._cut_in_half = False
        self._end_all()

    def close(self) -> None:
        """Nothing passes any more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._flowing.set()
        self._end_all()

    def _end_all(self) -> None:
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.cut()

    # ------------------------------------------------------------------ passing

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target()), 5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = _Pair(client, server)
            self._pairs.append(pair)
            for work in (self._to_server, self._to_client):
                threading.Thread(target=self._pass, args=(work, pair), daemon=True).start()

    def _pass(self, work: Callable[[_Pair], None], pair: _Pair) -> None:
        with contextlib.suppress(OSError):
            work(pair)
        pair.done(pair.server if work == self._to_server else pair.client)

    def _to_server(self, pair: _Pair) -> None:
        while data := pair.client.recv(65536):
            if self._cut_in_half:
                self._cut_in_half = False
                pair.server.sendall(data[: len(data) // 2])
                pair.cut()
                return
            if not self._flowing.is_set() and not self._after_hold(pair):
                return
            self._send(pair.server, data)

    def _after_hold(self, pair: _Pair) -> bool:
        """Wait until the line is mended. :returns: False when what was held never arrives."""
        self._flowing.wait()
        state = pair.client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if state == TCP_CLOSE:  # reset: its kernel has thrown away what was not acknowledged
            return False
        if state == TCP_CLOSE_WAIT:  # closed, but its kernel goes on sending what it was given before
            time.sleep(SENT_AGAIN_AFTER_S)
        return True

    def _to_client(self, pair: _Pair) -> None:
        rest = b""
        late: list[bytes] = []
        while data := pair.server.recv(65536):
            self._flowing.wait()
            *messages, rest = (rest + data).split(END)
            whole = [message + END for message in messages]
            if rest.startswith(b"Asterisk Call Manager") and rest.endswith(b"\r\n"):
                whole.append(rest)
                rest = b""
            overdue, late = late, []
            out = [copy for message in whole for copy in self._changed(message, late)]
            self._send(pair.client, b"".join(out + overdue))

    def _changed(self, message: bytes, late: list[bytes]) -> list[bytes]:
        """What becomes of one message from the PBX; what comes later is put into ``late``."""
        way = self._way
        if way not in ("duplicate", "drop", "reorder"):
            return [message]
        if way == "duplicate":
            self.touched += 1
            return [message, message]
        if not message.startswith(EVENTS):
            return [message]
        if way == "drop" and self._dice.random() < DROPPED_PART:
            self.touched += 1
            return []
        if way == "reorder" and self._dice.random() < LATE_PART:
            self.touched += 1
            late.append(message)
            return []
        return [message]

    def _send(self, sink: socket.socket, data: bytes) -> None:
        way = self._way
        if way == "delay":
            self.touched += 1
            time.sleep(self._dice.uniform(0, DELAY_S))
        if way != "split":
            sink.sendall(data)
            return
        self.touched += 1
        while data:
            size = self._dice.randint(1, 40)
            sink.sendall(data[:size])
            data = data[size:]
