"""I2: every contact ends in exactly one final state, for a reason that its attempts and the carrier bear out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from chaos.oracle import rules
from chaos.oracle.carrier import Call, masked
from chaos.oracle.case import Case, at, name_of
from chaos.oracle.judgement import Breach
from chaos.oracle.tables import Attempt, Contact, Row


def nobody_lost(case: Case) -> Iterator[Breach]:
    """I2."""
    by_campaign: dict[int, list[Contact]] = defaultdict(list)
    for contact in case.contacts:
        by_campaign[contact.campaign_id].append(contact)
    for campaign_id in sorted(case.campaigns):
        contacts = by_campaign[campaign_id]
        yield from _all_there(case, campaign_id, contacts)
        yield from _campaign_ended(case, campaign_id, contacts)
    yield from _bases_complete(case)
    yield from _open_attempts(case)
    for contact in case.contacts:
        yield from _one_contact(case, contact)


def _all_there(case: Case, campaign_id: int, contacts: Sequence[Contact]) -> Iterator[Breach]:
    expected = case.evidence.expected.get(campaign_id)
    if expected is None:
        return
    if isinstance(expected, int):
        if len(contacts) != expected:
            yield Breach("I2", f"campaign {campaign_id} has {len(contacts)} contacts, {expected} were loaded")
        return
    numbers = Counter(contact.number for contact in contacts)
    for number in sorted(expected - set(numbers)):
        yield Breach("I2", f"campaign {campaign_id} has lost its contact {masked(number)}")
    for number in sorted(set(numbers) - expected):
        yield Breach("I2", f"campaign {campaign_id} has a contact {masked(number)} that nobody loaded")
    for number in sorted(number for number, count in numbers.items() if count > 1):
        yield Breach("I2", f"campaign {campaign_id} has the contact {masked(number)} {numbers[number]} times")


def _campaign_ended(case: Case, campaign_id: int, contacts: Sequence[Contact]) -> Iterator[Breach]:
    state, pending = case.campaigns[campaign_id]["state"], any(c.state == rules.PENDING for c in contacts)
    if not _may_be_unfinished(case, campaign_id) and not pending and state != "finished":
        yield Breach("I2", f"campaign {campaign_id} is {state}, though none of its contacts is pending")
    if state == "finished" and pending:
        yield Breach("I2", f"campaign {campaign_id} is finished, though contacts of it are pending")


def _may_be_unfinished(case: Case, campaign_id: int) -> bool:
    """Its user stopped or paused it, or never started it."""
    if case.campaigns[campaign_id]["state"] == "draft":
        return not case.states_told(campaign_id)
    last = float("inf")
    return False in case.running(campaign_id).between(last, last)


def _bases_complete(case: Case) -> Iterator[Breach]:
    held = Counter(contact.base_id for contact in case.tables.contacts.values())
    for key, base in case.tables.bases.items():
        campaign = case.campaigns.get(base["campaign_id"])
        if campaign is None:
            continue
        if base["state"] != "ready":
            if campaign["state"] == "finished" and base["state"] not in ("failed", "cancelled"):
                yield Breach("I2", f"base {key} is {base['state']}, though its campaign is finished")
            continue
        if base["accepted"] != held[key]:
            yield Breach("I2", f"base {key} took {base['accepted']} contacts, but has {held[key]}")
        if base["rows"] != base["accepted"] + base["rejected"] + base["duplicates"]:
            yield Breach("I2", f"base {key} has {base['rows']} rows, and not every one was taken or rejected")


def _open_attempts(case: Case) -> Iterator[Breach]:
    for attempt in case.attempts:
        if attempt.disposition is None:
            yield Breach("I2", f"{name_of(attempt)}, claimed at {at(attempt.claimed)}, has no outcome")
        elif attempt.ended is None:
            yield Breach("I2", f"{name_of(attempt)} is {attempt.disposition}, but has no end")
        elif attempt.open_for_contact is not None:
            yield Breach("I2", f"{name_of(attempt)} is {attempt.disposition}, but still holds its slot")
        contact = case.contact(attempt)
        if contact is None:
            yield Breach("I2", f"{name_of(attempt)} has lost its contact")
        elif contact.campaign_id != attempt.campaign_id:
            yield Breach("I2", f"{name_of(attempt)} has a contact of campaign {contact.campaign_id}")


def _one_contact(case: Case, contact: Contact) -> Iterator[Breach]:
    attempts = case.attempts_of.get(contact.id, [])
    name = f"contact {contact.id} (campaign {contact.campaign_id})"
    if contact.state == rules.PENDING:
        if not _may_be_unfinished(case, contact.campaign_id):
            yield Breach("I2", f"{name} is still pending after {len(attempts)} attempts")
    elif contact.state not in rules.FINAL:
        yield Breach("I2", f"{name} is in no state that there is: {contact.state}")
    elif contact.due is not None:
        yield Breach("I2", f"{name} is {contact.state}, but due again at {at(contact.due)}")
    for problem in (*_counts(contact, attempts), *_story(case, contact, attempts)):
        yield Breach("I2", f"{name} {problem}")


def _counts(contact: Contact, attempts: Sequence[Attempt]) -> Iterator[str]:
    """The contact's own counters against the rows."""
    numbers = [attempt.number_of_attempt for attempt in attempts]
    if numbers != list(range(1, len(attempts) + 1)):
        yield f"has the attempts {numbers}: one is lost or twice there"
    if contact.tries != len(attempts):
        yield f"was tried {contact.tries} times by its own count, but has {len(attempts)} attempts"
    counted = sum(attempt.counted for attempt in attempts if attempt.disposition is not None)
    if contact.attempts != counted:
        yield f"has used {contact.attempts} attempts by its own count, but {counted} of its attempts count"
    last = next((a.disposition for a in reversed(attempts) if a.disposition is not None), None)
    if contact.last_disposition not in (last, *rules.WITHOUT_A_CALL):
        yield f"says that its last attempt was {contact.last_disposition}, but it was {last}"


def _story(case: Case, contact: Contact, attempts: Sequence[Attempt]) -> Iterator[str]:
    """Whether the attempts lead to the state, and nothing follows what ends them."""
    counted = sum(attempt.counted for attempt in attempts)
    limits = [int(value) for value in _limits(case, contact)]
    if counted > max(limits):
        yield f"was called {counted} times, its campaign allows {max(limits)}"
    for attempt in attempts[:-1]:
        if attempt.disposition in rules.LAST:
            yield f"was tried again after attempt {attempt.uid}, which was {attempt.disposition}"
    last = attempts[-1].disposition if attempts else None
    if contact.state == rules.CONTACT_REACHED and last != rules.REACHED:
        yield f"is reached, but its last attempt was {last}"
    elif contact.state == rules.CONTACT_UNKNOWN and last != rules.UNKNOWN:
        yield f"is unknown, but its last attempt was {last}"
    elif contact.state == rules.NOT_REACHED:
        yield from _given_up(case, contact, last, counted, min(limits))
    elif contact.state == rules.PENDING and last in rules.LAST:
        yield f"is pending, but its last attempt was {last}"


def _limits(case: Case, contact: Contact) -> list[int]:
    stored = case.tables.campaigns[contact.campaign_id]["attempts"]
    return case.setting("campaign", contact.campaign_id, "attempts", stored).all


def _given_up(case: Case, contact: Contact, last: str | None, counted: int, limit: int) -> Iterator[str]:
    """A contact that is not reached must have used up its attempts, unless it can never be called."""
    if last in (rules.REACHED, rules.UNKNOWN):
        yield f"is not reached, but its last attempt was {last}"
    elif contact.last_disposition == rules.BLOCKED:
        if not _is_blocked(case, contact):
            yield "is blocked, but no trunk refuses its number"
    elif contact.last_disposition == rules.EXPIRED:
        if any(_opens_weekly(windows) for windows in case.windows(contact.campaign_id).all):
            yield "is expired, but its campaign's windows open every week"
    elif contact.last_disposition != rules.DO_NOT_CALL and last != rules.INVALID and counted < limit:
        yield f"was given up after {counted} of {limit} attempts, the last was {last}"


def _is_blocked(case: Case, contact: Contact) -> bool:
    trunk = case.tables.trunks.get(case.tables.campaigns[contact.campaign_id]["trunk_id"])
    return trunk is not None and not case.may_dial(trunk, contact)


def _opens_weekly(windows: Row) -> bool:
    return any(item["days"] for item in windows.get("weekly", ()))


def reached_heard(case: Case) -> Iterator[Breach]:
    """I2: who is called reached had the message at his ear."""
    for attempt in case.attempts:
        if attempt.disposition != rules.REACHED:
            continue
        calls = case.calls_of.get(attempt.uid, [])
        if any(case.untold(call) for call in calls):
            continue
        heard = max((_heard_s(case, call) for call in calls), default=0.0)
        needed = rules.heard_s(case.campaign(attempt))
        if heard < needed - case.tolerance.listen_s:
            yield Breach("I2", f"{name_of(attempt)} is reached, but was connected for {heard:.1f} s of {needed:g} s")


def _heard_s(case: Case, call: Call) -> float:
    """How long our side was connected to the callee."""
    return 0.0 if call.answered is None else max(0.0, case.up_until(call) - call.answered)
