"""The demonstration's base gives what its README promises."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from campaigns import bases, reports, service
from campaigns.message.blocks import Message
from campaigns.models import Contact, RejectedRow
from config import database
from config.extensions import celery
from tests.integration.reports import sample
from tts import sound_files
from web import demo

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


def test_sample_base_is_spoken(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demonstration's own message says everybody's amount and date, in words, and leaves nobody out."""
    monkeypatch.setattr(celery, "send_task", lambda *_, **__: None)
    campaign_id = sample.campaign()
    bases.add(campaign_id, ASSETS / "sample_base.csv", "sample_base.csv")
    bases.load_waiting(campaign_id)
    assert demo._has_columns(campaign_id, ["Сумма долга", "Оплатить до"])
    assert not demo._has_columns(campaign_id, ["Сумма долга", "Debt"])
    message = Message.model_validate_json(demo.SPOKEN.read_text(encoding="utf-8"))
    with database.read() as session:
        contacts = session.execute(select(Contact.id, Contact.number)).all()
    said = {
        number: service.preview_text(campaign_id, contact_id, message=message)["main"]
        for contact_id, number in contacts
    }
    assert said["79005551107"] == (
        "Здравствуйте! Это проверочное оповещение. Ваша задолженность составляет семнадцать тысяч шестьсот пять рублей"
        " тридцать семь копеек Оплатите, пожалуйста, до девятнадцатого декабря Спасибо!"
    )
    assert all("руб" in words and "декабря" in words for words in said.values())
    assert len(said) == 54


def test_sample_message(tmp_path: Path) -> None:
    sound = sound_files.convert(ASSETS / "sample_message.wav", "sample_message.wav", tmp_path)
    assert sound.duration_s == pytest.approx(6.1, abs=0.1)
