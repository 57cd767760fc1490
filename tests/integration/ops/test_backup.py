"""A backup is restored for real, on SQLite and on MariaDB, and what is not a whole backup changes nothing."""

import gzip
import io
import json
import shutil
import tarfile
import zlib

import pytest
from sqlalchemy import func, inspect, select, text

from campaigns.models import Attempt, Campaign, Contact
from config import database, secret_store
from config.app import create_base_app
from config.database import utcnow
from config.extensions import db
from config.settings import Settings
from dialer import trunks
from dialer.calls import CallOutcome, CallResult
from dialer.models import Node, Trunk
from dialer.trunks import TrunkForm
from ops import backup, backup_file, database_copy, restore, signs, store
from ops.errors import OpsError
from tests.integration.calling.rig import claim, ended, make
from web.first_start import migrate


@pytest.fixture
def settings(tmp_path, database_url):
    return Settings(home=tmp_path / "home", database_url=database_url, _env_file=None)


def opened(settings):
    """An application on this home."""
    for folder in (settings.run, settings.sounds, settings.uploads):
        folder.mkdir(parents=True, exist_ok=True)
    return create_base_app(settings)


@pytest.fixture
def app(settings):
    """A migrated home with a trunk that has a secret, a campaign in the middle of its calls, and files."""
    made = opened(settings)
    with made.app_context():
        migrate(made)

        def work(session):
            node = Node(id=1, name="main", channels=100, cps=100, connected=True, seen_at=utcnow())
            session.add(Trunk(id=1, nodes=[node], name="t1", kind="rehearsal", channels=50, cps=50))

        database.write(work)
        trunks.create(TrunkForm(title="Carrier", host="203.0.113.5", username="u", secret="pass-word-1"))
        (settings.sounds / "ab.wav").write_bytes(b"RIFF" * 1000)
        (settings.uploads / "1").mkdir()
        (settings.uploads / "1" / "base.csv").write_text("79005550000")
        (settings.home / "obzvon.env").write_text("OBZVON_LOG_LEVEL=INFO\n")
        campaign_id = make(contacts=6)
        claimed = claim(campaign_id).requests
        ended(claimed[:2], CallOutcome.ANSWERED, listened_s=9.5, answered_at=utcnow(), ended_at=utcnow())
        yield made
        db.session.remove()
        db.engine.dispose()


def rows():
    """Every row of every table that a restore must bring back as it was."""
    changed = {"ops_setting", "sign_of_life", "alarm", "alarm_notice", "alembic_version"}
    found = {}
    with db.engine.connect() as connection:
        for name in set(inspect(connection).get_table_names()) - changed:
            found[name] = sorted(str(tuple(row)) for row in connection.execute(text(f"SELECT * FROM {name}")))
    return found


def lose_everything(settings):
    """As after a fire: an empty home, and an empty database."""
    if db.engine.dialect.name != "sqlite":
        database_copy.drop_all(db.engine)
    db.engine.dispose()
    shutil.rmtree(settings.home)
    settings.home.mkdir()


@pytest.mark.parametrize("tool", [True, False], ids=["tool", "rows"])
def test_everything_comes_back_and_goes_on(app, settings, tmp_path, monkeypatch, tool, database_url):
    """Into an empty home: the same rows, files and secrets; the campaign is paused, open calls are of another life."""
    if not tool:
        monkeypatch.setattr(database_copy, "DUMP_TOOLS", ())
    before = rows()
    made = backup.make(settings, tmp_path / "b.tar.gz")
    assert made.path.stat().st_mode & 0o777 == 0o600
    secrets = secret_store.load(settings.home)
    lose_everything(settings)

    done = restore.restore(settings, made.path, migrate)
    assert (done.paused, done.open_attempts) == (1, 1)
    assert secret_store.load(settings.home) == secrets
    assert (settings.sounds / "ab.wav").read_bytes() == b"RIFF" * 1000
    assert (settings.uploads / "1" / "base.csv").read_text() == "79005550000"
    assert (settings.home / "obzvon.env").exists()

    again = opened(settings)
    with again.app_context():
        after = rows()
        campaign, attempts = before.pop("campaign"), before.pop("attempt")
        assert "running" in campaign[0]
        assert "'paused', 'restored'" in after.pop("campaign")[0]
        assert len(after.pop("attempt")) == len(attempts)
        assert after == before
        with database.read() as session:
            carrier = session.scalars(select(Trunk).where(Trunk.title == "Carrier")).one()
            assert secret_store.decrypt(settings.home, carrier.secret_encrypted) == "pass-word-1"
            restored = store.setting(session, "restored")
            lives = session.scalars(select(Attempt.boot).where(Attempt.open_for_contact > 0)).all()
        assert restored["backup_at"].startswith(f"{done.made_at:%Y-%m-%dT%H:%M}")
        assert lives == [restore.OTHER_BOOT]  # the settler makes them unknown: see docs/operations.md
        goes_on()
        db.engine.dispose()


def goes_on():
    """Resumed, it dials those who were not called yet, and nobody else."""
    with database.read() as session:
        called = set(session.scalars(select(Attempt.contact_id)))
        campaign_id = session.scalars(select(Campaign.id)).one()

    def resume(session):
        session.get(Campaign, campaign_id).state = "running"

    database.write(resume)
    ended(claim(campaign_id).requests, CallOutcome.ANSWERED, listened_s=9.5, ended_at=utcnow())
    with database.read() as session:
        newly = set(session.scalars(select(Attempt.contact_id).where(Attempt.contact_id.not_in(called))))
        assert newly
        assert session.scalar(select(func.count()).select_from(Contact)) == 6
        assert session.scalar(select(func.max(Attempt.number_of_attempt))) == 1


def test_what_was_there_is_kept(app, settings, tmp_path):
    """A restore over a home in use: its files and its database are moved aside, and can be restored again."""
    made = backup.make(settings, tmp_path / "b.tar.gz")
    make(contacts=3)
    (settings.sounds / "later.wav").write_bytes(b"x")
    later = rows()
    db.engine.dispose()
    done = restore.restore(settings, made.path, migrate)
    assert (done.aside / "sounds" / "later.wav").exists()
    assert not (settings.sounds / "later.wav").exists()
    again = opened(settings)
    with again.app_context():
        assert len(rows()["campaign"]) == 1
        db.engine.dispose()
    if "sqlite" in settings.database_url:
        shutil.copy(done.aside / "obzvon.sqlite3", settings.database_url.removeprefix("sqlite:///"))
    else:
        restore.restore(settings, done.aside / "database-before.tar.gz", migrate)
    with again.app_context():
        assert rows()["contact"] == later["contact"]
        db.engine.dispose()


def test_a_backup_of_an_older_schema_is_upgraded(app, settings, tmp_path):
    """It was made before the newest tables: they are there after the restore."""
    from flask_migrate import downgrade

    downgrade(directory=str(restore.MIGRATIONS), revision="0001")
    assert "alarm" not in database_copy.tables_of(db.engine)
    made = backup.make(settings, tmp_path / "old.tar.gz", note=False)
    lose_everything(settings)
    restore.restore(settings, made.path, migrate)
    with opened(settings).app_context():
        assert "alarm" in database_copy.tables_of(db.engine)
        assert len(rows()["contact"]) == 6
        db.engine.dispose()


def test_while_it_is_written_to_the_copy_is_of_one_moment(app, settings, tmp_path, monkeypatch):
    """Rows that are committed during the backup are in it completely or not at all."""
    import threading

    stop = threading.Event()

    def write_on():
        with app.app_context():
            while not stop.is_set():
                make(contacts=40)

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        made = backup.make(settings, tmp_path / "b.tar.gz", note=False)
    finally:
        stop.set()
        writer.join()
    lose_everything(settings)
    restore.restore(settings, made.path, migrate)
    with opened(settings).app_context():
        counts = "SELECT COUNT(*) FROM contact WHERE campaign_id = c.id"
        with db.engine.connect() as connection:
            sizes = set(connection.execute(text(f"SELECT ({counts}) FROM campaign c")).scalars())
        assert sizes <= {6, 40}
        db.engine.dispose()


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)  # a file belongs to one home, which is locked
def test_a_copy_that_works_elsewhere_on_the_database_stops_a_restore(app, settings, tmp_path):
    made = backup.make(settings, tmp_path / "b.tar.gz")
    signs.put("dial.main", "dial")
    with pytest.raises(OpsError) as refused:
        restore.restore(settings, made.path, migrate)
    assert refused.value.code == "restore_in_use"


def test_no_half_file_is_left_when_the_disk_is_full(app, settings, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup_file.Writer, "finish", full)
    with pytest.raises(OpsError) as refused:
        backup.make(settings, tmp_path / "out" / "b.tar.gz")
    assert refused.value.code == "backup_not_written"
    assert list((tmp_path / "out").iterdir()) == []
    assert [path.name for path in settings.run.iterdir() if path.name.startswith("backup-")] == []


def changed(path, name, edit):
    """The same archive with one member's bytes edited."""
    out = io.BytesIO()
    with tarfile.open(path) as old, tarfile.open(fileobj=out, mode="w:gz") as new:
        for member in old:
            content = old.extractfile(member).read()
            if member.name == name:
                content = edit(content)
                member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return out.getvalue()


def with_member(path, name, kind=tarfile.REGTYPE, target=""):
    """The same archive with one more member at its beginning."""
    out = io.BytesIO()
    with tarfile.open(path) as old, tarfile.open(fileobj=out, mode="w:gz") as new:
        extra = tarfile.TarInfo(name)
        extra.type, extra.linkname, extra.size = kind, target, 1 if kind == tarfile.REGTYPE else 0
        new.addfile(extra, io.BytesIO(b"x"))
        for member in old:
            new.addfile(member, old.extractfile(member))
    return out.getvalue()


def flipped(content):
    """With one bit changed, where it means something: a compressed stream has bits that nobody reads."""
    for place in range(300, len(content)):
        bad = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        try:
            gzip.decompress(bad)
        except (OSError, EOFError, zlib.error):
            return bad
    raise AssertionError("no bit matters")


def replaced(old, new):
    return lambda content: content.replace(old, new)


DAMAGED = {
    "cut in the middle": lambda path: path.read_bytes()[: path.stat().st_size // 2],
    "cut at its end": lambda path: path.read_bytes()[:-5],
    "empty": lambda path: b"",
    "not a backup": lambda path: gzip.compress(b"hello" * 100),
    "a flipped bit": lambda path: flipped(path.read_bytes()),
    "an altered message": lambda path: changed(path, "sounds/ab.wav", lambda old: b"X" + old[1:]),
    "an altered manifest": lambda path: changed(path, "manifest.json", replaced(b"sha256", b"sha255")),
    "no manifest": lambda path: changed(path, "manifest.json", lambda old: b""),
    "another format": lambda path: changed(path, "manifest.json", replaced(b'format": 1', b'format": 2')),
    "a file too many": lambda path: with_member(path, "sounds/extra.wav"),
    "a way out": lambda path: with_member(path, "sounds/../../../etc/evil"),
    "an absolute path": lambda path: with_member(path, "/etc/evil"),
    "a link": lambda path: with_member(path, "sounds/link.wav", tarfile.SYMTYPE, "/etc/passwd"),
    "a hard link": lambda path: with_member(path, "sounds/hard.wav", tarfile.LNKTYPE, "secrets.json"),
    "a device": lambda path: with_member(path, "sounds/dev", tarfile.CHRTYPE),
}  # fmt: skip


@pytest.mark.parametrize("damage", sorted(DAMAGED))
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_damaged_file_is_refused_and_nothing_changes(app, settings, tmp_path, damage):
    made = backup.make(settings, tmp_path / "b.tar.gz")
    bad = tmp_path / "bad.tar.gz"
    bad.write_bytes(DAMAGED[damage](made.path))
    before, files = rows(), sorted(str(path) for path in settings.home.rglob("*"))
    with pytest.raises(OpsError) as refused:
        restore.restore(settings, bad, migrate)
    assert refused.value.code == "backup_damaged"
    assert rows() == before
    assert sorted(str(path) for path in settings.home.rglob("*")) == files
    assert not (tmp_path / "etc").exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_newer_or_other_backup_is_refused(app, settings, tmp_path):
    made = backup.make(settings, tmp_path / "b.tar.gz")

    def altered(**values):
        def edit(old):
            return json.dumps({**json.loads(old), **values}).encode()

        path = tmp_path / f"{next(iter(values))}.tar.gz"
        path.write_bytes(changed(made.path, "manifest.json", edit))
        return path

    before = rows()
    for path, code in (
        (altered(schema="9999_future"), "backup_newer"),
        (altered(database={"kind": "mariadb", "how": "rows"}), "backup_other_database"),
        (tmp_path / "none.tar.gz", "backup_missing"),
    ):
        with pytest.raises(OpsError) as refused:
            restore.restore(settings, path, migrate)
        assert refused.value.code == code
    assert rows() == before


def test_open_calls_after_a_restore_end_as_unknown(app, settings, tmp_path):
    """With another boot than the PBX's the settler says unknown, so nobody is called again by itself."""
    made = backup.make(settings, tmp_path / "b.tar.gz")
    db.engine.dispose()
    restore.restore(settings, made.path, migrate)
    with database.read() as session:
        uid = session.scalars(select(Attempt.uid).where(Attempt.open_for_contact > 0)).one()
    from campaigns import outcomes

    database.write(lambda session: outcomes.record(session, [CallResult(uid, CallOutcome.UNKNOWN)], utcnow()))
    with database.read() as session:
        assert session.scalar(select(func.count()).where(Contact.state == "unknown")) == 1
