"""The state of the product, alarms and their delivery over the API; an administrator's key only."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from flask import current_app
from pydantic import BaseModel, Field

from ops import alarms, delivery, notices
from ops.delivery import DeliveryForm
from web import system_view
from web.api import account, administrators_only, api
from web.pages.system import board

TAG = ["System"]


class AlarmOut(BaseModel):
    """What is the matter, and what to do."""

    id: int
    code: str
    subject: str
    severity: Literal["warning", "critical"]
    what: str
    todo: str
    since: dt.datetime
    ended_at: dt.datetime | None
    acknowledged_by: str
    acknowledged_at: dt.datetime | None
    notified_at: dt.datetime | None


class AlarmsOut(BaseModel):
    items: list[AlarmOut]


class NodeStateOut(BaseModel):
    name: str
    connected: bool
    seen_at: dt.datetime | None
    boot: str
    ringing: int
    talking: int
    channels: int
    running_campaigns: int
    draining: bool
    problem: str = Field(description="Why it claims nothing for a campaign; empty when all is well")
    problem_detail: str
    reconciled_at: dt.datetime | None = Field(description="Open calls compared with Asterisk after the last gap")


class TrunkStateOut(BaseModel):
    name: str
    title: str
    node: str
    kind: str
    enabled: bool
    reachable: bool | None = Field(description="null: not asked, or not known now")
    registration: str = Field(description="As Asterisk says it; empty: it does not register")
    must_register: bool
    open_calls: int
    channels: int


class WorkerOut(BaseModel):
    name: str
    role: Literal["web", "jobs", "dial", "beat"]
    host: str
    alive: bool
    seen_at: dt.datetime


class BrokerOut(BaseModel):
    reachable: bool
    error: str


class QueueOut(BaseModel):
    name: str
    messages: int


class DiskOut(BaseModel):
    subject: str
    path: str
    total: int
    free: int
    free_ratio: float


class FolderOut(BaseModel):
    subject: str
    path: str
    error: str


class SystemOut(BaseModel):
    """The whole state at one moment."""

    version: str
    at: dt.datetime
    alarms: list[AlarmOut]
    nodes: list[NodeStateOut]
    trunks: list[TrunkStateOut]
    workers: list[WorkerOut]
    broker: BrokerOut
    queues: list[QueueOut]
    disks: list[DiskOut]
    folders: list[FolderOut]
    database_bytes: int
    open_attempts: int
    unknown_contacts: int
    backup_at: dt.datetime | None
    restored_from: dt.datetime | None
    channels: list[str] = Field(description="Where alarms are sent now")


class AlarmQuery(BaseModel):
    over: bool = Field(False, description="Those that are over instead of those that stand")


class DeliveryOut(BaseModel):
    """Where alarms go. Secrets are never given."""

    locale: str
    zone: str
    webhook_on: bool
    webhook_url: str
    webhook_secret_set: bool
    allowed_hosts: list[str]
    mail_on: bool
    mail_host: str
    mail_port: int
    mail_security: str
    mail_username: str
    mail_password_set: bool
    mail_from: str
    mail_to: list[str]
    certificate: str
    backup_every_h: int


class TestIn(BaseModel):
    channel: Literal["webhook", "mail"]


class TestOut(BaseModel):
    said: str = Field(description="What the receiver answered")


@api.get("/system")
@api.output(SystemOut)
@api.doc(summary="How the product is: nodes, trunks, workers, queues, disks, alarms", tags=TAG)
def get_system() -> dict[str, Any]:
    administrators_only()
    return system_view.system_out(board().look(current_app.config["OBZVON"]))


@api.get("/alarms")
@api.input(AlarmQuery, location="query")
@api.output(AlarmsOut)
@api.doc(summary="Alarms that stand, or those that are over", tags=TAG)
def list_alarms(query_data: AlarmQuery) -> dict[str, Any]:
    administrators_only()
    rows = alarms.recent(100) if query_data.over else alarms.standing()
    return {"items": [system_view.alarm_out(row) for row in rows]}


@api.post("/alarms/<int:alarm_id>/acknowledge")
@api.output({}, status_code=204)
@api.doc(summary="Say that somebody takes care of it: no reminders any more", tags=TAG)
def take_alarm(alarm_id: int) -> str:
    administrators_only()
    alarms.acknowledge(alarm_id, account().username)
    board().forget()
    return ""


@api.get("/alarm-settings")
@api.output(DeliveryOut)
@api.doc(summary="Where alarms go", tags=TAG)
def get_delivery() -> dict[str, Any]:
    administrators_only()
    return dict(delivery.load().shown())


@api.put("/alarm-settings")
@api.input(DeliveryForm)
@api.output(DeliveryOut)
@api.doc(summary="Change where alarms go; an empty secret keeps the present one", tags=TAG)
def change_delivery(json_data: DeliveryForm) -> dict[str, Any]:
    administrators_only()
    delivery.save(json_data, account().username)
    board().forget()
    return dict(delivery.load().shown())


@api.post("/alarm-settings/test")
@api.input(TestIn)
@api.output(TestOut)
@api.doc(summary="Send a test alarm now, with the settings in force", tags=TAG)
def test_delivery(json_data: TestIn) -> dict[str, str]:
    administrators_only()
    return {"said": notices.test(json_data.channel)}
