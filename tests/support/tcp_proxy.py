"""A TCP proxy that spoils a connection in the ways of real networks: cut, held back, or with messages left out."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable


class TcpProxy:
    """Listens on a free port of 127.0.0.1 and passes everything to ``target``, as far as it is allowed to."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._to_server = threading.Event()
        self._to_client = threading.Event()
        self._to_server.set()
        self._to_client.set()
        #: New connections are closed at once while this is set.
        self.refuse = False
        #: Messages from the server for which this is true are left out.
        self.drop: Callable[[bytes], bool] = lambda message: False
        self.connections = 0
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def hold(self, *, to_server: bool = False, to_client: bool = False) -> None:
        """Keep what comes in these directions from now on; the connection stays up, as a half-open one does."""
        if to_server:
            self._to_server.clear()
        if to_client:
            self._to_client.clear()

    def cut(self) -> None:
        """End every connection; what was held is lost. New ones pass freely."""
        for pair in self._pairs:
            for side in pair:
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()
        self._to_server.set()
        self._to_client.set()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._accepting.join(2)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuse:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target), 5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self.connections += 1
            self._pairs.append((client, server))
            threading.Thread(target=self._pass, args=(client, server, self._to_server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, self._to_client, True), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, allowed: threading.Event, filtered: bool) -> None:
        rest = b""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not allowed.is_set():
                    allowed.wait()  # until a cut: then the sink is gone and this data with it
                if filtered:
                    *messages, rest = (rest + data).split(b"\r\n\r\n")
                    data = b"".join(m + b"\r\n\r\n" for m in messages if not self.drop(m))
                    if rest.startswith(b"Asterisk Call Manager") and rest.endswith(b"\r\n"):
                        data, rest = data + rest, b""
                sink.sendall(data)
        for side in (source, sink):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()
