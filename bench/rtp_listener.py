"""Hears what the callees hear, in a process of its own: how evenly RTP packets arrive.

All calls send to one UDP port. The kernel passes only every :data:`ONE_OF`-th stream on (a socket filter on the SSRC),
so that listening costs next to nothing, and stamps each packet at its arrival, so that a late reader does not matter.
"""

from __future__ import annotations

import ctypes
import math
import multiprocessing
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy

ONE_OF = 8
SO_ATTACH_FILTER = 26
SO_TIMESTAMPNS = 35
#: Clock ticks of 8 kHz audio in a millisecond.
TICKS_PER_MS = 8
PACKET_MS = 20


@dataclass(frozen=True)
class Heard:
    """What came within a window."""

    streams: int  # of the sample
    packets: int  # of the sample
    lost: int  # packets that never came, by the gaps in the numbers
    jitter_p50_ms: float
    jitter_p99_ms: float


class Listener:
    """The other end of the process."""

    def __init__(self, port: int, pipe: Connection) -> None:
        self.port = port
        self._pipe = pipe

    def listen(self, seconds: float) -> Heard:
        """Listen for so long from now on."""
        self._pipe.send(seconds)
        heard: Heard = self._pipe.recv()
        return heard


@contextmanager
def listener(address: str) -> Iterator[Listener]:
    """A listener on a free port of this address."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(address, theirs), daemon=True)
    process.start()
    try:
        yield Listener(ours.recv(), ours)
    finally:
        process.terminate()
        process.join()


def _serve(address: str, pipe: Connection) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 2**20)
        listening.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        _pass_every_nth_stream(listening)
        listening.bind((address, 0))
        pipe.send(listening.getsockname()[1])
        listening.settimeout(0.1)
        while True:
            pipe.send(evenness(_packets(listening, pipe.recv())))


def _pass_every_nth_stream(listening: socket.socket) -> None:
    """A classic BPF program: load the SSRC (behind 8 bytes of UDP and 8 of RTP), keep its low bits, pass when zero."""
    program = [(0x20, 0, 0, 16), (0x54, 0, 0, ONE_OF - 1), (0x15, 0, 1, 0), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code)))


def _packets(listening: socket.socket, seconds: float) -> numpy.ndarray[tuple[int, int], numpy.dtype[numpy.int64]]:
    """Rows of SSRC, sequence number, RTP time and arrival in nanoseconds, of packets that arrive from now on."""
    first_ns = time.time_ns()
    until = time.monotonic() + seconds
    rows: list[tuple[int, int, int, int]] = []
    while time.monotonic() < until:
        try:
            data, extra, _, _ = listening.recvmsg(12, 64)
        except TimeoutError:
            continue
        arrived_s, arrived_ns = struct.unpack("qq", extra[0][2])
        at_ns = arrived_s * 10**9 + arrived_ns
        if at_ns >= first_ns:  # older ones waited in the socket since the last window
            sequence, ticks, ssrc = struct.unpack("!2xHII", data)
            rows.append((ssrc, sequence, ticks, at_ns))
    return numpy.array(rows, dtype=numpy.int64).reshape(-1, 4)


def evenness(rows: numpy.ndarray[tuple[int, int], numpy.dtype[numpy.int64]]) -> Heard:
    """Jitter as the difference of transit times of neighbours in a stream (D of RFC 3550, 6.4.1), absolute.

    What did not come counts as well: a lost packet as one that is late without end, a silence as all the packets that
    should have come in it.
    """
    if not len(rows):
        return Heard(0, 0, 0, 0.0, math.inf)
    rows = rows[numpy.lexsort((rows[:, 3], rows[:, 0]))]
    step = numpy.diff(rows, axis=0)
    step = step[(step[:, 0] == 0) & (step[:, 1] > 0)]
    if not len(step):
        return Heard(len(numpy.unique(rows[:, 0])), len(rows), 0, 0.0, math.inf)
    gap_ms = step[:, 3] / 1e6
    off_ms = numpy.abs(gap_ms - step[:, 2] / TICKS_PER_MS)
    packets = numpy.maximum(1, (gap_ms / PACKET_MS).round()).astype(int)
    missing = int((step[:, 1] - 1).sum())
    all_ms = numpy.concatenate([numpy.repeat(off_ms, packets), numpy.full(missing, math.inf)])
    p50, p99 = numpy.quantile(all_ms, [0.5, 0.99], method="higher")
    return Heard(len(numpy.unique(rows[:, 0])), len(rows), missing, round(float(p50), 2), round(float(p99), 2))
