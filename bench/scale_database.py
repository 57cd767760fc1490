"""What one database carries for several nodes: ``DATABASE_URL=mysql+pymysql://… python -m bench.scale_database``.

No telephony: processes that each stand for a node claim and record as a dial worker does, ten calls at a time, on an
empty database that this script fills. Once each node has a campaign and a trunk of its own, once all share one. Prints
one JSON line with calls per second.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from campaigns import outcomes, store
from campaigns.models import Campaign, Contact, ContactBase
from campaigns.states import BaseState, CampaignState
from campaigns.windows import CallingWindows
from config import database
from config.app import create_base_app
from config.extensions import db
from config.settings import Settings
from dialer.calls import CallOutcome, CallResult
from dialer.models import Node, Trunk

SECONDS = 6.0
#: Calls of one claim and outcomes of one commit, as under load.
TOGETHER = 10
CONTACTS = 40_000


def application(home: str) -> Any:
    """An application on the database of the environment."""
    return create_base_app(Settings(_env_file=None, home=Path(home), database_url=os.environ["DATABASE_URL"]))


def fill(nodes: int, *, shared: bool) -> None:
    """Nodes with a campaign and a trunk each, or one campaign on one trunk for all."""
    db.drop_all()
    db.create_all()

    def work(session: database.Session) -> None:
        rows = [
            Node(name=f"n{i}", channels=5000, cps=5000, connected=True, seen_at=database.utcnow()) for i in range(nodes)
        ]
        for i in range(1 if shared else nodes):
            trunk = Trunk(name=f"t{i}", channels=5000, cps=5000, nodes=rows if shared else [rows[i]])
            session.add(trunk)
            session.flush()
            campaign = Campaign(
                name="bench",
                state=CampaignState.RUNNING,
                trunk_id=trunk.id,
                windows=CallingWindows.always().to_json(),
                sound="s",
                channel_limit=5000,
                attempts=1,
            )
            session.add(campaign)
            session.flush()
            base = ContactBase(campaign_id=campaign.id, filename="b", path="b", sha256="0", state=BaseState.READY)
            session.add(base)
            session.flush()
            ids = {"campaign_id": campaign.id, "base_id": base.id, "due_at": database.utcnow()}
            session.execute(insert(Contact), [{**ids, "line": n, "number": f"7900{n:07d}"} for n in range(CONTACTS)])

    database.write(work)


def node(home: str, node_id: int, campaign_id: int, begin: Any, told: Any) -> None:
    """Claim and record until the time is over; tells how many calls."""
    with application(home).app_context():
        capacity = store.Capacity(node_id, "b", lambda _cps: TOGETHER)
        begin.wait()
        until, calls = time.monotonic() + SECONDS, 0
        while time.monotonic() < until:
            claim = database.write(lambda session: store.claim(session, campaign_id, capacity, database.utcnow))
            ended = [CallResult(r.uid, CallOutcome.BUSY, ended_at=database.utcnow()) for r in claim.requests]
            database.write(lambda session, results=ended: outcomes.record(session, results, database.utcnow()))
            calls += len(ended)
        told.put(calls)


def measure(home: str, nodes: int, *, shared: bool) -> float:
    """Calls per second of all nodes together."""
    with application(home).app_context():
        fill(nodes, shared=shared)
        db.engine.dispose()
    context = multiprocessing.get_context("spawn")
    begin, told = context.Barrier(nodes), context.Queue()
    processes = [
        context.Process(target=node, args=(home, i + 1, 1 if shared else i + 1, begin, told)) for i in range(nodes)
    ]
    for process in processes:
        process.start()
    calls = sum(told.get(timeout=120) for _ in processes)
    for process in processes:
        process.join()
    return calls / SECONDS


def main() -> int:
    """Measure and print."""
    if "DATABASE_URL" not in os.environ:
        print("Give DATABASE_URL: an empty MariaDB database that this script may fill.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as home:
        apart = {nodes: round(measure(home, nodes, shared=False), 1) for nodes in (1, 2, 4)}
        shared = {nodes: round(measure(home, nodes, shared=True), 1) for nodes in (2, 4)}
    print(json.dumps({"benchmark": "scale_database", "together": TOGETHER, "calls_s": apart, "one_campaign": shared}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
