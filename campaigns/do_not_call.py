"""The list of numbers that no campaign calls any more: their owners said so by key, or a manager put them there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from campaigns.errors import CampaignError
from campaigns.models import Campaign, DoNotCall
from campaigns.phone_numbers import Number, normalize
from config import audit, database, settings
from config.i18n import N_
from config.logging import mask_number

#: Why a row of a base became no contact, and the disposition of a contact who is not called.
CODE = "do_not_call"
ROW_SENTENCES = {CODE: N_("This number is on the do-not-call list.")}
SENTENCES = {
    "do_not_call_number_wrong": N_("Write the whole number with its country code, such as +7 900 555-00-00."),
    "do_not_call_missing": N_("This number is not on the do-not-call list."),
}

table = DoNotCall.__table__


def among(session: Session, numbers: Iterable[str]) -> set[str]:
    """Those of these numbers that are on the list."""
    wanted = list(numbers)
    if not wanted:
        return set()
    return set(session.execute(select(table.c.number).where(table.c.number.in_(wanted))).scalars())


def note(session: Session, asked: Mapping[str, int], now: dt.datetime) -> None:
    """These callees asked for it: number -> campaign. A number that is on the list already stays as it is."""
    known = among(session, asked)
    new = {number: campaign_id for number, campaign_id in asked.items() if number not in known}
    if not new:
        return
    tests = select(Campaign.id, Campaign.created_by).where(Campaign.id.in_(new.values()), Campaign.test_of.is_not(None))
    test_calls = {campaign_id: by for campaign_id, by in session.execute(tests)}
    for number, campaign_id in sorted(new.items()):
        said: dict[str, object] = {"campaign_id": campaign_id}
        if campaign_id in test_calls:  # its campaign is hidden, and gone tomorrow
            said = {"test_call": True, "created_by": test_calls[campaign_id]}
        _insert(session, {"number": number, "created_at": now, **said})


def _insert(session: Session, values: Mapping[str, object]) -> bool:
    try:
        with session.begin_nested():
            session.execute(insert(table).values(**values))
    except IntegrityError:  # another node's dial worker was faster
        return False
    return True


def add(text: str, by: str = "", comment: str = "") -> str:
    """Put a number on the list; one that is there stays. :returns: its digits.

    :raises CampaignError: do_not_call_number_wrong.
    """
    digits = _digits(text)

    def work(session: Session) -> None:
        values = {"number": digits, "created_at": database.utcnow(), "created_by": by, "comment": comment[:200]}
        if not among(session, [digits]) and _insert(session, values):
            audit.append(session, "do_not_call_added", "number", mask_number(digits))

    database.write(work)
    return digits


def remove(text: str) -> None:
    """Take a number off the list; campaigns that gave it up for that call it after their next start.

    :raises CampaignError: do_not_call_missing, also for what is no number.
    """
    missing = CampaignError("do_not_call_missing", SENTENCES["do_not_call_missing"], field="number", status=404)
    try:
        digits = _digits(text)
    except CampaignError as error:
        raise missing from error

    def work(session: Session) -> None:
        gone = session.execute(delete(DoNotCall).where(DoNotCall.number == digits))
        if gone.rowcount != 1:  # type: ignore[attr-defined]
            raise missing
        audit.append(session, "do_not_call_removed", "number", mask_number(digits))

    database.write(work)


def _digits(text: str) -> str:
    found = normalize(text, settings.get().default_region, costly=True)
    if not isinstance(found, Number):
        sentence = SENTENCES["do_not_call_number_wrong"]
        raise CampaignError("do_not_call_number_wrong", sentence, field="number", status=422)
    return found.digits
