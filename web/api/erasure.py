"""Forgetting a number over the API, with an administrator's key."""

from __future__ import annotations

from pydantic import BaseModel, Field

from campaigns import erasure as service
from web.api import administrators_only, api, schemas

TAG = ["Audit"]


class EraseIn(BaseModel):
    number: str = Field("", max_length=40, description="With its country code")


class ErasedOut(schemas.Out):
    contacts: int
    rejected_rows: int
    uploads: int
    reports: int
    recordings: int


@api.post("/erasures")
@api.input(EraseIn)
@api.output(ErasedOut)
@api.doc(summary="Forget a number: contacts, rejected rows, uploads, reports, recordings", tags=TAG)
def erase_number(json_data: EraseIn) -> ErasedOut:
    administrators_only()
    return ErasedOut.model_validate(service.erase(json_data.number))
