"""The live line: what it sends, when, and that it ends."""

from __future__ import annotations

import re
import socket
import threading
import time

import pytest

from campaigns import service
from campaigns.models import Campaign, Contact
from config import database
from dialer.models import Node, Trunk
from tests.integration.web.conftest import sign_in
from web import live


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Streams of their own, which end with the test."""
    monkeypatch.setattr(live, "streams", live.Streams())
    monkeypatch.setattr(live, "stopping", threading.Event())
    monkeypatch.setattr(live, "HEARTBEAT_S", 1.0)


def chunks(response, until: str, timeout_s: float = 10) -> str:
    """Read the stream until it has said this."""
    text, deadline = "", time.monotonic() + timeout_s
    for chunk in response.iter_encoded():
        text += chunk.decode()
        if until in text or time.monotonic() > deadline:
            break
    assert until in text
    return text


def test_numbers_come_at_once_and_again_when_they_change(app, manager, loaded):
    number, _base = loaded
    response = manager.client.get(f"/campaigns/{number}/live")
    assert response.mimetype == "text/event-stream"
    first = chunks(response, "event: bases")
    assert "event: state" in first
    assert 'data-number="contacts" data-value="2"' in first
    assert live.streams.count == 1

    def reach(session):
        session.query(Contact).first().state = "reached"

    with app.app_context():
        database.write(reach)
    second = chunks(response, 'data-number="reached" data-value="1"')
    assert "event: state" not in second, "what did not change is not sent again"
    chunks(response, ": still here")
    response.close()
    assert live.streams.count == 0


def test_calls_of_others_do_not_look_like_a_finished_campaigns(app, manager, connected, loaded):
    number, _base = loaded

    def change(state):
        def work(session):
            session.get(Campaign, number).state = state
            session.query(Node).one().talking = 5

        with app.app_context():
            database.write(work)
        live.board.forget(number)
        return manager.get(f"/campaigns/{number}/parts/numbers").text

    assert "all campaigns on this exchange: 0 ring, 5 listen" in change("running")
    assert "5 listen" not in change("finished")


def test_it_ends_when_the_server_stops_and_when_the_campaign_is_gone(app, manager, loaded):
    number, _base = loaded
    response = manager.client.get(f"/campaigns/{number}/live")
    chunks(response, "event: bases")
    with app.app_context():
        service.delete(number)
    chunks(response, "event: gone")
    response.close()
    assert manager.get(f"/campaigns/{number}/live").status_code == 404

    live.stopping.set()
    with app.app_context():
        other = service.create(service.CampaignForm(name="other"))
    response = manager.client.get(f"/campaigns/{other}/live")
    began = time.monotonic()
    assert list(response.iter_encoded()) == [b"retry: 3000\n\n"]
    response.close()
    assert time.monotonic() - began < 1


def test_a_running_campaign_that_cannot_call_says_why(app, manager, connected, loaded):
    number, _base = loaded

    def break_everything(session):
        campaign = session.get(Campaign, number)
        campaign.caller_id, campaign.sound = "79160000000", "gone"
        campaign.windows = {"weekly": [], "exceptions": []}
        session.get(Trunk, campaign.trunk_id).enabled = False
        session.query(Node).one().connected = False
        session.query(Contact).update({"state": "reached"})

    def shown():
        live.board.forget(number)
        page = manager.get(f"/campaigns/{number}/parts/state").text
        return page, set(re.findall(r'data-code="(\w+)"', page))

    with app.app_context():
        service.start(number)
        assert shown()[1] == set()
        database.write(break_everything)
    page, codes = shown()
    assert "Waiting:" in page
    elsewhere = {"trunk_not_chosen", "sound_missing", "nodes_draining", "ami_rights_too_many", "ami_rights_too_few"}
    assert codes == live.WAITS_FOR - elsewhere, "not that nobody is left to call"


def test_no_more_streams_than_threads_to_spare(app, manager, campaign_id):
    app.config["OBZVON"].web_threads = 5
    first = manager.client.get(f"/campaigns/{campaign_id}/live")
    assert first.status_code == 200
    assert manager.get(f"/campaigns/{campaign_id}/live").status_code == 503
    assert 'id="numbers"' in manager.get(f"/campaigns/{campaign_id}/parts/numbers").text
    first.close()


def test_a_stream_speaks_its_readers_language(app, campaign_id):
    anna = sign_in(app, "anna")
    anna.post("/locale", {"locale": "ru"})
    response = anna.client.get(f"/campaigns/{campaign_id}/live")
    assert "Черновик" in chunks(response, "event: numbers")
    response.close()


def test_one_computation_serves_all_readers():
    made: list[int] = []
    now = [100.0]

    def make(number: int):
        made.append(number)
        now[0] += 0.5  # counting takes half a second
        return object()

    board = live.Board(make, clock=lambda: now[0])
    first = board.snapshot(1)
    assert board.snapshot(1) is first
    now[0] += 1.9
    assert board.snapshot(1) is first, "four times as long as counting took"
    now[0] += 0.2
    assert board.snapshot(1) is not first
    board.forget(1)
    board.snapshot(1)
    assert made == [1, 1, 1]


def test_a_reader_who_left_is_noticed_without_writing():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not live.reader_left(ours)
        theirs.send(b"x")
        assert not live.reader_left(ours)
        ours.recv(1)
        theirs.close()
        assert live.reader_left(ours)
    assert live.reader_left(ours), "closed on our side"
    assert not live.reader_left(None)
