"""Puts the parts together: reads the evidence, asks every check, takes the figures."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.oracle import calls_up, contacts, figures, hours, outcomes, promises
from chaos.oracle.carrier import read_calls
from chaos.oracle.case import Case
from chaos.oracle.event_log import read_events
from chaos.oracle.evidence import Evidence
from chaos.oracle.judgement import Breach, Judgement
from chaos.oracle.tables import read_tables

CHECKS = (
    calls_up.called_once,
    calls_up.within_limits,
    contacts.nobody_lost,
    contacts.reached_heard,
    outcomes.told_once,
    outcomes.as_the_carrier_saw,
    outcomes.only_what_nobody_knows,
    hours.only_when_allowed,
    promises.nothing_forgotten,
)


def judge(evidence: Evidence) -> Judgement:
    """Every breach found, sorted, and the figures. Reads only.

    :raises LookupError: the database lacks a table.
    """
    calls, wrong = read_calls(evidence.carrier_logs)
    case = Case(evidence, read_tables(evidence.database), calls, read_events(evidence.event_logs))
    wrong += _gaps(case)
    found = [breach for check in CHECKS for breach in check(case)]
    return Judgement(tuple(sorted({*wrong, *found})), figures.measure(case))


def _gaps(case: Case) -> Iterator[Breach]:
    """Evidence that would be clean because it says nothing."""
    chosen = case.evidence.campaigns
    if not case.campaigns:
        yield Breach("E0", "there is no campaign to judge")
    for key in sorted((chosen or set()) - set(case.campaigns)):
        yield Breach("E0", f"campaign {key} is to be judged, but the database does not have it")
    for key in sorted(set(case.evidence.expected) - set(case.campaigns)):
        yield Breach("E0", f"contacts of campaign {key} are expected, but it is not judged")
    recorded = any(attempt.disposition is not None for attempt in case.attempts)
    if case.evidence.event_logs and recorded and not case.events.uids():
        yield Breach("E0", "the event log tells of no call")
    for kind, key, column in case.unknown_before():
        yield Breach("E0", f"{column} of {kind} {key} was changed, but nothing says what it was at the first call")
