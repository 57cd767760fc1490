"""Imports and reports leave a process of the jobs worker to whoever prepares contacts, and nobody is forgotten."""

from contextlib import nullcontext

import pytest

from campaigns import bases, exports, jobs
from campaigns.models import Campaign, ContactBase
from campaigns.states import BaseState, ExportState
from config import database
from config.extensions import celery


@pytest.fixture
def sent(monkeypatch):
    messages = []
    monkeypatch.setattr(celery, "send_task", lambda name, args, **_: messages.append((name, *args)))
    return messages


@pytest.fixture
def may(monkeypatch):
    """Whether a long job finds a turn."""
    return lambda yes: monkeypatch.setattr(jobs.turns, "turn", lambda *_: nullcontext(yes))


def made(session):
    found = [Campaign(name=name, windows={}) for name in ("A", "B")]
    session.add_all(found)
    session.flush()
    return [campaign.id for campaign in found]


@pytest.fixture
def two(app, sent, tmp_path):
    """Campaigns, each with a base that waits."""
    found = database.write(made)
    for campaign_id in found:
        path = tmp_path / f"{campaign_id}.csv"
        path.write_text(f"phone\n7900555000{campaign_id}\n")
        bases.add(campaign_id, path, path.name)
    sent.clear()
    return found


def states():
    with database.read() as session:
        return {base.campaign_id: base.state for base in session.query(ContactBase)}


def test_who_finds_no_turn_is_sent_for_by_the_next_that_ends(two, sent, may):
    first, second = two
    report = exports.request(first)
    sent.clear()
    may(False)
    jobs.load_bases(first)
    jobs.write_export(report)
    assert states() == {first: BaseState.WAITING, second: BaseState.WAITING}
    assert [one for one in sent if one[0] != "campaigns.prepare"] == []
    may(True)
    jobs.load_bases(second)
    assert states() == {first: BaseState.WAITING, second: BaseState.READY}
    wanted = [("campaigns.load_bases", first), ("campaigns.write_export", report)]
    assert [one for one in sent if one[0] != "campaigns.prepare"] == wanted
    jobs.load_bases(second)  # its message came twice
    assert [one for one in sent if one[0] != "campaigns.prepare"] == wanted
    jobs.write_export(report)
    assert exports.get(report).state == ExportState.READY
