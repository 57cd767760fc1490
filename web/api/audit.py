"""The audit trail over the API, with an administrator's key."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import Field

from config import audit as trail
from config.audit import AuditEntry
from web import audit_trail
from web.api import administrators_only, api, schemas

TAG = ["Audit"]


class AuditQuery(schemas.Paging):
    who: str = Field("", description="Part of a name")
    action: str = Field("", description="Code of an action, such as campaign_started")
    since: str = Field("", description="First day, such as 2026-12-31")
    until: str = Field("", description="Last day")


class EntryOut(schemas.Out):
    number: int
    at: dt.datetime
    who: str
    action: str
    kind: str = Field(description="Kind of the object, such as campaign")
    object_id: str
    details: dict[str, Any]
    address: str
    hash: str


class EntryPage(schemas.PageOut):
    items: list[EntryOut]


class VerdictOut(schemas.Out):
    entries: int
    fault: str | None = Field(description="altered, missing, cut, head or set_back; null when the trail is whole")
    number: int = Field(description="The first broken entry")


@api.get("/audit")
@api.input(AuditQuery, location="query")
@api.output(EntryPage)
@api.doc(summary="Who did what, newest first", tags=TAG)
def list_audit(query_data: AuditQuery) -> dict[str, Any]:
    administrators_only()

    def convert(row: AuditEntry) -> EntryOut:
        names = ("number", "at", "who", "action", "kind", "object_id", "address", "hash")
        return EntryOut(**{name: getattr(row, name) for name in names}, details=row.words)

    return schemas.page_out(EntryOut, audit_trail.entries(**query_data.model_dump()), convert)


@api.get("/audit/check")
@api.output(VerdictOut)
@api.doc(summary="Follow the whole chain of the audit trail", tags=TAG)
def check_audit() -> VerdictOut:
    administrators_only()
    return VerdictOut.model_validate(trail.verify_all())
