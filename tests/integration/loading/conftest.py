"""A campaign to load bases into, and no broker."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from config.database import write
from config.extensions import celery


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[object], str]]:
    """The Celery messages that were sent, instead of a broker."""
    messages: list[tuple[str, list[object], str]] = []
    monkeypatch.setattr(celery, "send_task", lambda name, args, queue, retry: messages.append((name, args, queue)))
    return messages


@pytest.fixture
def campaign(app: Flask, sent: list[object]) -> int:
    """A campaign in draft; its id."""

    def work(session: Session) -> int:
        row = Campaign(name="Debts", windows={})
        session.add(row)
        session.flush()
        return row.id

    return write(work)
