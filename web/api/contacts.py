"""Contacts and attempts over the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns import service, step_statistics
from campaigns.models import Attempt, AttemptStep
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
        "history": _with_steps(queries.attempts_of(contact_id)),
        "why": {
            "allowed": verdict.allowed,
            "rule": str(verdict.rule),
            "until": verdict.until,
            "message": texts.why(verdict, contact.timezone or zone),
        },
    }


def _with_steps(attempts: Sequence[Attempt]) -> list[schemas.AttemptOut]:
    steps = step_statistics.of_attempts([attempt.id for attempt in attempts])
    return [_attempt_out(attempt, steps) for attempt in attempts]


def _attempt_out(attempt: Attempt, steps: Mapping[int, Sequence[AttemptStep]]) -> schemas.AttemptOut:
    done = [schemas.StepOut.model_validate(row) for row in steps.get(attempt.id, ())]
    return schemas.AttemptOut.model_validate(attempt).model_copy(update={"steps": done})


@api.get("/campaigns/<int:campaign_id>/attempts")
@api.input(schemas.AttemptQuery, location="query")
@api.output(schemas.AttemptPage)
@api.doc(summary="Attempts of a campaign, newest first", tags=TAG)
def list_attempts(campaign_id: int, query_data: schemas.AttemptQuery) -> dict[str, Any]:
    service.get(campaign_id)

    page = queries.attempts(campaign_id, **query_data.model_dump())
    steps = step_statistics.of_attempts([attempt.id for attempt, _ in page.items])

    def convert(row: Any) -> schemas.NumberedAttemptOut:
        attempt, number = row
        return schemas.NumberedAttemptOut(**_attempt_out(attempt, steps).model_dump(), number=number)

    return schemas.page_out(schemas.NumberedAttemptOut, page, convert)
