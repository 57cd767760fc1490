"""The oracle of the chaos rig over the evidence that a test's copy leaves."""

from __future__ import annotations

from chaos.oracle import Evidence, Fault, judge
from tests.support.stack import Stack


def evidence(stack: Stack, campaign_id: int, *faults: Fault) -> Evidence:
    """Where everything lies that tells of this campaign."""
    logs = sorted((stack.settings.home / "logs").glob("dial.log*"))
    return Evidence(
        database=stack.settings.database_url,
        carrier_logs=(stack.settings.carrier_log,),
        event_logs=tuple(logs),
        faults=faults,
        campaigns=frozenset({campaign_id}),
    )


def breaches(stack: Stack, campaign_id: int, *faults: Fault) -> list[str]:
    """Every breach of I1 to I7 that this campaign shows, one sentence each; empty when all is well."""
    return [str(breach) for breach in judge(evidence(stack, campaign_id, *faults)).breaches]
