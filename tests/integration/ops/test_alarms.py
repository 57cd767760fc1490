"""Alarms in the database: raised once, told once an hour, ended, evaluated by one at a time."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from config import database
from config.database import utcnow
from ops import alarms, delivery, look, signs, store, watch
from ops.delivery import DeliveryForm
from ops.errors import OpsError
from ops.facts import DiskFact, Facts
from ops.models import Alarm, AlarmNotice, SignOfLife

FULL = (DiskFact("home", "/x", 1000, 1),)
ROOM = (DiskFact("home", "/x", 1000, 900),)


@pytest.fixture
def told(app, settings):
    """A webhook is set up; call it for the notices as (kind, alarm's code)."""
    form = DeliveryForm(webhook_on=True, webhook_url="https://203.0.113.9/", webhook_secret="s" * 16)
    delivery.save(form.model_copy(update={"allowed_hosts": ["203.0.113.9"]}), "boss")

    def notices():
        with database.read() as session:
            query = select(AlarmNotice.kind, Alarm.code).join(Alarm, Alarm.id == AlarmNotice.alarm_id)
            return [tuple(row) for row in session.execute(query.order_by(AlarmNotice.id))]

    return notices


def at(seconds, disks):
    return Facts(now=utcnow() + dt.timedelta(seconds=seconds), disks=disks)


def test_an_alarm_from_its_beginning_to_its_end(told):
    alarms.apply(at(0, FULL))
    alarms.apply(at(15, FULL))
    assert [row.code for row in alarms.standing()] == ["disk_full"]
    assert told() == [("raised", "disk_full")]
    alarms.apply(at(30, ROOM))
    assert [row.code for row in alarms.standing()] == ["disk_full"]  # not over yet
    alarms.apply(at(95, ROOM))
    assert alarms.standing() == []
    assert told() == [("raised", "disk_full"), ("cleared", "disk_full")]
    assert [row.code for row in alarms.recent()] == ["disk_full"]


def test_one_that_comes_and_goes_is_told_once_an_hour(told):
    alarms.apply(at(0, FULL))
    alarms.apply(at(10, ROOM))
    alarms.apply(at(80, ROOM))
    alarms.apply(at(100, FULL))
    assert len(alarms.standing()) == 1
    assert told() == [("raised", "disk_full"), ("cleared", "disk_full")]  # nobody hears of the second one at once
    alarms.apply(at(3590, FULL))
    assert len(told()) == 2
    alarms.apply(at(3610, FULL))
    assert told()[2:] == [("raised", "disk_full")]


def test_acknowledged_is_not_told_again(told):
    alarms.apply(at(0, FULL))
    number = alarms.standing()[0].id
    alarms.acknowledge(number, "boss")
    alarms.apply(at(7200, FULL))
    assert len(told()) == 1
    assert alarms.standing()[0].acknowledged_by == "boss"
    with pytest.raises(OpsError, match="no such alarm"):
        alarms.acknowledge(number + 1, "boss")


def test_what_did_not_last_leaves_nothing(told):
    away = replace(at(0, ROOM), broker=replace(Facts(now=utcnow()).broker, reachable=False))
    alarms.apply(away)
    alarms.apply(at(10, ROOM))
    with database.read() as session:
        assert session.scalars(select(Alarm)).all() == []


def test_evaluators_at_the_same_moment_make_one_alarm(app, told):
    facts = at(0, FULL)

    def work(_):
        with app.app_context():
            try:
                alarms.apply(facts)
            except Exception as exc:  # told below
                return exc

    with ThreadPoolExecutor(4) as pool:
        errors = [found for found in pool.map(work, range(8)) if found]
    assert len(alarms.standing()) == 1
    assert told() == [("raised", "disk_full")]
    assert errors == []


def test_the_turn_is_taken_by_one(app):
    with ThreadPoolExecutor(4) as pool:

        def work(number):
            with app.app_context():
                return store.take_turn(alarms.TURN, str(number))

        assert sum(pool.map(work, range(8))) == 1


def test_a_clock_that_went_back_does_not_stop_the_evaluation(app):
    future = utcnow() + dt.timedelta(hours=1)
    row = {"name": store.EVALUATOR, "role": store.EVALUATOR, "host": "", "pid": 0, "version": "", "facts": {}}
    database.write(lambda session: session.add(SignOfLife(**row, seen_at=future)))
    assert store.take_turn(alarms.TURN, "x")
    assert not store.take_turn(alarms.TURN, "y")


def test_a_real_evaluation_and_the_watchman(app, settings, redis_broker):
    """The web process evaluates only when nobody else does."""
    long_ago = utcnow() - dt.timedelta(minutes=5)
    assert watch.look(settings, began=utcnow()) is False  # just started: the workers may come yet
    assert watch.look(settings, began=long_ago) is True
    assert watch.look(settings, began=long_ago) is False
    facts = look.gather(settings)
    assert facts.broker.reachable
    assert facts.broker.lengths == {"jobs": 0}
    assert facts.disks[0].total > 0
    assert facts.folders
    assert {folder.error for folder in facts.folders} == {""}
    assert facts.database_bytes > 1000


def test_a_folder_that_cannot_be_written_is_seen(app, settings):
    settings.sounds.rmdir()
    settings.sounds.write_text("a file in the place of the folder")
    errors = {folder.subject: folder.error for folder in look.folders(settings)}
    assert errors["sounds"]
    assert errors["uploads"] == ""


def test_a_sign_of_life_is_one_row(app):
    for number in range(3):
        signs.put("dial.main", "dial", {"journal": number})
    with database.read() as session:
        (row,) = signs.read_all(session)
    assert row.facts == {"journal": 2}
