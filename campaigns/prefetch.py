"""A node's pieces of messages are fetched before their contacts' turn comes, so that a claim seldom waits for them.

Pieces are made by the jobs workers, perhaps on another host, which puts them into the database too. The dial worker of
a node looks, by a thread of its own, at the contacts that it may call soon, and fetches what its home lacks: so many
contacts, in the order in which they are claimed. The claim itself looks again: whoever lacks a piece there is not
called before it is fetched, or made anew.
"""

from __future__ import annotations

import datetime as dt
import shutil
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog
from sqlalchemy import Row, select

from campaigns import piece_store, sounds
from campaigns.message.prompts import Prompts
from campaigns.models import Campaign, Contact
from campaigns.states import CampaignState, ContactState
from config import database, settings
from dialer.models import trunk_node

log = structlog.get_logger(__name__)

#: Contacts of a campaign whose pieces are there before their turn: at 50 calls a second they last 10 s.
AHEAD = 500
#: Whoever is due within this time is looked at.
SOON = dt.timedelta(minutes=1)
LOOK_EVERY_S = 2.0
#: Pieces fetched between two looks at the contacts, whose order may have changed.
AT_ONCE = 100
#: Pieces fetched, after which the folder's size is looked at.
LOOK_AFTER = 1000
#: With less room on the home's disk nothing is fetched ahead.
LEAST_FREE = 256 * 2**20
#: Looks after which a piece that the database had not is asked for again, and a full folder is looked at again.
ASK_AGAIN = 10

contacts = Contact.__table__


class PieceFetcher:
    """Brings pieces into this home and keeps the folder within its limit. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fetched = 0
        #: The folder is within its limit, as far as known.
        self.has_room = True

    def fetch(self, stems: set[str]) -> set[str]:
        """:returns: those that the database has not."""
        lost = sounds.fetch_all(settings.get().played, stems)
        with self._lock:
            self._fetched += len(stems) - len(lost)
            look = self._fetched >= LOOK_AFTER
        if look:
            self.make_room()
        return lost

    def make_room(self) -> bool:
        """Drop what is not needed: on a host without jobs worker nobody else does. :returns: whether there is room."""
        with self._lock:
            self._fetched = 0
        most = piece_store.most_bytes()
        self.has_room = piece_store.pieces().drop_unused(most, piece_store.needed).now < most
        return self.has_room


class Prefetch:
    """Fetches ahead for one node."""

    def __init__(self, node_id: int, fetcher: PieceFetcher, is_dialling: Callable[[], bool]) -> None:
        self._node_id = node_id
        self._fetcher = fetcher
        self._is_dialling = is_dialling
        self._woken = threading.Event()
        self._ended = False
        self._lost: set[str] = set()
        self._looks = 0

    def wake(self) -> None:
        """A claim lacked pieces: look at once."""
        self._woken.set()

    def end(self) -> None:
        """Let :meth:`run` return."""
        self._ended = True
        self._woken.set()

    def run(self, app_context: Callable[[], AbstractContextManager[object]]) -> None:
        """Look every few seconds, at once after more was lacking than is fetched at once, until :meth:`end`."""
        more = False
        while not self._ended:
            if not more:
                self._woken.wait(LOOK_EVERY_S)
            self._woken.clear()
            try:
                with app_context():
                    more = not self._ended and self.look()
            except Exception:
                log.exception("pieces_not_fetched_ahead")
                more = False

    def look(self) -> bool:
        """Fetch what contacts whose turn comes soon lack here. :returns: whether more is lacking."""
        again = self._looks % ASK_AGAIN == 0
        self._looks += 1
        if again:
            self._lost.clear()
        if not self._is_dialling() or not self._has_room(again):
            return False
        for campaign in self._campaigns():
            lacking = self._lacking(campaign)
            if lacking:
                chosen = set(lacking[:AT_ONCE])
                lost = self._fetcher.fetch(chosen)
                self._lost |= lost
                log.info("pieces_fetched", campaign=campaign.id, pieces=len(chosen) - len(lost), ahead=True)
                if len(lacking) > AT_ONCE:
                    return True
        return False

    def _has_room(self, look: bool) -> bool:
        """In the folder and on the disk; where it is short the claim alone fetches, what it needs at once."""
        if shutil.disk_usage(settings.get().home).free < LEAST_FREE:
            return False
        return self._fetcher.has_room or (look and self._fetcher.make_room())

    def _campaigns(self) -> list[Row[tuple[int, str]]]:
        """Running campaigns of the node with a message of blocks."""
        query = (
            select(Campaign.id, Campaign.message_version)
            .join(trunk_node, trunk_node.c.trunk_id == Campaign.trunk_id)
            .where(
                Campaign.state == CampaignState.RUNNING,
                Campaign.message.is_not(None),
                trunk_node.c.node_id == self._node_id,
            )
        )
        with database.read() as session:
            return list(session.execute(query))

    def _lacking(self, campaign: Row[tuple[int, str]]) -> list[str]:
        """Pieces that are not here, in the order in which they will be needed."""
        query = select(contacts.c.prompts).where(
            contacts.c.campaign_id == campaign.id,
            contacts.c.state == ContactState.PENDING,
            contacts.c.due_at <= database.utcnow() + SOON,
            contacts.c.prepared == campaign.message_version,
            contacts.c.prompts.is_not(None),
        )
        ordered = query.order_by(contacts.c.due_at, contacts.c.id).limit(AHEAD)
        with database.read() as session:
            prompts = session.execute(ordered).scalars().all()
        stems = dict.fromkeys(stem for kept in prompts for stem in Prompts.from_json(kept).stems())
        has = piece_store.pieces().has
        return [stem for stem in stems if stem not in self._lost and not has(stem)]
