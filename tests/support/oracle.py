"""Judges a finished campaign from the carrier's own log, not from our database alone (safety.md I1 to I4, I6)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from campaigns.models import Attempt, Contact
from campaigns.states import ContactState, Disposition
from config import database
from tests.support.carrier_log import most_at_once, read_calls

#: Attempts that say themselves that the carrier never saw them.
NEVER_SENT = {Disposition.NOT_PLACED, Disposition.TRUNK_FAILURE}


def breaches(campaign_id: int, log: Path, *, limit: int, attempts_limit: int, pbx_died_at: float = 0) -> list[str]:
    """Every breach found, one sentence each; empty when all is well.

    :param pbx_died_at: when our Asterisk was killed, if it was: its calls ended there, though nobody told the carrier.
    """
    with database.read() as session:
        attempts = session.execute(select(Attempt).where(Attempt.campaign_id == campaign_id)).scalars().all()
        contacts = session.execute(select(Contact).where(Contact.campaign_id == campaign_id)).scalars().all()
    uids = {attempt.uid for attempt in attempts}
    seen = [call for call in read_calls(log) if call.uid in uids]
    per_uid = Counter(call.uid for call in seen)
    found = [f"I1: attempt {uid} was called {count} times" for uid, count in per_uid.items() if count > 1]
    for attempt in attempts:
        if attempt.disposition is None:
            found.append(f"I2: attempt {attempt.uid} has no outcome")
        elif attempt.disposition in NEVER_SENT and attempt.uid in per_uid:
            found.append(f"I3: attempt {attempt.uid} says {attempt.disposition}, but the carrier was called")
        elif attempt.disposition not in NEVER_SENT | {Disposition.UNKNOWN} and attempt.uid not in per_uid:
            found.append(f"I3: attempt {attempt.uid} says {attempt.disposition}, but the carrier saw no call")
        elif attempt.disposition == Disposition.UNKNOWN and not pbx_died_at:
            found.append(f"I6: attempt {attempt.uid} is unknown, but the PBX never died")
    found += [f"I2: contact {c.id} is still {c.state}" for c in contacts if c.state == ContactState.PENDING]
    per_number = Counter(call.number for call in seen)
    found += [f"number of contact {c.id} was called {per_number[c.number]} times" for c in contacts
              if per_number[c.number] > attempts_limit]  # fmt: skip
    lost = {attempt.uid for attempt in attempts if attempt.disposition == Disposition.UNKNOWN}
    at_once = most_at_once([replace(call, ended=pbx_died_at) if call.uid in lost else call for call in seen])
    if at_once > limit:
        found.append(f"I4: {at_once} calls at once, the limit is {limit}")
    return found
