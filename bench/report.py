"""How long the Excel report of a large campaign takes, and how much memory: ``python -m bench.report [contacts]``.

Fills a database in a temporary folder with contacts and one and a half times as many attempts, writes the report in a
process of its own, and prints one JSON line. ``DATABASE_URL`` chooses another (empty) database.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert

import dialer.models
from campaigns import reports
from campaigns.models import Attempt, Campaign, Contact, ContactBase
from config import database
from config.app import create_base_app
from config.extensions import db
from config.settings import Settings

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
CHUNK = 10_000


def settings(home: Path) -> Settings:
    return Settings(home=home, database_url=os.environ.get("DATABASE_URL", ""), _env_file=None)  # type: ignore[call-arg]


def fill(count: int) -> None:
    """One campaign, one base, ``count`` contacts with eight columns, 1.5 attempts each."""
    db.create_all()
    with database.write_intent(), db.engine.begin() as connection:
        connection.execute(insert(dialer.models.Node).values(id=1, name="main", channels=1, cps=1))
        connection.execute(insert(dialer.models.Trunk).values(id=1, name="t"))
        connection.execute(insert(Campaign).values(id=1, name="bench", windows={}, state="finished"))
        connection.execute(
            insert(ContactBase).values(
                id=1, campaign_id=1, filename="b.csv", path="b", sha256="0" * 64, state="ready", rows=count
            )
        )
        for start in range(0, count, CHUNK):
            ids = range(start + 1, min(start + CHUNK, count) + 1)
            connection.execute(insert(Contact), [_contact(n) for n in ids])
            connection.execute(insert(Attempt), [_attempt(n, 1) for n in ids])
            connection.execute(insert(Attempt), [_attempt(n, 2) for n in ids if n % 2])


def _contact(n: int) -> dict[str, object]:
    fields = {
        "Лицевой счёт": f"{n:08d}",
        "Телефон": f"+7900{n:07d}",
        "ФИО": "Иванова Мария Сергеевна",
        "Сумма": f"{n * 37 % 100000},{n % 100:02d}",
        "Оплатить до": "14.12.2026",
        "Адрес": f"ул. Ленина, д. {n % 200}, кв. {n % 90}",
        "Район": "Центральный",
        "Примечание": "",
    }
    state = ("reached", "not_reached", "pending")[n % 3]
    values = {"id": n, "campaign_id": 1, "base_id": 1, "line": n + 1, "number": f"7900{n:07d}", "fields": fields}
    return values | {"state": state, "attempts": 1 + n % 2, "last_disposition": "reached" if n % 3 == 0 else "busy"}


def _attempt(n: int, number: int) -> dict[str, object]:
    at = NOON + dt.timedelta(milliseconds=40 * n + 900_000 * (number - 1))
    ids = {"uid": f"{number}{n:019d}", "campaign_id": 1, "contact_id": n, "trunk_id": 1, "node_id": 1, "boot": "b"}
    times = {"claimed_at": at, "answered_at": at + dt.timedelta(seconds=3), "ended_at": at + dt.timedelta(seconds=9)}
    return ids | times | {"number_of_attempt": number, "disposition": "reached", "listened_s": 6.1, "sip_code": 200}


def peak_mib() -> int:
    """Most memory this process has had. getrusage would count the parent's at the moment of the fork."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024


def write(home: Path) -> None:
    """The measured part, in its own process."""
    with create_base_app(settings(home)).app_context():
        before_mib = peak_mib()
        began, cpu = time.monotonic(), time.process_time()
        reports.write_workbook(1, home / "report.xlsx", zone="Europe/Moscow")
        figures = {
            "seconds": round(time.monotonic() - began, 1),
            "cpu_s": round(time.process_time() - cpu, 1),
            "peak_mib": peak_mib(),
            "before_mib": before_mib,
            "file_mib": round((home / "report.xlsx").stat().st_size / 2**20, 1),
        }
    print(json.dumps(figures))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as folder:
        with create_base_app(settings(Path(folder))).app_context():
            fill(count)
            db.engine.dispose()
        command = [sys.executable, "-m", "bench.report", "--write", folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    print(json.dumps({"contacts": count, "attempts": count + (count + 1) // 2} | json.loads(done.stdout)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write(Path(sys.argv[2]))
    else:
        main()
