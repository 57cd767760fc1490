"""The demonstration's base gives what its README promises."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from campaigns import bases, reports
from campaigns.models import Contact, RejectedRow
from config import database
from config.extensions import celery
from tests.integration.reports import sample
from tts import sound_files

ASSETS = Path(__file__).resolve().parents[3] / "assets"


def test_sample_base(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """62 rows, 54 contacts, each behaviour three times, each way of being refused."""
    monkeypatch.setattr(celery, "send_task", lambda *_, **__: None)
    campaign_id = sample.campaign()
    bases.add(campaign_id, ASSETS / "sample_base.csv", "sample_base.csv")
    bases.load_waiting(campaign_id)
    numbers = {key: count for key, count in reports.summary(campaign_id).items() if count}
    assert numbers == {"rows": 62, "rejected": 6, "duplicates": 2, "contacts": 54, "pending": 54}
    with database.read() as session:
        digits = Counter(number[-2:] for number in session.execute(select(Contact.number)).scalars())
        codes = Counter(session.execute(select(RejectedRow.code)).scalars())
        fields = session.execute(select(Contact.fields).where(Contact.number == "79005551421")).scalar_one()
    assert {key: count for key, count in digits.items() if key <= "15"} == {f"{n:02d}": 3 for n in range(1, 16)}
    assert codes == {
        "number_missing": 2,
        "number_damaged": 1,
        "emergency_blocked": 1,
        "number_ambiguous": 1,
        "number_too_short": 1,
        "duplicate_in_campaign": 2,
    }
    assert fields["Лицевой счёт"].startswith("0000")
    assert fields["Примечание"].startswith("=HYPERLINK")


def test_sample_message(tmp_path: Path) -> None:
    sound = sound_files.convert(ASSETS / "sample_message.wav", "sample_message.wav", tmp_path)
    assert sound.duration_s == pytest.approx(6.1, abs=0.1)
