"""Small SQL of this package: settings by name, and whose turn it is to evaluate."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from config import database
from config.database import utcnow
from ops.models import OpsSetting, SignOfLife

EVALUATOR = "evaluator"


def setting(session: Session, name: str) -> dict[str, Any]:
    """The value kept under this name, or an empty one."""
    row = session.get(OpsSetting, name)
    return dict(row.value or {}) if row is not None else {}


def put_setting(session: Session, name: str, value: dict[str, Any], by: str = "") -> None:
    """Keep a value under this name."""
    session.merge(OpsSetting(name=name, value=value, changed_at=utcnow(), changed_by=by))


def take_turn(every: dt.timedelta, who: str) -> bool:
    """Whether this caller may evaluate now: one of many, and not sooner than ``every`` after the last one."""

    def work(session: Session) -> bool:
        row = session.get(SignOfLife, EVALUATOR)
        now = utcnow()
        if row is None:
            session.add(SignOfLife(name=EVALUATOR, role=EVALUATOR, host=who[:100], pid=0, version="", seen_at=now))
            return True
        mine = (
            update(SignOfLife)
            # A turn far in the future was taken before the clock went back; a little ahead is another host's clock.
            .where(
                SignOfLife.name == EVALUATOR,
                (SignOfLife.seen_at <= now - every) | (SignOfLife.seen_at > now + every),
            )
            .values(seen_at=now, host=who[:100])
        )
        return bool(session.execute(mine).rowcount == 1)  # type: ignore[attr-defined]

    try:
        return database.write(work)
    except IntegrityError:
        return False  # somebody else was first, at the very first time
