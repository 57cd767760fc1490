"""The Celery tasks of this package: ids in, a few lines each, safe to run any number of times."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from celery import shared_task
from flask import current_app

from campaigns import bases, exports, piece_store, preparing, removal, sounds, store, turns
from campaigns.dial_loop import DialLoop
from config import audit, database, messages
from dialer import rehearsal_files

log = structlog.get_logger(__name__)

#: Set by the dial worker's bootstep; None in every other process.
loop: DialLoop | None = None


def send_dial(campaign_id: int, node: str) -> None:
    """Ask a node to claim for this campaign."""
    messages.send("campaigns.dial", [campaign_id], queue=f"dial.{node}", expires=30)


def wake(campaign_id: int) -> None:
    """Send the wake to every node that can call for this campaign; the others look by themselves when they can."""
    with database.read() as session:
        nodes = store.nodes_of(session, campaign_id, database.utcnow())
    for node in nodes:
        send_dial(campaign_id, node)


def send_prepare(campaign_id: int) -> None:
    """Have contacts prepared; nothing happens where nothing is to be prepared."""
    messages.send("campaigns.prepare", [campaign_id], queue="jobs", expires=60)


@shared_task(name="campaigns.dial")
def dial(campaign_id: int) -> None:
    """Claim and place what this campaign may call now."""
    if loop is not None:
        loop.dial(campaign_id)


@shared_task(name="campaigns.load_bases")
def load_bases(campaign_id: int) -> None:
    """Load the waiting bases of a campaign, one after another."""
    _in_turn(lambda: bases.load_waiting(campaign_id))
    send_prepare(campaign_id)


@shared_task(name="campaigns.prepare")
def prepare(campaign_id: int) -> None:
    """Make the sound of contacts for some seconds; then again, behind what waits."""
    if preparing.run(campaign_id, wake):
        send_prepare(campaign_id)


@shared_task(name="campaigns.write_export")
def write_export(export_id: int) -> None:
    """Write a report's Excel file."""
    _in_turn(lambda: exports.run(export_id))


def _in_turn(work: Callable[[], bool]) -> None:
    """A long job, unless as many are at work as may be: then whoever ends first, or the sweep, sends for it again.

    Only who did something sends: messages that came too late would beget others without end.
    """
    settings = current_app.config["OBZVON"]
    with turns.turn(settings.run, settings.jobs_workers) as ours:
        done = ours and work()
    if done:
        bases.send_waiting()
        exports.send_waiting()


@shared_task(name="campaigns.sweep")
def sweep() -> None:
    """Send again what was lost on the way: dead imports, unfinished removals, forgotten exports.

    One step's fault, such as a file that cannot be removed, must not keep the others from being done, at each sweep.
    """
    fault: Exception | None = None
    for step in (
        _send_dead_loads,
        removal.end_trials,
        _send_removals,
        _send_preparing,
        exports.sweep,
        bases.sweep_files,
        lambda: sounds.sweep(piece_store.needed),
        preparing.sweep,
        bases.sweep_old_uploads,
        lambda: rehearsal_files.sweep(current_app.config["OBZVON"]),
        audit.watch,
    ):
        try:
            step()
        except Exception as exc:
            log.exception("part_of_sweep_failed")
            fault = exc
    if fault is not None:
        raise fault


def _send_dead_loads() -> None:
    for campaign_id in bases.sweep_dead_loads():
        bases.send_load(campaign_id)


def _send_removals() -> None:
    for campaign_id in removal.deleting():
        messages.send("campaigns.remove", [campaign_id], queue="jobs", expires=20)


def _send_preparing() -> None:
    for campaign_id in preparing.waiting():
        send_prepare(campaign_id)


@shared_task(name="campaigns.remove")
def remove(campaign_id: int) -> None:
    """Delete a campaign's rows in small transactions."""
    removal.remove(campaign_id)
