"""Reports as files: however often, late or never a message comes, one run writes, and what is old goes."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import update

from campaigns import exports, jobs, reports
from campaigns.errors import CampaignError
from campaigns.models import Campaign, Export
from config import audit, database
from config.database import utcnow
from config.extensions import celery
from tests.integration.reports import sample


@pytest.fixture
def sent(app: object, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids whose job message was sent."""
    ids: list[int] = []
    monkeypatch.setattr(celery, "send_task", lambda name, args, **_: ids.extend(args))
    return ids


def change(export_id: int, **values: Any) -> None:
    database.write(lambda session: session.execute(update(Export).where(Export.id == export_id).values(**values)))


def files() -> list[str]:
    return sorted(path.name for path in exports.folder().iterdir()) if exports.folder().exists() else []


def test_from_request_to_file(sent: list[int]) -> None:
    """Asked for, written, fetched; run again any number of times it stays the same file."""
    export_id = exports.request(sample.whole(), locale="en", by="ann@example.invalid")
    assert sent == [export_id]
    with pytest.raises(CampaignError) as caught:
        exports.file_of(export_id)
    assert caught.value.code == "export_not_ready"
    exports.run(export_id)
    path, filename = exports.file_of(export_id)
    assert filename.startswith("Долги = ноябрь 20")
    assert path.parent == exports.folder()
    first = path.read_bytes()
    for _ in range(4):
        exports.run(export_id)
    assert path.read_bytes() == first
    assert files() == [path.name]
    export = exports.get(export_id)
    assert (export.state, export.progress, export.size, export.runs) == ("ready", 1.0, len(first), 1)
    assert export.zone == "Europe/Moscow"
    openpyxl.load_workbook(path).close()
    exports.remove(export_id)
    assert files() == []


def test_refusals(sent: list[int]) -> None:
    campaign_id = sample.campaign()
    for arguments, code in (
        ({"campaign_id": 99}, "campaign_missing"),
        ({"campaign_id": campaign_id, "zone": "Mars/X"}, "report_zone_unknown"),
    ):
        with pytest.raises(CampaignError) as caught:
            exports.request(**arguments)
        assert caught.value.code == code
    for ask in (exports.get, exports.file_of, exports.cancel):
        with pytest.raises(CampaignError) as caught:
            ask(99)
        assert (caught.value.code, caught.value.status) == ("export_missing", 404)
    exports.run(99)
    assert sent == []


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("../../etc/passwd", "etc passwd 20"),
        ('a"b\r\nX: y;c', "a b X y c 20"),
        ("...", "campaign 20"),
        ("я" * 100, "я"),
    ],
)
def test_file_name_is_harmless(sent: list[int], name: str, start: str) -> None:
    export = exports.get(exports.request(sample.campaign(name)))
    assert export.filename.startswith(start)
    assert not set(export.filename) & set('/\\"\r\n:;')
    assert len(export.filename) < 100


def test_cancel_before_and_while_it_is_written(sent: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = sample.whole()
    waiting, working, done = (exports.request(campaign_id) for _ in range(3))
    exports.cancel(waiting)
    exports.run(waiting)
    assert exports.get(waiting).state == "cancelled"
    monkeypatch.setattr(exports, "BEAT_S", 0.0)
    step = reports._Report.step

    def cancel_at_once(report: Any, rows: int) -> None:
        exports.cancel(working)
        step(report, rows)

    with monkeypatch.context() as patch:
        patch.setattr(reports._Report, "step", cancel_at_once)
        exports.run(working)
    assert exports.get(working).state == "cancelled"
    assert files() == []
    exports.run(done)
    exports.cancel(done)
    assert exports.get(done).state == "ready"


def test_second_run_does_nothing_while_the_first_lives(sent: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The message comes twice at the same time: the second finds a fresh heartbeat."""
    export_id = exports.request(sample.whole())
    step = reports._Report.step

    def deliver_again(report: Any, rows: int) -> None:
        exports.run(export_id)
        step(report, rows)

    monkeypatch.setattr(reports._Report, "step", deliver_again)
    exports.run(export_id)
    assert (exports.get(export_id).state, exports.get(export_id).runs) == ("ready", 1)
    assert len(files()) == 1


def test_dead_run_is_replaced_and_a_late_one_yields(sent: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A run freezes for long, another takes over and finishes, the first wakes up: one file, one outcome."""
    export_id = exports.request(sample.whole())
    write = reports.write_workbook
    monkeypatch.setattr(exports, "BEAT_S", 0.0)

    def freeze(*args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(reports, "write_workbook", write)
        change(export_id, heartbeat_at=utcnow() - dt.timedelta(minutes=5))
        exports.run(export_id)
        write(*args, **kwargs)

    monkeypatch.setattr(reports, "write_workbook", freeze)
    exports.run(export_id)
    export = exports.get(export_id)
    assert (export.state, export.runs) == ("ready", 2)
    assert [f"exports/{name}" for name in files()] == [export.path]


def test_report_that_kills_its_worker_is_given_up(sent: list[int]) -> None:
    export_id = exports.request(sample.campaign())
    change(export_id, state="working", runs=exports.MOST_RUNS, heartbeat_at=utcnow() - dt.timedelta(minutes=5))
    exports.run(export_id)
    assert (exports.get(export_id).state, exports.get(export_id).error_code) == ("failed", "export_failed")


@pytest.mark.parametrize(
    ("fault", "code"),
    [(OSError(28, "No space left on device"), "export_disk"), (ZeroDivisionError(), "export_failed")],
)
def test_faults_end_as_failed_with_a_code(
    sent: list[int], monkeypatch: pytest.MonkeyPatch, fault: Exception, code: str
) -> None:
    export_id = exports.request(sample.campaign())

    def fail(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr(reports, "write_workbook", fail)
    exports.run(export_id)
    assert (exports.get(export_id).state, exports.get(export_id).error_code) == ("failed", code)
    assert files() == []


def test_campaign_deleted_meanwhile(sent: list[int]) -> None:
    campaign_id = sample.campaign()
    export_id = exports.request(campaign_id)
    database.write(lambda session: session.delete(session.get(Campaign, campaign_id)))
    exports.run(export_id)
    assert exports.get(export_id).error_code == "campaign_missing"
    exports.sweep()
    with pytest.raises(CampaignError):
        exports.get(export_id)


def test_broker_away(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is kept; the sweep sends it when the broker is back, and not more than once a minute."""

    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(celery, "send_task", refuse)
    export_id = exports.request(sample.campaign())
    assert exports.get(export_id).state == "waiting"
    sent: list[int] = []
    monkeypatch.setattr(celery, "send_task", lambda name, args, **_: sent.extend(args))
    exports.sweep()
    assert sent == []
    change(export_id, sent_at=utcnow() - dt.timedelta(minutes=2))
    exports.sweep()
    exports.sweep()
    assert sent == [export_id]


def test_sweep_deletes_what_is_old(sent: list[int]) -> None:
    """Rows over a week with their files, and files that no row knows once they are a day old."""
    campaign_id = sample.whole()
    old, new = exports.request(campaign_id), exports.request(campaign_id)
    exports.run(old)
    exports.run(new)
    change(old, created_at=utcnow() - dt.timedelta(days=8))
    stray, young, left = (exports.folder() / name for name in ("9-x.xlsx", "8-x.xlsx", ".writing-x"))
    stray.write_bytes(b"x")
    young.write_bytes(b"x")
    left.mkdir()
    (left / "part").write_bytes(b"x")
    for path in (stray, left):
        os.utime(path, (0, 0))
    exports.sweep()
    assert files() == sorted([Path(exports.get(new).path).name, young.name])
    assert [export.id for export in exports.of_campaign(campaign_id)] == [new]


def test_file_removed_by_hand(sent: list[int]) -> None:
    export_id = exports.request(sample.campaign())
    exports.run(export_id)
    path, _ = exports.file_of(export_id)
    Path(path).unlink()
    with pytest.raises(CampaignError) as caught:
        exports.file_of(export_id)
    assert caught.value.code == "export_missing"


def test_a_file_that_cannot_be_looked_at_keeps_nothing_else_from_being_swept(
    sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.folder().mkdir(parents=True)
    (exports.folder() / "lost.xlsx").symlink_to("nowhere")
    swept: list[str] = []
    monkeypatch.setattr(audit, "watch", lambda: swept.append("audit"))
    with pytest.raises(FileNotFoundError):  # it is told all the same, and the task counts as failed
        jobs.sweep()
    assert swept == ["audit"]
