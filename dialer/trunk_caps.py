"""What a trunk may cost in a day: caps of minutes and money, and what was used of them.

A day is that of the copy's own zone (``OBZVON_DEFAULT_TIMEZONE``), since campaigns of many zones share a trunk. Seconds
count from the answer to the end, each call rounded up to a whole second, on the day on which it was answered.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import BigInteger, Date, ForeignKey, Integer, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from config.extensions import db


class TrunkUsage(db.Model):
    """What went through a trunk on one day."""

    __tablename__ = "trunk_usage"

    trunk_id: Mapped[int] = mapped_column(ForeignKey("trunk.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    seconds: Mapped[int] = mapped_column(BigInteger, default=0)
    calls: Mapped[int] = mapped_column(Integer, default=0)


usage = TrunkUsage.__table__


@dataclass(frozen=True)
class Used:
    """Of one trunk on one day."""

    seconds: int = 0
    calls: int = 0

    def minutes(self) -> float:
        return self.seconds / 60

    def spend(self, price_per_minute: float | None) -> float:
        """In the currency of the price; 0 when no price is known."""
        return self.seconds / 60 * (price_per_minute or 0)


def zone() -> ZoneInfo:
    """The zone whose days count."""
    return ZoneInfo(current_app.config["OBZVON"].default_timezone)


def day_of(moment: dt.datetime) -> dt.date:
    """The day on which this moment is counted."""
    return moment.astimezone(zone()).date()


def next_day(now: dt.datetime) -> dt.datetime:
    """When the caps begin anew, UTC."""
    tomorrow = day_of(now) + dt.timedelta(days=1)
    return dt.datetime.combine(tomorrow, dt.time(), zone()).astimezone(dt.UTC)


def used(session: Session, trunk_id: int, now: dt.datetime) -> Used:
    """What this trunk has used today."""
    row = session.execute(
        select(usage.c.seconds, usage.c.calls).where(usage.c.trunk_id == trunk_id, usage.c.day == day_of(now))
    ).one_or_none()
    return Used(row.seconds, row.calls) if row else Used()


def used_by_trunk(session: Session, now: dt.datetime) -> dict[int, Used]:
    """The same of all trunks."""
    rows = session.execute(select(usage.c.trunk_id, usage.c.seconds, usage.c.calls).where(usage.c.day == day_of(now)))
    return {row.trunk_id: Used(row.seconds, row.calls) for row in rows}


def add(session: Session, answered: Iterable[tuple[int, dt.datetime, dt.datetime]]) -> None:
    """Count calls: trunk, answered, ended."""
    sums: dict[tuple[int, dt.date], tuple[int, int]] = {}
    for trunk_id, began, ended in answered:
        key = (trunk_id, day_of(began))
        seconds, calls = sums.get(key, (0, 0))
        sums[key] = (seconds + max(1, math.ceil((ended - began).total_seconds())), calls + 1)
    for (trunk_id, day), (seconds, calls) in sorted(sums.items()):
        more = (
            update(usage)
            .where(usage.c.trunk_id == trunk_id, usage.c.day == day)
            .values(seconds=usage.c.seconds + seconds, calls=usage.c.calls + calls)
        )
        changed: Any = session.execute(more)
        if changed.rowcount:
            continue
        try:
            with session.begin_nested():
                session.execute(insert(usage).values(trunk_id=trunk_id, day=day, seconds=seconds, calls=calls))
        except IntegrityError:  # another node's dial worker wrote the first row of the day meanwhile
            session.execute(more)


def cap_s(trunk: Any) -> float:
    """Seconds that the trunk (row or object) may be used in a day; infinite without a cap."""
    caps = [math.inf]
    if trunk.minutes_per_day is not None:
        caps.append(trunk.minutes_per_day * 60)
    if trunk.spend_per_day is not None and trunk.price_per_minute:
        caps.append(trunk.spend_per_day / trunk.price_per_minute * 60)
    return min(caps)
