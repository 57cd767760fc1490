"""Live numbers by server-sent events: one computation per campaign and second in this process, however many look.

A stream holds a thread of the server, so there is a limit on streams, each ends after some minutes (the browser comes
back by itself, and is asked again who it is), and all end at once when the server is told to stop.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

from campaigns import service
from campaigns.errors import CampaignError
from campaigns.message_editing import Progress
from campaigns.models import Campaign
from campaigns.service import Counts
from campaigns.states import CampaignState
from config.database import utcnow
from config.web_server import stopping
from web import queries

log = structlog.get_logger(__name__)

HEARTBEAT_S = 10.0
LONGEST_S = 300.0
#: Why a running campaign calls nobody; what else stands in the way of Start does not matter while it runs.
WAITS_FOR = frozenset(
    {
        *("trunk_not_chosen", "trunk_disabled", "caller_id_not_owned", "node_not_connected", "nodes_draining"),
        *("sound_missing", "sound_lost", "no_windows", "ami_rights_too_many", "ami_rights_too_few"),
    }
)


@dataclass(frozen=True)
class Snapshot:
    """All that the live part of a campaign's page shows."""

    campaign: Campaign
    counts: Counts
    problems: tuple[CampaignError, ...]  # why it cannot start, or, while it runs, cannot call
    opens: object  # when the calling window opens next, None while it is open
    never_opens: bool
    #: Calls of all campaigns on the trunk's nodes that ring and listen now, and whether one of the nodes is there.
    ringing: int
    talking: int
    connected: bool
    bases: tuple[tuple[int, str], ...]
    #: How far the sounds of a message of blocks are; None without one.
    progress: Progress | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What must differ before something is sent again."""
        campaign = self.campaign
        return (
            *(campaign.state, campaign.state_code, campaign.state_detail, campaign.name, campaign.sound),
            self.counts,
            tuple((problem.code, problem.sentence) for problem in self.problems),
            *(self.opens, self.never_opens, self.bases),
            *(self.connected, self.ringing, self.talking),
            *(campaign.message_version, repr(self.progress)),
        )


def compute(campaign_id: int) -> Snapshot:
    """Read everything anew.

    :raises CampaignError: campaign_missing.
    """
    campaign = service.get(campaign_id)
    running = campaign.state == CampaignState.RUNNING
    opens = service.window_opens(campaign) if running else None
    trunk = queries.trunk(campaign.trunk_id) if campaign.trunk_id else None
    nodes = [node for node in trunk.nodes if node.is_connected(utcnow())] if trunk else []
    return Snapshot(
        campaign=campaign,
        counts=service.counts([campaign_id])[campaign_id],
        problems=tuple(
            problem for problem in service.start_problems(campaign_id) if not running or problem.code in WAITS_FOR
        )
        + tuple(service.waits_for(campaign) if running else ()),
        opens=opens,
        never_opens=running and opens is None and not _open_now(campaign),
        ringing=sum(node.ringing for node in nodes),
        talking=sum(node.talking for node in nodes),
        connected=bool(nodes),
        bases=tuple((base.id, base.state) for base in queries.bases(campaign_id)),
        progress=service.prepare_progress(campaign_id) if campaign.message is not None else None,
    )


def _open_now(campaign: Campaign) -> bool:
    from zoneinfo import ZoneInfo

    from campaigns.windows import CallingWindows

    return CallingWindows.from_json(campaign.windows).is_open(utcnow(), ZoneInfo(campaign.timezone))


class Board:
    """Keeps the last snapshot of each campaign for a second, or longer where counting takes long."""

    def __init__(self, make: Callable[[int], Snapshot] = compute, clock: Callable[[], float] = time.monotonic) -> None:
        self._make, self._clock = make, clock
        self._lock = threading.Lock()
        self._locks: dict[int, threading.Lock] = {}
        self._kept: dict[int, tuple[float, Snapshot]] = {}

    def snapshot(self, campaign_id: int) -> Snapshot:
        """Not older than a second, or four times as long as it takes to count."""
        with self._lock:
            lock = self._locks.setdefault(campaign_id, threading.Lock())
        with lock:
            kept = self._kept.get(campaign_id)
            if kept and self._clock() < kept[0]:
                return kept[1]
            began = self._clock()
            snapshot = self._make(campaign_id)
            ended = self._clock()
            self._kept[campaign_id] = (ended + max(0.9, 4 * (ended - began)), snapshot)
            return snapshot

    def forget(self, campaign_id: int) -> None:
        """Whoever changed something wants to see it at once."""
        self._kept.pop(campaign_id, None)


class Streams:
    """Counts the open streams against a limit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0

    def enter(self, limit: int) -> bool:
        """True when one more may open; then :meth:`leave` must follow."""
        with self._lock:
            if self._open >= limit:
                return False
            self._open += 1
            return True

    def leave(self) -> None:
        with self._lock:
            self._open -= 1

    @property
    def count(self) -> int:
        return self._open


board = Board()
streams = Streams()


def reader_left(connection: socket.socket | None) -> bool:
    """Whether the browser has closed its end; without this the second heartbeat after it would tell, by failing."""
    if connection is None:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def events(
    campaign_id: int,
    render: Callable[[Snapshot], Iterator[tuple[str, str]]],
    left: Callable[[], bool] = lambda: False,
) -> Iterator[str]:
    """The stream's text: named events when something changed, a comment as heartbeat; ends when ``left()``."""
    last: tuple[object, ...] | None = None
    sent: dict[str, str] = {}
    began = spoke = time.monotonic()
    yield "retry: 3000\n\n"
    while not (stopping.is_set() or left() or time.monotonic() - began > LONGEST_S):
        try:
            snapshot = board.snapshot(campaign_id)
        except CampaignError:
            yield _event("gone", "")
            return
        except Exception:
            log.exception("live_failed", campaign=campaign_id)
            return
        if snapshot.key != last:
            last = snapshot.key
            for name, html in render(snapshot):
                if sent.get(name) != html:
                    sent[name] = html
                    spoke = time.monotonic()
                    yield _event(name, html)
        if time.monotonic() - spoke >= HEARTBEAT_S:
            spoke = time.monotonic()
            yield ": still here\n\n"
        stopping.wait(1.0)


def _event(name: str, html: str) -> str:
    lines = "".join(f"data: {line}\n" for line in html.splitlines() if line.strip()) or "data:\n"
    return f"event: {name}\n{lines}\n"
