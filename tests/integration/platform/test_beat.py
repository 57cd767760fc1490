"""Beat does not fill the broker while a worker is away, on Redis and RabbitMQ; two beats are as good as one."""

import datetime as dt

import pytest
from celery import Celery
from celery.beat import ScheduleEntry

from config import messages
from config.app import configure_celery
from config.beat import ENOUGH, Scheduler, waiting
from config.extensions import celery
from config.settings import Settings
from tests.support.servers import wait_until


@pytest.fixture(params=["redis", "rabbitmq"])
def broker(request, tmp_path):
    """A broker to which Celery speaks; afterwards it knows none."""
    url = request.getfixturevalue(f"{request.param}_url")
    configure_celery(Settings(home=tmp_path / "home", broker_url=url, _env_file=None))
    celery._after_fork()
    yield url
    with celery.connection_for_write() as connection:
        connection.default_channel.queue_delete("slow")
    celery.conf.broker_url = "memory://"
    celery._after_fork()


def a_beat():
    beat = Scheduler(celery, lazy=True)
    entry = ScheduleEntry(
        "sweep", task="campaigns.sweep", schedule=celery.conf.beat_schedule or 10, options={"queue": "slow"}, app=celery
    )
    return lambda: beat.apply_entry(entry)


def test_nothing_piles_up(broker):
    first, second = a_beat(), a_beat()
    assert waiting("slow") == 0
    for sent in range(1, 2 * ENOUGH + 1):
        (first if sent % 2 else second)()
        # RabbitMQ counts a message a moment after it was sent.
        wait_until(lambda sent=sent: waiting("slow") >= min(sent, ENOUGH), 20, "the message is in its queue")
    assert waiting("slow") == ENOUGH
    messages.send("campaigns.sweep", queue="slow")  # what people ask for is sent all the same
    wait_until(lambda: waiting("slow") == ENOUGH + 1, 20, "the message is in its queue")


def test_a_broker_that_is_away_stops_nobody(tmp_path):
    configure_celery(Settings(home=tmp_path, broker_url="redis://127.0.0.1:1/0", _env_file=None))
    celery._after_fork()
    a_beat()()
    celery.conf.broker_url = "memory://"
    celery._after_fork()


def test_a_clock_that_went_back_does_not_silence_it(monkeypatch):
    """By itself Celery would send nothing for the hour by which the clock was set back."""
    now, sent = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC), []
    monkeypatch.setattr(Celery, "now", lambda _self: now)
    entries = {name: {"task": name, "schedule": every} for name, every in (("sweep", 10.0), ("evaluate", 15.0))}
    beat = Scheduler(Celery(broker="memory://"), schedule={})
    beat.update_from_dict(entries)
    monkeypatch.setattr(beat, "apply_entry", lambda entry, producer: sent.append(entry.name))

    def within(seconds):
        nonlocal now
        sent.clear()
        for _ in range(seconds):
            now += dt.timedelta(seconds=1)
            beat.tick()
            beat.tick()
        return set(sent)

    assert within(20) == {"sweep", "evaluate"}
    now -= dt.timedelta(hours=1)
    assert within(20) == {"sweep", "evaluate"}
