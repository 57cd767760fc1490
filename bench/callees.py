"""SIPp as the telephones of a benchmark, and its own log of what came, which is the truth about calls."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ADDRESS = "127.0.0.3"


@dataclass(frozen=True)
class Callees:
    """How they behave: a scenario beside this file, and SIPp's further options."""

    scenario: str  # hangs_up, listens or stays
    options: Sequence[str] = ()
    #: Keep :func:`messages`; costs SIPp a line for each message.
    traced: bool = False
    #: UDP port of :mod:`bench.rtp_listener`; without it SIPp itself takes the sound and drops it.
    listener: int | None = None


HANG_UP = Callees("hangs_up")


def start(callees: Callees, home: Path, port: int) -> subprocess.Popen[bytes]:
    """Run SIPp on this UDP port."""
    scenario = Path(__file__).with_name(f"{callees.scenario}.xml")
    if callees.listener is not None:
        text = scenario.read_text().replace("[media_port]", str(callees.listener))
        scenario = home / scenario.name
        scenario.write_text(text)
    options = ["-sf", str(scenario), "-i", ADDRESS, "-p", str(port), "-nostdin", "-nd", *callees.options]
    if callees.traced:
        options += ["-trace_shortmsg", "-shortmessage_file", str(trace(home))]
    with (home / "sipp.log").open("wb") as log:
        return subprocess.Popen(
            ["sipp", *options],
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | {"TERM": "dumb"},
        )


def trace(home: Path) -> Path:
    """Where a traced SIPp writes."""
    return home / "sipp-messages.tsv"


@dataclass(frozen=True, slots=True)
class Message:
    """One SIP message as the callee saw it."""

    at: float  # seconds since 1970, to the microsecond
    received: bool
    call_id: str
    cseq: str  # such as "102 INVITE"
    first_line: str

    @property
    def is_invite(self) -> bool:
        return self.received and self.first_line.startswith("INVITE ")

    @property
    def ends_call(self) -> bool:
        """The answer to a BYE, whoever sent it: from here on the channel is free."""
        return self.cseq.endswith(" BYE") and self.first_line.startswith("SIP/2.0 200")


def messages(home: Path) -> list[Message]:
    """What SIPp has seen so far; a line that it is still writing is left for the next time."""
    text = trace(home).read_text(errors="replace")
    found = []
    for line in text[: text.rfind("\n") + 1].splitlines():
        _, _, at, direction, call_id, cseq, first_line = line.split("\t", 6)
        found.append(Message(float(at), direction == "R", call_id, cseq.removeprefix("CSeq:"), first_line))
    return found


def free_udp_port() -> int:
    """A UDP port of the callees' address that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])
