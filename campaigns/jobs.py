"""The Celery tasks of this package: ids in, a few lines each, safe to run any number of times."""

from __future__ import annotations

import structlog
from celery import shared_task
from flask import current_app
from sqlalchemy import select

from campaigns import bases, exports, removal
from campaigns.dial_loop import DialLoop
from campaigns.models import Campaign
from config import audit, database, messages
from dialer import rehearsal_files
from dialer.models import Node, Trunk

log = structlog.get_logger(__name__)

#: Set by the dial worker's bootstep; None in every other process.
loop: DialLoop | None = None


def send_dial(campaign_id: int, node: str) -> None:
    """Ask a node to claim for this campaign."""
    messages.send("campaigns.dial", [campaign_id], queue=f"dial.{node}", expires=30)


def wake(campaign_id: int) -> None:
    """Send the wake to the node of the campaign's trunk."""
    with database.read() as session:
        query = select(Node.name).join(Trunk, Trunk.node_id == Node.id).join(Campaign, Campaign.trunk_id == Trunk.id)
        node = session.execute(query.where(Campaign.id == campaign_id)).scalar_one_or_none()
    if node is not None:
        send_dial(campaign_id, node)


@shared_task(name="campaigns.dial")
def dial(campaign_id: int) -> None:
    """Claim and place what this campaign may call now."""
    if loop is not None:
        loop.dial(campaign_id)


@shared_task(name="campaigns.tick")
def tick() -> None:
    """Claim for every running campaign of this node."""
    if loop is not None:
        loop.tick()


@shared_task(name="campaigns.load_bases")
def load_bases(campaign_id: int) -> None:
    """Load the waiting bases of a campaign, one after another."""
    bases.load_waiting(campaign_id)


@shared_task(name="campaigns.write_export")
def write_export(export_id: int) -> None:
    """Write a report's Excel file."""
    exports.run(export_id)


@shared_task(name="campaigns.sweep")
def sweep() -> None:
    """Send again what was lost on the way: dead imports, unfinished removals, forgotten exports."""
    for campaign_id in bases.sweep_dead_loads():
        messages.send("campaigns.load_bases", [campaign_id], queue="jobs")
    for campaign_id in removal.deleting():
        messages.send("campaigns.remove", [campaign_id], queue="jobs")
    exports.sweep()
    bases.sweep_files()
    bases.sweep_old_uploads()
    rehearsal_files.sweep(current_app.config["OBZVON"])
    audit.watch()


@shared_task(name="campaigns.remove")
def remove(campaign_id: int) -> None:
    """Delete a campaign's rows in small transactions."""
    removal.remove(campaign_id)
