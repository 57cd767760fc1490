"""A base from file to contacts, on SQLite and MariaDB."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from campaigns import base_loading, bases
from campaigns.errors import CampaignError
from campaigns.models import Attempt, Campaign, Contact, ContactBase, RejectedRow
from campaigns.states import BaseState, CampaignState
from config.app import create_base_app
from config.database import read, utcnow, write
from config.extensions import celery

DATA = Path(__file__).parents[2] / "data"

EXPECTED = {
    "debts_cp1251.csv": (
        168,
        160,
        [
            (12, "number_missing"),
            (13, "number_damaged"),
            (14, "emergency_blocked"),
            (92, "number_ambiguous"),
            (93, "number_missing"),
            (94, "number_too_short"),
            (168, "duplicate_in_campaign"),
            (169, "duplicate_in_campaign"),
        ],
    ),
    "us_utf8_bom.csv": (60, 60, []),
    "billing.xlsx": (100, 100, []),
    "numbers_only.txt": (100, 100, []),
}


def base_of(base_id: int) -> ContactBase:
    with read() as session:
        return session.get_one(ContactBase, base_id)


def contacts_of(base_id: int) -> list[Contact]:
    with read() as session:
        return list(session.scalars(select(Contact).where(Contact.base_id == base_id).order_by(Contact.line)))


def count(model) -> int:
    with read() as session:
        return session.scalar(select(func.count()).select_from(model))


def picture(campaign_id: int) -> tuple[list[object], list[object], list[object]]:
    """Everything a load leaves, without ids and times: two loads with the same end result have equal ones."""
    with read() as session:
        contacts = session.scalars(select(Contact).where(Contact.campaign_id == campaign_id)).all()
        rejected = session.scalars(select(RejectedRow)).all()
        loaded = session.scalars(select(ContactBase).order_by(ContactBase.id)).all()
        return (
            sorted((c.base_id, c.line, c.number, json.dumps(c.fields), c.due_at is not None) for c in contacts),
            sorted((r.base_id, r.line, r.code, r.value, r.detail) for r in rejected),
            [(b.id, b.state, b.rows, b.accepted, b.rejected, b.duplicates, b.layout) for b in loaded],
        )


def write_list(path: Path, rows: int, start: int = 0) -> Path:
    with path.open("w") as handle:
        handle.write("Телефон;ФИО\n")
        for index in range(start, start + rows):
            handle.write(f"+79005{index:06d};Иванов {index}\n" if index % 10 else ";Безномерный\n")
    return path


@pytest.mark.parametrize("name", EXPECTED)
def test_every_data_file_loads_right_without_being_told_anything(campaign, name):
    rows, accepted, rejected = EXPECTED[name]
    base_id = bases.add(campaign, DATA / name, name, "from billing", by="anna")
    assert base_of(base_id).state == BaseState.WAITING
    bases.load_waiting(campaign)
    base = base_of(base_id)
    assert (base.state, base.rows, base.accepted, base.progress) == (BaseState.READY, rows, accepted, 1.0)
    assert base.rows == base.accepted + base.rejected + base.duplicates
    assert base.duplicates == sum(code == "duplicate_in_campaign" for _line, code in rejected)
    assert [(row.line, row.code) for row in bases.rejected_rows(base_id)] == rejected
    contacts = contacts_of(base_id)
    assert len(contacts) == accepted
    assert all(contact.due_at is not None and contact.state == "pending" for contact in contacts)
    assert "phase" not in base.layout
    assert base.loaded_at is not None


def test_columns_zones_and_account_numbers_arrive(campaign):
    us = bases.add(campaign, DATA / "us_utf8_bom.csv", "us.csv")
    billing = bases.add(campaign, DATA / "billing.xlsx", "b.xlsx")
    bases.load_waiting(campaign)
    first = contacts_of(us)[0]
    assert first.number == "12025550100"
    assert first.timezone == "America/New_York"
    assert first.fields["Note"] == "first line\nsecond line"
    assert contacts_of(us)[11].fields["Note"] == '=HYPERLINK("http://x","y")'
    account = contacts_of(billing)[0]
    assert account.line == 4
    assert account.fields == {"Лицевой счёт": "00200", "Номер": "79005550200", "К оплате": "1189.82"}


def test_duplicates_name_the_row_that_was_kept(campaign, tmp_path):
    first = bases.add(campaign, DATA / "debts_cp1251.csv", "debts.csv")
    second = tmp_path / "second.csv"
    second.write_text("89005550001\n89005559999\n+79005559999\n")
    second_id = bases.add(campaign, second, "second.csv")
    bases.load_waiting(campaign)
    base = base_of(second_id)
    assert (base.rows, base.accepted, base.rejected, base.duplicates) == (3, 1, 0, 2)
    views = bases.rejected_rows(second_id)
    assert [view.sentence for view in views] == [
        "This number stands already in line 3 of debts.csv; it is called once.",
        "This number stands already in line 2 of second.csv; it is called once.",
    ]
    assert views[0].words == {"line": 3, "filename": "debts.csv", "base": first}


def test_the_same_file_again_is_recognised(campaign, sent):
    first = bases.add(campaign, DATA / "numbers_only.txt", "numbers.txt")
    with pytest.raises(CampaignError) as caught:
        bases.add(campaign, DATA / "numbers_only.txt", "renamed.txt")
    assert caught.value.code == "base_already_loaded"
    assert caught.value.words == {"base": first, "filename": "numbers.txt"}
    again = bases.add(campaign, DATA / "numbers_only.txt", "renamed.txt", again=True)
    bases.load_waiting(campaign)
    assert base_of(again).duplicates == 100
    assert sent == [("campaigns.load_bases", [campaign], "jobs")] * 2


def test_a_refused_file_leaves_nothing(app, campaign, tmp_path):
    pdf = tmp_path / "list.csv"
    pdf.write_bytes(b"%PDF-1.7 rubbish")
    with pytest.raises(CampaignError, match="PDF"):
        bases.add(campaign, pdf, "list.csv")
    with pytest.raises(CampaignError) as caught:
        bases.add(campaign + 1, DATA / "numbers_only.txt", "numbers.txt")
    assert caught.value.code == "campaign_unknown"
    assert count(ContactBase) == 0
    uploads = app.config["OBZVON"].uploads
    assert not uploads.exists() or not list(uploads.iterdir())


def test_a_broker_that_is_away_loses_nothing(campaign, monkeypatch):
    def away(*_args, **_words):
        raise ConnectionError("no broker")

    monkeypatch.setattr(celery, "send_task", away)
    base_id = bases.add(campaign, DATA / "numbers_only.txt", "numbers.txt")
    assert bases.sweep_dead_loads() == []
    age(base_id, created=True)
    assert bases.sweep_dead_loads() == [campaign]


def age(base_id: int, created: bool = False) -> None:
    """Let the heartbeat (or the upload) of a base lie a minute back."""
    past = utcnow() - dt.timedelta(minutes=1)
    values = {"created_at": past} if created else {"heartbeat_at": past}
    write(lambda session: session.execute(update(ContactBase).where(ContactBase.id == base_id).values(**values)))


def test_a_file_that_turns_out_bad_half_way_leaves_no_contacts(campaign, tmp_path):
    path = write_list(tmp_path / "list.csv", 3000)
    with path.open("a") as handle:
        handle.write('+79005990000;"Ромашка\n+79005990001;Иванов\n+79005990002;"Лютик\n')
    base_id = bases.add(campaign, path, "list.csv")
    bases.load_waiting(campaign)
    base = base_of(base_id)
    assert (base.state, base.error_code) == (BaseState.FAILED, "quote_not_closed")
    assert str(bases.failure(base)).startswith("The quotation mark opened at line 3002 is closed only at line 3004")
    assert (count(Contact), count(RejectedRow)) == (0, 0)
    assert (base.rows, base.accepted) == (0, 0)


def test_cancel_leaves_nothing_behind(app, campaign, tmp_path, monkeypatch):
    base_id = bases.add(campaign, write_list(tmp_path / "list.csv", 9000), "list.csv")
    store = base_loading._store

    def store_then_cancel(hold, batch, progress):
        store(hold, batch, progress)
        if hold.accepted and not base_of(base_id).cancel_requested:
            bases.cancel(base_id)

    monkeypatch.setattr(base_loading, "_store", store_then_cancel)
    bases.load_waiting(campaign)
    base = base_of(base_id)
    assert (base.state, base.rows, base.accepted, base.rejected) == (BaseState.CANCELLED, 0, 0, 0)
    assert (count(Contact), count(RejectedRow)) == (0, 0)
    assert not list(app.config["OBZVON"].uploads.iterdir())
    bases.cancel(base_id)  # again: nothing happens


def test_cancel_of_a_waiting_base(campaign):
    base_id = bases.add(campaign, DATA / "numbers_only.txt", "numbers.txt")
    bases.cancel(base_id)
    bases.load_waiting(campaign)
    assert base_of(base_id).state == BaseState.CANCELLED
    ready = bases.add(campaign, DATA / "numbers_only.txt", "numbers.txt")
    bases.load_waiting(campaign)
    with pytest.raises(CampaignError) as caught:
        bases.cancel(ready)
    assert caught.value.code == "base_already_ready"


def test_nobody_is_due_before_the_whole_base_is_in(campaign, tmp_path, monkeypatch):
    """A loader that dies between any two transactions leaves contacts that are either all not due or never wiped."""
    base_id = bases.add(campaign, write_list(tmp_path / "list.csv", 9000), "list.csv")
    step, seen = base_loading._step, []

    def watched(hold, *args, **values):
        step(hold, *args, **values)
        with read() as session:
            due = session.scalar(select(func.count()).select_from(Contact).where(Contact.due_at.is_not(None)))
        phase = base_of(base_id).layout.get("phase")
        seen.append((phase, due))
        assert due == 0 or phase in ("publish", None)

    monkeypatch.setattr(base_loading, "_step", watched)
    bases.load_waiting(campaign)
    assert seen[-1] == (None, 8100)


@pytest.mark.parametrize("steps", [0, 1, 3, 5, 6, 7, 8])
def test_a_load_that_died_is_finished_with_the_same_result(campaign, tmp_path, monkeypatch, steps):
    """Dies after so many transactions; loading, publishing and the end are all hit."""
    monkeypatch.setattr(base_loading, "CHUNK", 3000)
    path = write_list(tmp_path / "list.csv", 9000)
    path2 = write_list(tmp_path / "list2.csv", 100, start=8950)
    base_id = bases.add(campaign, path, "list.csv")
    second = bases.add(campaign, path2, "list2.csv")

    class Died(BaseException):
        pass

    step, done = base_loading._step, []

    def dying(hold, *args, **values):
        if len(done) == steps:
            raise Died
        step(hold, *args, **values)
        done.append(1)

    with monkeypatch.context() as patch:
        patch.setattr(base_loading, "_step", dying)
        with pytest.raises(Died):
            bases.load_waiting(campaign)
    bases.load_waiting(campaign)  # another message, too early: the heartbeat is fresh
    assert base_of(base_id).state == BaseState.LOADING
    assert base_of(second).state == BaseState.WAITING
    assert bases.sweep_dead_loads() == []
    age(base_id)
    assert bases.sweep_dead_loads() == [campaign]
    bases.load_waiting(campaign)
    contacts, rejected, loaded = picture(campaign)
    assert [(b[1], b[2], b[3], b[4], b[5]) for b in loaded] == [
        ("ready", 9000, 8100, 900, 0),
        ("ready", 100, 45, 10, 45),
    ]
    assert len(contacts) == 8145
    assert all(contact[4] for contact in contacts)
    assert len(rejected) == 955


def test_a_frozen_loader_changes_nothing_after_another_took_over(campaign, tmp_path, monkeypatch):
    base_id = bases.add(campaign, write_list(tmp_path / "list.csv", 9000), "list.csv")
    store, frozen = base_loading._store, []

    def store_with_a_freeze(hold, batch, progress):
        if not frozen:
            frozen.append(1)
            age(base_id)
            bases.load_waiting(campaign)  # the other loader, from beginning to end
        store(hold, batch, progress)

    monkeypatch.setattr(base_loading, "_store", store_with_a_freeze)
    bases.load_waiting(campaign)
    base = base_of(base_id)
    assert (base.state, base.accepted, count(Contact)) == (BaseState.READY, 8100, 8100)


def test_a_file_that_kills_the_process_every_time_is_given_up(campaign, monkeypatch):
    base_id = bases.add(campaign, DATA / "numbers_only.txt", "numbers.txt")

    def dies(*_args):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(base_loading, "_copy", dies)
        for _ in range(base_loading.MAX_STARTS):
            with pytest.raises(SystemExit):
                bases.load_waiting(campaign)
            age(base_id)
    bases.load_waiting(campaign)
    base = base_of(base_id)
    assert (base.state, base.error_code) == (BaseState.FAILED, "load_failed")


def load_in_process(settings, campaign_id):
    with create_base_app(settings).app_context():
        bases.load_waiting(campaign_id)


def test_kill_9_half_way(app, campaign, tmp_path):
    base_id = bases.add(campaign, write_list(tmp_path / "list.csv", 60_000), "list.csv")
    process = multiprocessing.get_context("spawn").Process(
        target=load_in_process, args=(app.config["OBZVON"], campaign)
    )
    process.start()
    deadline = time.monotonic() + 60
    while base_of(base_id).accepted < 6000 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    half = base_of(base_id)
    assert half.state == BaseState.LOADING
    assert 0 < half.accepted < 54_000
    age(base_id)
    for again in bases.sweep_dead_loads():
        bases.load_waiting(again)
    base = base_of(base_id)
    assert (base.state, base.rows, base.accepted, base.rejected) == (BaseState.READY, 60_000, 54_000, 6_000)
    assert (count(Contact), count(RejectedRow)) == (54_000, 6_000)


def test_delete(app, campaign, sent):
    base_id = bases.add(campaign, DATA / "debts_cp1251.csv", "debts.csv")
    bases.load_waiting(campaign)
    set_state(campaign, CampaignState.RUNNING)
    with pytest.raises(CampaignError) as caught:
        bases.delete(base_id)
    assert caught.value.code == "campaign_is_running"
    set_state(campaign, CampaignState.PAUSED)
    bases.delete(base_id)
    assert (count(Contact), count(RejectedRow), count(ContactBase)) == (0, 0, 0)
    assert not list(app.config["OBZVON"].uploads.iterdir())
    with pytest.raises(CampaignError) as caught:
        bases.delete(base_id)
    assert caught.value.code == "base_unknown"


def set_state(campaign_id: int, state: CampaignState) -> None:
    write(lambda session: session.execute(update(Campaign).where(Campaign.id == campaign_id).values(state=state)))


def call_once(campaign_id: int, contact_id: int) -> None:
    """An attempt of this contact, with the trunk and node that it needs."""
    from dialer.models import Node, Trunk

    def work(session):
        node = Node(name="main", channels=10, cps=1.0)
        session.add(node)
        session.flush()
        trunk = Trunk(name="t", nodes=[node])
        session.add(trunk)
        session.flush()
        session.add(
            Attempt(
                uid=f"{contact_id:020d}",
                campaign_id=campaign_id,
                contact_id=contact_id,
                number_of_attempt=1,
                trunk_id=trunk.id,
                node_id=node.id,
                boot="b",
                claimed_at=utcnow(),
            )
        )

    write(work)


def test_a_base_with_calls_stays(campaign):
    base_id = bases.add(campaign, DATA / "numbers_only.txt", "numbers.txt")
    bases.load_waiting(campaign)
    call_once(campaign, contacts_of(base_id)[0].id)
    with pytest.raises(CampaignError) as caught:
        bases.delete(base_id)
    assert caught.value.code == "base_has_attempts"
    assert count(Contact) == 100


def test_a_contact_called_while_its_base_is_deleted_stays(campaign, monkeypatch):
    base_id = bases.add(campaign, DATA / "numbers_only.txt", "numbers.txt")
    bases.load_waiting(campaign)
    contact = contacts_of(base_id)[5]
    remove = base_loading._remove_rows

    def call_first(hold, **words):
        call_once(campaign, contact.id)
        remove(hold, **words)

    monkeypatch.setattr(base_loading, "_remove_rows", call_first)
    bases.delete(base_id)
    base = base_of(base_id)
    assert (base.state, base.accepted) == (BaseState.READY, 1)
    assert [left.id for left in contacts_of(base_id)] == [contact.id]


def test_unknown_zones_are_counted_not_rejected(campaign, tmp_path):
    path = tmp_path / "zones.csv"
    path.write_text("Phone,Time zone\n+79005550000,Asia/Omsk\n+79005550001,Mars/Base\n+79005550002,\n")
    base_id = bases.add(campaign, path, "zones.csv")
    bases.load_waiting(campaign)
    assert [contact.timezone for contact in contacts_of(base_id)] == ["Asia/Omsk", None, None]
    assert base_of(base_id).layout["notes"] == {"zone_unknown": 1}


def test_preview_shows_what_would_be_loaded(app):
    shown = bases.preview(DATA / "debts_cp1251.csv", "../../debts.csv")
    assert (shown.filename, shown.layout.encoding, shown.layout.delimiter) == ("debts.csv", "cp1251", ";")
    assert (shown.checked, shown.fit) == (168, 162)
    missing = shown.rows[10]
    assert (missing.line, missing.number, missing.code) == (12, "", "number_missing")
    assert missing.sentence == "The row has no phone number."


def test_a_choice_is_kept_and_obeyed(campaign, tmp_path):
    path = tmp_path / "two.csv"
    path.write_text("Phone;Phone 2\n+79005550000;+79005550001\n")
    choice = bases.LayoutChoice(phone_column=1)
    base_id = bases.add(campaign, path, "two.csv", choice=choice)
    bases.load_waiting(campaign)
    assert [contact.number for contact in contacts_of(base_id)] == ["79005550001"]


def test_many_loaders_of_one_campaign_do_the_work_once(app, campaign, tmp_path):
    ids = [bases.add(campaign, write_list(tmp_path / f"{n}.csv", 2500 + n, start=n), f"{n}.csv") for n in range(3)]

    def load() -> None:
        with app.app_context():
            bases.load_waiting(campaign)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    loaded = [base_of(base_id) for base_id in ids]
    assert [(base.state, base.rows) for base in loaded] == [("ready", 2500), ("ready", 2501), ("ready", 2502)]
    assert loaded[0].duplicates == 0
    assert count(Contact) == sum(base.accepted for base in loaded)
    assert sum(base.rejected + base.duplicates for base in loaded) == count(RejectedRow)


def test_publishing_cannot_be_cancelled_and_goes_on_after_a_crash(campaign, tmp_path, monkeypatch):
    """Contacts may be in a call by then; one whose call is up is not made due a second time."""
    monkeypatch.setattr(base_loading, "CHUNK", 1000)
    base_id = bases.add(campaign, write_list(tmp_path / "list.csv", 3000), "list.csv")
    bound, chunks = base_loading._bound, []

    def dies_at_the_third_chunk(model, base, after):
        if base_of(base_id).layout.get("phase") == "publish":
            chunks.append(after)
            if len(chunks) == 3:
                raise SystemExit
        return bound(model, base, after)

    with monkeypatch.context() as patch:
        patch.setattr(base_loading, "_bound", dies_at_the_third_chunk)
        with pytest.raises(SystemExit):
            bases.load_waiting(campaign)
    with pytest.raises(CampaignError) as caught:
        bases.cancel(base_id)
    assert caught.value.code == "base_already_ready"
    in_call = contacts_of(base_id)[0].id
    write(lambda session: session.execute(update(Contact).where(Contact.id == in_call).values(due_at=None)))
    age(base_id)
    bases.load_waiting(campaign)
    assert base_of(base_id).state == BaseState.READY
    assert [contact.id for contact in contacts_of(base_id) if contact.due_at is None] == [in_call]


def test_large_bases_are_deleted_by_the_job(campaign, sent, monkeypatch):
    monkeypatch.setattr(bases, "DELETE_AT_ONCE", 10)
    base_id = bases.add(campaign, DATA / "numbers_only.txt", "numbers.txt")
    bases.load_waiting(campaign)
    sent.clear()
    bases.delete(base_id)
    assert (base_of(base_id).layout["phase"], count(Contact)) == ("delete", 100)
    assert sent == [("campaigns.load_bases", [campaign], "jobs")]
    bases.delete(base_id)  # a second click
    assert bases.sweep_dead_loads() == [campaign]
    bases.load_waiting(campaign)
    assert (count(ContactBase), count(Contact)) == (0, 0)


def test_files_without_a_base_are_swept(app, campaign):
    base_id = bases.add(campaign, DATA / "numbers_only.txt", "numbers.txt")
    uploads = app.config["OBZVON"].uploads
    orphan, fresh = uploads / "0.list", uploads / "1.list"
    for path in (orphan, fresh, uploads / base_of(base_id).path):
        path.touch()
        os.utime(path, (time.time() - 7200, time.time() - (0 if path == fresh else 7200)))
    assert bases.sweep_files() == 1
    assert sorted(path.name for path in uploads.iterdir()) == sorted(["1.list", base_of(base_id).path])


def test_uploads_are_private_and_under_names_of_ours(app, campaign):
    base_id = bases.add(campaign, DATA / "numbers_only.txt", "..\\..\\etc/pass\nwd.txt", comment="a\0b")
    base = base_of(base_id)
    assert (base.filename, base.comment) == ("passwd.txt", "a b")
    stored = app.config["OBZVON"].uploads / base.path
    assert stored.stat().st_mode & 0o777 == 0o600


def test_files_over_the_limit_are_refused(app, campaign, tmp_path, monkeypatch):
    monkeypatch.setattr(app.config["OBZVON"], "max_upload_mb", 1)
    with pytest.raises(CampaignError) as caught:
        bases.add(campaign, write_list(tmp_path / "list.csv", 50_000), "list.csv")
    assert caught.value.code == "file_too_large"


def test_an_upload_that_another_request_took_is_told(app, campaign, tmp_path):
    with pytest.raises(CampaignError) as caught:
        bases.add(campaign, tmp_path / "gone", "list.csv")
    assert caught.value.code == "upload_gone"


def test_a_refused_file_leaves_no_copy(app, campaign, tmp_path):
    (tmp_path / "list.csv").write_bytes(b"%PDF-1.7")
    with pytest.raises(CampaignError):
        bases.add(campaign, tmp_path / "list.csv", "list.csv")
    assert list(app.config["OBZVON"].uploads.glob("*.list")) == []
