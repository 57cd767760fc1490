"""A dial worker that cannot dial any more does not live on as if it could: it ends, and is started again."""

import contextlib
import threading

import pytest

from campaigns import dial_worker
from campaigns.dial_worker import DIED, LOST_NODE, DialWorker


class EndedError(Exception):
    """In place of the process's end."""


@pytest.fixture
def ends(monkeypatch):
    codes = []

    def end(code):
        codes.append(code)
        raise EndedError

    monkeypatch.setattr(dial_worker.os, "_exit", end)
    return codes


def die_in_thread(name, monkeypatch):
    """A thread of that name ends by an exception, in a dial worker that has begun."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # set back afterwards
    monkeypatch.setattr(dial_worker, "node_id_of", lambda _name: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        DialWorker(type("Settings", (), {"node_name": "main"})(), contextlib.nullcontext).start(lambda: None)
    hook, seen = threading.excepthook, []

    def caught(fault):
        seen.append(fault.exc_type)
        with contextlib.suppress(EndedError):
            hook(fault)

    monkeypatch.setattr(threading, "excepthook", caught)
    thread = threading.Thread(target=lambda: [][0], name=name)
    thread.start()
    thread.join(20)
    assert seen == [IndexError]


@pytest.mark.parametrize("name", ["dial-loop", "lease", "gateway-ami", "gateway-recorder", "prefetch", "trunks"])
def test_it_ends_with_a_thread_that_it_needs(name, ends, monkeypatch):
    die_in_thread(name, monkeypatch)
    assert ends == [DIED]


def test_it_goes_on_without_one_that_only_asks(ends, monkeypatch):
    die_in_thread("ask-jobs", monkeypatch)
    assert ends == []


def test_who_lost_its_node_ends_whatever_happens_on_the_way(ends, monkeypatch):
    worker = DialWorker(None, contextlib.nullcontext)
    monkeypatch.setattr(worker, "_end_loop", lambda: 1 / 0)
    with pytest.raises(EndedError):
        worker._lost()
    assert ends == [LOST_NODE]
