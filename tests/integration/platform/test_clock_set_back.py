"""A clock that is set back by an hour: what died then, or was lost, does not wait until it is as late again."""

import datetime as dt

import pytest

from campaigns import base_loading, bases, exports, preparing
from campaigns.models import Campaign, ContactBase, Export, Preparation
from campaigns.states import BaseState, ExportState
from config import database
from config.database import utcnow
from ops import alarms, store, watch
from ops.models import SignOfLife


@pytest.fixture
def future():
    """A time that was written before the clock was set back."""
    return utcnow() + dt.timedelta(hours=1)


def add(*rows):
    def work(session):
        session.add_all(rows)
        session.flush()
        return rows[-1].id

    return database.write(work)


@pytest.fixture
def campaign(app):
    return add(Campaign(name="Debts", windows={}))


@pytest.mark.parametrize("lost", ["loader", "message"])
def test_a_base_is_loaded(campaign, future, lost):
    names = {"filename": "a.csv", "path": "a.list", "sha256": ""}
    written = {"created_at": future} if lost == "message" else {"state": BaseState.LOADING, "heartbeat_at": future}
    add(ContactBase(campaign_id=campaign, layout={}, **names, **written))
    assert bases.sweep_dead_loads() == [campaign]
    assert base_loading.claim(campaign, bases._settings().uploads) is not None


def test_the_heartbeat_of_a_loader_goes_back_with_the_clock(campaign, future):
    """Otherwise its death would not be seen for an hour."""
    add(ContactBase(campaign_id=campaign, layout={}, filename="a.csv", path="a.list", sha256=""))
    hold = base_loading.claim(campaign, bases._settings().uploads)
    hold.beat = future
    assert abs(hold.renewed() - utcnow()) < dt.timedelta(seconds=base_loading.DEAD_AFTER_S)
    hold.beat = utcnow()
    assert hold.renewed() > hold.beat


def test_contacts_are_prepared(campaign, future):
    row = Preparation(campaign_id=campaign, holder="dead", beat_at=future)
    assert not preparing.is_held(row, utcnow())
    row.beat_at = utcnow() + dt.timedelta(seconds=2)  # another host's clock is a little ahead
    assert preparing.is_held(row, utcnow())


@pytest.mark.parametrize("lost", ["run", "message"])
def test_a_report_is_written(campaign, future, lost, monkeypatch):
    state = {"state": ExportState.WORKING, "heartbeat_at": future} if lost == "run" else {}
    words = {"filename": "a.xlsx", "locale": "en", "zone": "UTC", "created_by": "", "sent_at": future}
    export_id = add(Export(campaign_id=campaign, **words, **state))
    sent = []
    monkeypatch.setattr(exports, "_send", sent.append)
    exports.sweep()
    assert sent == [export_id]
    exports.run(export_id)
    assert exports.get(export_id).state == ExportState.READY


def test_somebody_looks_for_alarms(app, future, monkeypatch):
    """The web process, when beat is away and the last evaluation was before the clock was set back."""
    row = {"name": store.EVALUATOR, "role": store.EVALUATOR, "host": "", "pid": 0, "version": "", "facts": {}}
    database.write(lambda session: session.add(SignOfLife(**row, seen_at=future)))
    looked = []
    monkeypatch.setattr(alarms, "evaluate", looked.append)
    watch.look(app.config["OBZVON"], began=utcnow())
    assert looked
