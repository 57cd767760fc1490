"""A node that never comes back: its open attempts end as unknown, by a person's decision."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from campaigns import jobs, outcomes, store
from config import audit, database
from config.i18n import N_
from dialer.calls import CallOutcome, CallResult
from dialer.errors import DialerError
from dialer.models import Node


def give_up(node_id: int) -> int:
    """Close the open attempts of a node that is gone for good; nobody of them is called again by itself (I6).

    The node takes no calls until it is taken back, and a dial worker of it that comes back has lost its lease.

    :returns: how many attempts were closed.
    :raises DialerError: node_missing; node_not_silent, as long as its dial worker gives signs of life.
    """

    def work(session: Session) -> tuple[int, set[int]]:
        now = database.utcnow()
        open_calls = store.open_calls(session, node_id)
        gone = [CallResult(call.uid, CallOutcome.UNKNOWN, detail="its node was given up") for call in open_calls]
        woken = outcomes.record(session, gone, now).campaign_ids
        node = session.get(Node, node_id, with_for_update=True)
        if node is None:
            raise DialerError("node_missing", N_("There is no such node."), status=404)
        if not node.is_silent(now):
            raise DialerError(
                "node_not_silent",
                N_("The dial worker of this node is alive and settles its calls by itself: drain the node instead."),
                status=409,
            )
        session.execute(
            update(Node)
            .where(Node.id == node_id)
            .values(
                draining=True,
                connected=False,
                ringing=0,
                talking=0,
                lease_owner="",
                lease_number=Node.lease_number + 1,
                lease_until=now,
            )
        )
        audit.append(session, "node_given_up", "node", node_id, name=node.name, calls=len(gone))
        return len(gone), woken

    closed, campaign_ids = database.write(work)
    for campaign_id in campaign_ids:
        jobs.wake(campaign_id)
    return closed
