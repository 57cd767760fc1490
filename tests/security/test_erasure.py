"""Personal data: forgotten on request, deleted after its time. On both databases."""

from __future__ import annotations

import datetime as dt
import os

import pytest
from sqlalchemy import insert, select, update

from campaigns import bases, erasure, exports, service
from campaigns.errors import CampaignError
from campaigns.models import Attempt, Contact, ContactBase, RejectedRow
from campaigns.states import ContactState
from config import audit, database
from config.database import utcnow
from config.extensions import db
from dialer.models import Node, Trunk
from tests.integration.conftest import tables_url  # noqa: F401 - fixture: SQLite and MariaDB
from web import cli

NUMBER, OTHER = "79005550000", "79005550001"


@pytest.fixture
def known(app, loaded) -> tuple[int, int]:
    """A person who was called, repeated in the list, recorded, and stands in a report."""
    campaign, base = loaded
    settings = app.config["OBZVON"]
    settings.carrier_recordings.mkdir(parents=True)
    with app.app_context():
        _attempt(campaign, "a" * 20, ended=True)
        exports.run(exports.request(campaign))
    (settings.carrier_recordings / f"{'a' * 20}.wav").write_bytes(b"RIFF")
    (settings.carrier_recordings / f"seat-{'a' * 20}.wav").write_bytes(b"RIFF")
    (settings.carrier_recordings / f"{'b' * 20}.wav").write_bytes(b"RIFF")
    return campaign, base


def _attempt(campaign: int, uid: str, *, ended: bool) -> None:
    def work(session) -> None:
        contact = session.scalars(select(Contact).where(Contact.number == NUMBER)).one()
        trunk, node = session.scalars(select(Trunk)).first(), session.scalars(select(Node)).first()
        session.add(
            Attempt(
                **{"uid": uid, "campaign_id": campaign, "contact_id": contact.id, "number_of_attempt": 1},
                **{"trunk_id": trunk.id, "node_id": node.id, "boot": "b", "claimed_at": utcnow()},
                open_for_contact=None if ended else contact.id,
                disposition="reached" if ended else None,
            )
        )
        if ended:
            contact.state, contact.due_at, contact.attempts = ContactState.REACHED, None, 1

    database.write(work)


def test_nothing_of_the_number_is_left_and_the_statistics_stay(app, known):
    campaign, _base = known
    home = app.config["OBZVON"].home
    with app.app_context():
        before = service.counts([campaign])[campaign]
        erased = erasure.erase("+7 (900) 555-00-00")
        assert erased == erasure.Erased(contacts=1, rejected_rows=1, uploads=1, reports=1, recordings=2)
        assert service.counts([campaign])[campaign] == before
        with database.read() as session:
            rows = {table: session.execute(select(table)).all() for table in reversed(audit.db.metadata.sorted_tables)}
        assert NUMBER not in str(rows)
        assert NUMBER[1:] not in str(rows)
        assert "Иванов" not in str(rows)
        assert OTHER in str(rows), "other people stay"
        assert exports.of_campaign(campaign) == []
        entry = session_last()
        assert (entry.action, entry.object_id) == ("number_erased", "7900*****00")
        assert erasure.erase(NUMBER) == erasure.Erased(0, 0, 0, 0, 0)
    files = b"".join(path.read_bytes() for folder in ("uploads", "exports") for path in (home / folder).glob("*.*"))
    assert NUMBER.encode() not in files
    assert [path.stem for path in (home / "carrier/heard").iterdir()] == ["b" * 20]


def session_last() -> audit.AuditEntry:
    with database.read() as session:
        return session.scalars(select(audit.AuditEntry).order_by(audit.AuditEntry.number.desc())).first()


def test_whoever_was_to_be_called_never_is(app, loaded):
    campaign, _base = loaded
    with app.app_context():
        erasure.erase(NUMBER)
        with database.read() as session:
            first = session.scalars(select(Contact).where(Contact.campaign_id == campaign).order_by(Contact.id)).first()
    assert (first.state, first.due_at, first.fields) == (ContactState.NOT_REACHED, None, {})
    assert not first.number.isdigit()


def test_refused_while_a_call_is_up(app, loaded):
    campaign, _base = loaded
    with app.app_context():
        _attempt(campaign, "c" * 20, ended=False)
        with pytest.raises(CampaignError) as refused:
            erasure.erase(NUMBER)
        assert refused.value.code == "erase_call_up"
        with database.read() as session:
            assert session.scalars(select(Contact).where(Contact.number == NUMBER)).one().fields


def test_refused_while_a_base_is_loaded(app, loaded):
    """It would bring the number in again."""
    with app.app_context():
        database.write(lambda session: session.execute(update(ContactBase).values(state="waiting")))
        with pytest.raises(CampaignError) as refused:
            erasure.erase(NUMBER)
    assert refused.value.code == "erase_base_loading"


def test_rejected_rows_are_looked_through_while_others_write(app, known, monkeypatch):
    """A million of them takes ten seconds; nobody is dialled while SQLite's write lock is held."""
    _campaign, base = known
    look = erasure._rejected

    def meanwhile(session, digits, after=0):
        if after == 0:  # a base that was loaded since the look began
            with db.engine.connect() as other:
                if db.engine.dialect.name == "sqlite":
                    other.exec_driver_sql("PRAGMA busy_timeout = 0")
                row = {
                    "base_id": base,
                    "line": 99,
                    "code": "number_wrong",
                    "value": "8 (900) 555-00-00 x",
                    "detail": "",
                }
                other.execute(insert(RejectedRow).values(**row))
                other.commit()
        return look(session, digits, after)

    monkeypatch.setattr(erasure, "_rejected", meanwhile)
    with app.app_context():
        assert erasure.erase(NUMBER).rejected_rows == 2
        with database.read() as session:
            assert set(session.scalars(select(RejectedRow.value).where(RejectedRow.line == 99))) == {""}


def test_the_page_the_api_and_the_command(app, admin, manager, loaded, monkeypatch, capsys):
    from web import accounts, api_keys

    assert manager.post("/erase", {"number": NUMBER}).status_code == 403
    assert "Write the whole number" in admin.post("/erase", {"number": "112"}).text
    assert "Erased: contacts 1, rejected rows 1" in admin.post("/erase", {"number": NUMBER}).text
    with app.app_context():
        boss = next(item for item in accounts.all_accounts() if item.username == "boss")
        key = {"Authorization": f"Bearer {api_keys.create(boss, 'test')}"}
    answer = app.test_client().post("/api/v1/erasures", json={"number": OTHER}, headers=key)
    assert answer.json == {"contacts": 1, "rejected_rows": 0, "uploads": 0, "reports": 0, "recordings": 0}
    monkeypatch.setenv("OBZVON_HOME", str(app.config["OBZVON"].home))
    assert cli.main(["erase", f"+{OTHER}"]) == 0
    assert "Erased: contacts 0" in capsys.readouterr().out
    assert cli.main(["erase", "nonsense"]) == 1


def test_uploads_are_deleted_after_their_time(app, loaded):
    """The file as it was sent; contacts stay."""
    campaign, _base = loaded
    settings = app.config["OBZVON"]
    with app.app_context():
        assert bases.sweep_old_uploads() == 0
        old = utcnow() - dt.timedelta(days=settings.keep_uploads_days, minutes=1)
        database.write(lambda session: session.execute(update(ContactBase).values(created_at=old)))
        assert bases.sweep_old_uploads() == 1
        assert list(settings.uploads.glob("*.list")) == []
        assert service.counts([campaign])[campaign].contacts == 2
    assert os.listdir(settings.uploads) in ([], ["incoming"])
