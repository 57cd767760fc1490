"""The database's clock, by which hosts that share a database count together."""

import datetime as dt

from sqlalchemy import select

from config import database


def test_it_counts_in_less_than_milliseconds(app):
    """By whole seconds a trunk would start its calls in one burst each second, and reach a tenth of its rate."""
    moments = set()
    with database.read() as session:
        for _ in range(20):
            moments.add(session.execute(select(database.clock_of(session))).scalar_one())
    assert len(moments) == 20
    assert abs(max(moments) - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=5)
