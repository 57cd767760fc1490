"""One node with two trunks, and a message."""

import pytest

from config import database, settings
from config.database import utcnow
from dialer.models import Node, Trunk, TrunkKind


@pytest.fixture(autouse=True)
def node(app):
    sounds = settings.get().sounds
    sounds.mkdir(parents=True)
    (sounds / "ab.wav").touch()

    def work(session):
        node = Node(id=1, name="main", channels=100, cps=100, connected=True, seen_at=utcnow())
        session.add(
            Trunk(
                id=1,
                nodes=[node],
                name="t1",
                kind=TrunkKind.REHEARSAL,
                channels=50,
                cps=5000,
                caller_ids=["74950000000"],
            )
        )
        session.add(Trunk(id=2, nodes=[node], name="t2", channels=4, cps=5000, allowed_prefixes=["7900"]))

    database.write(work)
