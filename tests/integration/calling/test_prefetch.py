"""A node's pieces are there before their contacts' turn comes, within bounds; what is lost leaves no hole: N15."""

from types import SimpleNamespace

import pytest
from sqlalchemy import delete, func, select

from campaigns import piece_store, prefetch
from campaigns.dial_loop import DialLoop
from campaigns.message.prompts import Prompts
from campaigns.models import SoundFile
from campaigns.prefetch import PieceFetcher, Prefetch
from config import database
from dialer.models import Node, Trunk
from tests.integration.calling.rig import contact_rows, one
from tests.integration.calling.test_nodes import Placed
from tests.integration.calling.test_preparing import campaign, hummer, prepare  # noqa: F401

pytestmark = pytest.mark.usefixtures("app")

AMOUNTS = ["7", "8", "9"]


@pytest.fixture
def elsewhere():
    """A campaign whose pieces were made on another host: the database has them, this home none. :returns: its id."""

    def work(session):
        trunk = session.get(Trunk, 1)
        trunk.nodes.append(Node(id=2, name="second", channels=10, cps=10, connected=True))

    database.write(work)
    campaign_id = campaign(AMOUNTS)
    prepare(campaign_id)
    assert one(select(func.count()).select_from(SoundFile).where(SoundFile.made)) == 4
    piece_store.pieces().drop(piece_store.needed())
    return campaign_id


def ahead():
    return Prefetch(1, PieceFetcher(), lambda: True)


def stems(campaign_id):
    """Those of each contact, in the order in which they are called."""
    return [Prompts.from_json(contact.prompts).main for contact in contact_rows(campaign_id)]


def here(stem):
    return piece_store.pieces().has(stem)


def dialled(campaign_id):
    """Numbers that are called now, and how often the claim lacked something."""
    gateway, lacked = Placed(), []
    DialLoop(1, gateway, lacks=lambda: lacked.append(1)).dial(campaign_id)
    return sorted(request.number for request in gateway.requests), len(lacked)


def test_the_claim_finds_what_was_fetched_ahead(elsewhere):
    assert not ahead().look()
    assert dialled(elsewhere) == (["79005550000", "79005550001", "79005550002"], 0)


def test_without_it_the_claim_fetches_and_asks_for_more(elsewhere):
    assert dialled(elsewhere) == (["79005550000", "79005550001", "79005550002"], 1)
    assert all(here(stem) for of_one in stems(elsewhere) for stem in of_one)


def test_the_first_to_be_called_come_first_and_not_more_than_may_be_needed(elsewhere, monkeypatch):
    monkeypatch.setattr(prefetch, "AHEAD", 2)
    monkeypatch.setattr(prefetch, "AT_ONCE", 2)
    looks = ahead()
    first, second, third = stems(elsewhere)
    assert looks.look()  # more is lacking
    assert all(map(here, first))
    assert not looks.look()
    assert all(map(here, second))
    assert not here(third[1])


def test_a_piece_that_is_lost_everywhere_is_made_again(elsewhere):
    lost = stems(elsewhere)[1][1]
    database.write(lambda session: session.execute(delete(SoundFile).where(SoundFile.stem == lost)))
    assert not ahead().look()
    assert dialled(elsewhere) == (["79005550000", "79005550002"], 1)
    prepare(elsewhere)
    assert dialled(elsewhere) == (["79005550001"], 0)


def test_half_a_file_is_no_piece(elsewhere):
    """The power went after the file had its name and before it had its content."""
    ahead().look()
    stem = stems(elsewhere)[0][1]
    piece_store.pieces().path(stem).write_bytes(b"")
    assert dialled(elsewhere) == (["79005550000", "79005550001", "79005550002"], 1)
    assert here(stem)


@pytest.mark.parametrize("short", ["disk", "folder", "connection"])
def test_nothing_is_fetched_ahead_where_room_is_short(elsewhere, short, monkeypatch):
    fetcher = PieceFetcher()
    if short == "disk":
        monkeypatch.setattr(prefetch.shutil, "disk_usage", lambda _: SimpleNamespace(free=prefetch.LEAST_FREE - 1))
    elif short == "folder":
        fetcher.fetch({stems(elsewhere)[0][0]})
        monkeypatch.setattr(piece_store, "most_bytes", lambda: 0)
        assert not fetcher.make_room()
    looks = Prefetch(1, fetcher, lambda: short != "connection")
    assert not looks.look()
    assert not here(stems(elsewhere)[0][1])
