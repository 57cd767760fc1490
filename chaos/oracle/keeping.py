"""Evidence put away in a folder, so that a run can be judged again when its servers are gone."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from chaos.oracle.evidence import ACKNOWLEDGED, DESCRIPTION, FAULTS, Evidence, write_acknowledged, write_faults
from chaos.oracle.tables import TABLES, read_rows

_DATABASE = "tables.sqlite3"


def keep(evidence: Evidence, folder: Path) -> None:
    """Copy the evidence into a folder: logs as they are, the tables as a SQLite file. ``read_folder`` reads it back."""
    folder.mkdir(parents=True, exist_ok=True)
    _copy_tables(evidence.database, folder / _DATABASE)
    write_faults(folder / FAULTS, evidence.faults)
    write_acknowledged(folder / ACKNOWLEDGED, evidence.acknowledged)
    told = {
        "database": _DATABASE,
        "carrier_logs": _copy(evidence.carrier_logs, folder, "carrier"),
        "event_logs": _copy(evidence.event_logs, folder, "dial"),
        "expected": {
            key: value if isinstance(value, int) else sorted(value) for key, value in evidence.expected.items()
        },
        "campaigns": None if evidence.campaigns is None else sorted(evidence.campaigns),
        "rehearsal": evidence.rehearsal,
        "longer_calls": evidence.longer_calls,
        "tolerance": asdict(evidence.tolerance),
    }
    (folder / DESCRIPTION).write_text(json.dumps(told, indent=1))


def _copy(logs: Iterable[Path], folder: Path, name: str) -> list[str]:
    copied = []
    for index, log in enumerate(logs):
        if log.exists():
            copied.append(f"{name}-{index}{log.suffix}")
            shutil.copyfile(log, folder / copied[-1])
    return copied


def _copy_tables(address: str, target: Path) -> None:
    """Values as they were read: SQLite keeps the type of each value, whatever the column is declared as."""
    rows = read_rows(address)
    target.unlink(missing_ok=True)
    engine = create_engine(f"sqlite:///{target}")
    try:
        with engine.begin() as connection:
            for name in TABLES:
                names = list(rows[name][0]) if rows[name] else ["id"]
                connection.exec_driver_sql(f"CREATE TABLE {name} ({', '.join(map(_quoted, names))})")
                if rows[name]:
                    holes = ", ".join("?" * len(names))
                    connection.exec_driver_sql(
                        f"INSERT INTO {name} VALUES ({holes})",
                        [tuple(_storable(value) for value in row.values()) for row in rows[name]],
                    )
    finally:
        engine.dispose()


def _quoted(name: str) -> str:
    return f'"{name}"'


def _storable(value: Any) -> Any:
    return value.isoformat(" ") if isinstance(value, dt.datetime) else value
