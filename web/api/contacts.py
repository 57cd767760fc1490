"""Contacts and attempts over the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns import service, step_statistics
from campaigns.models import Attempt, AttemptStep, FailedHandover
from web import queries, texts
from web.api import api, schemas

TAG = ["Contacts"]


@api.get("/campaigns/<int:campaign_id>/contacts")
@api.input(schemas.ContactQuery, location="query")
@api.output(schemas.ContactPage)
@api.doc(summary="Contacts of a campaign", tags=TAG)
def list_contacts(campaign_id: int, query_data: schemas.ContactQuery) -> dict[str, Any]:
    service.get(campaign_id)
    return schemas.page_out(schemas.ContactOut, queries.contacts(campaign_id, **query_data.model_dump()))


@api.get("/campaigns/<int:campaign_id>/contacts/<int:contact_id>")
@api.output(schemas.ContactDetailOut)
@api.doc(summary="One contact, its attempts, and why it is not being called now", tags=TAG)
def get_contact(campaign_id: int, contact_id: int) -> dict[str, Any]:
    zone = service.get(campaign_id).timezone
    contact = queries.contact(campaign_id, contact_id)
    verdict = service.why_not_called(contact_id)
    return {
        **schemas.ContactOut.model_validate(contact).model_dump(),
        "history": attempts_out(step_statistics.attempts_of(contact_id)),
        "why": {
            "allowed": verdict.allowed,
            "rule": str(verdict.rule),
            "until": verdict.until,
            "message": texts.why(verdict, contact.timezone or zone),
        },
    }


def attempts_out(attempts: Sequence[Attempt]) -> list[schemas.AttemptOut]:
    """Attempts with what was done in each."""
    ids = [attempt.id for attempt in attempts]
    steps, failed = step_statistics.of_attempts(ids), step_statistics.failed_handovers(ids)
    return [_attempt_out(attempt, steps, failed) for attempt in attempts]


def _attempt_out(
    attempt: Attempt, steps: Mapping[int, Sequence[AttemptStep]], failed: Mapping[int, Sequence[FailedHandover]]
) -> schemas.AttemptOut:
    done = [schemas.StepOut.model_validate(row) for row in steps.get(attempt.id, ())]
    before = [schemas.FailedHandoverOut.model_validate(row) for row in failed.get(attempt.id, ())]
    return schemas.AttemptOut.model_validate(attempt).model_copy(update={"steps": done, "handovers_before": before})


@api.get("/campaigns/<int:campaign_id>/attempts")
@api.input(schemas.AttemptQuery, location="query")
@api.output(schemas.AttemptPage)
@api.doc(summary="Attempts of a campaign, newest first", tags=TAG)
def list_attempts(campaign_id: int, query_data: schemas.AttemptQuery) -> dict[str, Any]:
    service.get(campaign_id)

    page = queries.attempts(campaign_id, **query_data.model_dump())
    made = {one.id: one for one in attempts_out([attempt for attempt, _ in page.items])}

    def convert(row: Any) -> schemas.NumberedAttemptOut:
        attempt, number = row
        return schemas.NumberedAttemptOut(**made[attempt.id].model_dump(), number=number)

    return schemas.page_out(schemas.NumberedAttemptOut, page, convert)
