"""What the API takes and gives. Settings of campaigns and trunks are the services' own forms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Literal

from apiflask.fields import UploadFile
from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator

from campaigns.machines import Doubtful, MachinePolicy
from campaigns.service import CampaignForm
from dialer import amd
from dialer.amd import AmdParameters
from web.queries import Page


class Out(BaseModel):
    """Read from rows."""

    model_config = ConfigDict(from_attributes=True)


class Paging(BaseModel):
    """Which part of a list."""

    page: int = Field(1, ge=1, le=10**9, description="Counted from 1")
    per_page: int = Field(50, ge=1, le=500)


class PageOut(BaseModel):
    """A part of a list."""

    page: int
    per_page: int
    total: int


def page_out(model: type[BaseModel], page: Page[Any], convert: Callable[[Any], Any] | None = None) -> dict[str, Any]:
    """The page as the API gives it."""
    return {
        "items": [convert(item) if convert else model.model_validate(item) for item in page.items],
        "page": page.page,
        "per_page": page.per_page,
        "total": page.total,
    }


class ErrorOut(BaseModel):
    """Every refusal."""

    code: str = Field("", description="Stable; for programs")
    message: str = Field("", description="A sentence for a person, saying what to do")
    field: str = Field("", description="Name of the input at fault, or empty")


class FieldErrorOut(BaseModel):
    field: str
    message: str


class InputErrorOut(ErrorOut):
    """Input that was refused; every field at fault is named."""

    errors: list[FieldErrorOut] = Field(default_factory=list)


# campaigns


class CampaignQuery(Paging):
    state: Literal["", "draft", "running", "paused", "finished", "stopped"] = ""
    name: str = Field("", description="Part of the name")
    sort: Literal["active", "name", "newest", "oldest"] = "active"


class CampaignOut(Out):
    id: int
    name: str
    state: Literal["draft", "running", "paused", "finished", "stopped", "deleting"]
    state_code: str = Field(description="Why the product itself paused it; empty otherwise")
    state_detail: str
    trunk_id: int | None
    caller_id: str
    region: str
    timezone: str
    channel_limit: int
    attempts: int
    ring_s: int
    notification_s: float
    retry_s: int
    retry_busy_s: int | None
    retry_no_answer_s: int | None
    retry_failed_s: int | None
    machines: MachinePolicy
    machines_doubtful: Doubtful
    windows: dict[str, Any]
    sound_name: str
    sound_s: float
    created_by: str
    created_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None


class CampaignPage(PageOut):
    items: list[CampaignOut]


CampaignPatch = create_model(
    "CampaignPatch",
    __doc__="Any of the settings of a campaign; the others stay.",
    **{name: (field.annotation | None, None) for name, field in CampaignForm.model_fields.items()},  # type: ignore
)


class CountsOut(Out):
    contacts: int
    reached: int
    not_reached: int
    pending: int
    unknown: int
    open: int = Field(description="Calls that are being made or up now")
    attempts: int
    rows: int
    rejected: int
    duplicates: int


class ProblemsOut(BaseModel):
    """What must be done before it can start; empty when it may."""

    problems: list[ErrorOut]


class UnknownIn(BaseModel):
    redial: bool = Field(description="true: call them again; false: give them up")


class UnknownOut(BaseModel):
    contacts: int


class MessageIn(BaseModel):
    sound: UploadFile = Field(description="wav, mp3, ogg or flac")


# bases


class LayoutIn(BaseModel):
    """How to read the file; whatever is left out is found. Columns are counted from 0."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_line: int | None = Field(None, ge=0, description="0: no header")
    phone_column: int | None = Field(None, ge=0)
    zone_column: int | None = Field(None, ge=-1, description="-1: none")


class BaseIn(LayoutIn):
    file: UploadFile
    comment: str = Field("", max_length=500)
    again: bool = Field(False, description="Load it although the same file was loaded before")


class PreviewIn(LayoutIn):
    file: UploadFile


class BaseOut(Out):
    id: int
    campaign_id: int
    filename: str
    comment: str
    state: Literal["waiting", "loading", "ready", "failed", "cancelled"]
    error_code: str
    progress: float
    rows: int
    accepted: int
    rejected: int
    duplicates: int
    layout: dict[str, Any]
    created_by: str
    created_at: dt.datetime
    loaded_at: dt.datetime | None


class BasesOut(BaseModel):
    items: list[BaseOut]


class PreviewOut(BaseModel):
    layout: dict[str, Any]
    rows: list[dict[str, Any]]
    checked: int
    fit: int


class RejectedQuery(Paging):
    code: str = ""


class RejectedOut(BaseModel):
    line: int
    code: str
    value: str
    message: str


class RejectedPage(PageOut):
    items: list[RejectedOut]


# contacts and attempts


class ContactQuery(Paging):
    state: Literal["", "pending", "reached", "not_reached", "unknown"] = ""
    number: str = Field("", description="Part of the number")
    result: str = Field("", description="Last disposition, such as busy or not_prepared")
    base_id: int = Field(0, ge=0, le=2**63 - 1)


class ContactOut(Out):
    id: int
    base_id: int
    line: int
    number: str
    fields: dict[str, Any]
    timezone: str | None
    state: str
    attempts: int
    due_at: dt.datetime | None
    last_disposition: str | None
    prepare_code: str = Field(description="Why its message cannot be said; empty when nothing is wrong")
    prepare_column: str = Field(description="The column at fault")


class ContactPage(PageOut):
    items: list[ContactOut]


class StepOut(Out):
    step: str
    result: str = Field(description="The key, or none, invalid, end (no key asked for), gone (hung up within it)")
    name: str
    value: str


class FailedHandoverOut(Out):
    handover: str
    handover_result: str
    waited_s: float


class AttemptOut(Out):
    id: int
    uid: str
    contact_id: int
    number_of_attempt: int
    claimed_at: dt.datetime
    answered_at: dt.datetime | None
    ended_at: dt.datetime | None
    disposition: str | None = Field(description="null while the call is being made")
    counted: bool
    sip_code: int | None
    cause: int | None
    listened_s: float
    reached_by: str = Field(description="time, phrase or key; empty when not reached")
    machine: str = Field(description="What answered: human, machine, doubtful; empty when it was not listened for")
    machine_cause: str = Field(description="What made detection think so")
    handover: str = Field(description="Where the callee was handed over to, at last; empty: nowhere")
    handover_result: str
    waited_s: float | None
    talked_s: float | None
    handovers_before: list[FailedHandoverOut] = Field(
        default_factory=list, description="Hand-overs that came to nothing before that one"
    )
    steps: list[StepOut] = Field(default_factory=list, description="What the callee did, in order")


class NumberedAttemptOut(AttemptOut):
    number: str


class AttemptQuery(Paging):
    disposition: str = ""


class AttemptPage(PageOut):
    items: list[NumberedAttemptOut]


class WhyOut(BaseModel):
    """Why this person is not being called now."""

    allowed: bool
    rule: str
    until: dt.datetime | None
    message: str


class ContactDetailOut(ContactOut):
    history: list[AttemptOut]
    why: WhyOut


class StepCountOut(StepOut):
    count: int


class HandoverCountOut(Out):
    to: str
    result: str
    count: int
    waited_s: float = Field(description="Mean seconds")
    talked_s: float = Field(description="Mean seconds")


class StatisticsOut(Out):
    steps: list[StepCountOut]
    handovers: list[HandoverCountOut]
    reached_by: dict[str, int]


# reports, trunks


class ExportOut(Out):
    id: int
    campaign_id: int
    state: Literal["waiting", "working", "ready", "failed", "cancelled"]
    progress: float
    filename: str
    error_code: str
    created_at: dt.datetime


class ExportIn(BaseModel):
    locale: Literal["en", "ru"] = "en"
    zone: str | None = Field(None, description="Zone of all times; the campaign's when left out")


class ExportsOut(BaseModel):
    items: list[ExportOut]


class TrunkOut(Out):
    id: int
    name: str
    title: str
    kind: Literal["rehearsal", "sip", "other"]
    template: str
    channels: int
    cps: float
    number_prefix: str
    allowed_prefixes: list[str]
    caller_ids: list[str]
    host: str
    port: int
    username: str
    register_: bool = Field(validation_alias="register", serialization_alias="register")
    qualify: bool
    enabled: bool
    minutes_per_day: int | None
    price_per_minute: float | None
    spend_per_day: float | None
    costly_allowed: bool
    amd: AmdParameters = Field(description="Parameters of answering machine detection")
    minutes_today: float = Field(0, description="Minutes used since midnight in the zone of this copy")
    calls_today: int = Field(0, description="Answered calls since then")
    spend_today: float = Field(0, description="Their cost, in the currency of the price")
    nodes: list[str] = Field(description="Names of the nodes on which it lives")

    @field_validator("amd", mode="before")
    @classmethod
    def _usual(cls, value: Any) -> Any:
        return amd.of_trunk(value) if value is None or isinstance(value, dict) else value

    @field_validator("nodes", mode="before")
    @classmethod
    def _names(cls, value: Any) -> list[str]:
        return [item if isinstance(item, str) else item.name for item in value]


class TrunksOut(BaseModel):
    items: list[TrunkOut]


class NodeOut(Out):
    id: int
    name: str
    channels: int
    cps: float
    connected: bool
    trouble: str = Field(description="Why it is not used though it is there; empty otherwise")
    boot: str
    ringing: int
    talking: int
    seen_at: dt.datetime | None
    draining: bool
    drained: bool = Field(description="It is drained and no call is up on it")
    problem: str = Field(description="Code of what keeps it from calling for some campaign; empty when all is well")
    calls: int = Field(description="Calls being made or up on it")
    holder: str = Field(description="Host and process of the dial worker that speaks for it")
    trunks: list[str]


class NodesOut(BaseModel):
    items: list[NodeOut]


class NodeGivenUpOut(BaseModel):
    closed: int = Field(description="Calls that ended as unknown")


def listed(model: type[Out], rows: Sequence[Any]) -> dict[str, Any]:
    """A whole list, without pages."""
    return {"items": [model.model_validate(row) for row in rows]}
