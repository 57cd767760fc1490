"""Campaigns over the API."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import FileStorage

from campaigns import service, step_statistics
from campaigns.errors import CampaignError
from campaigns.service import CampaignForm
from web import forms, live, queries, sentences
from web.api import account, api, schemas
from web.pages.campaigns import ORDERS, take_sound

TAG = ["Campaigns"]


@api.get("/campaigns")
@api.input(schemas.CampaignQuery, location="query")
@api.output(schemas.CampaignPage)
@api.doc(summary="List campaigns", tags=TAG)
def list_campaigns(query_data: schemas.CampaignQuery) -> dict[str, Any]:
    return schemas.page_out(schemas.CampaignOut, queries.campaigns(**query_data.model_dump()))


@api.post("/campaigns")
@api.input(CampaignForm)
@api.output(schemas.CampaignOut, status_code=201)
@api.doc(summary="Make a campaign", tags=TAG)
def make_campaign(json_data: CampaignForm) -> schemas.CampaignOut:
    return _out(service.create(json_data, by=account().username))


@api.get("/campaigns/<int:campaign_id>")
@api.output(schemas.CampaignOut)
@api.doc(summary="One campaign", tags=TAG)
def get_campaign(campaign_id: int) -> schemas.CampaignOut:
    return _out(campaign_id)


def _out(campaign_id: int) -> schemas.CampaignOut:
    return schemas.CampaignOut.model_validate(service.get(campaign_id))


@api.put("/campaigns/<int:campaign_id>")
@api.input(CampaignForm)
@api.output(schemas.CampaignOut)
@api.doc(summary="Replace all settings of a campaign", tags=TAG)
def replace_campaign(campaign_id: int, json_data: CampaignForm) -> schemas.CampaignOut:
    service.update_settings(campaign_id, json_data)
    live.board.forget(campaign_id)
    return _out(campaign_id)


@api.patch("/campaigns/<int:campaign_id>")
@api.input(schemas.CampaignPatch)
@api.output(schemas.CampaignOut)
@api.doc(summary="Change some settings of a campaign", tags=TAG)
def change_campaign(campaign_id: int, json_data: BaseModel) -> schemas.CampaignOut:
    campaign = service.get(campaign_id)
    values = {name: getattr(campaign, name) for name in CampaignForm.model_fields}
    try:
        form = CampaignForm(**{**values, **json_data.model_dump(exclude_unset=True)})
    except ValidationError as error:
        field, message = next(iter(forms.errors_of(error).items()))
        raise CampaignError("input_wrong", message, field=field, status=422) from error
    service.update_settings(campaign_id, form)
    live.board.forget(campaign_id)
    return _out(campaign_id)


@api.delete("/campaigns/<int:campaign_id>")
@api.output({}, status_code=204)
@api.doc(summary="Delete a campaign that does not run", tags=TAG)
def delete_campaign(campaign_id: int) -> str:
    service.delete(campaign_id)
    return ""


@api.post("/campaigns/<int:campaign_id>/<any(start, pause, resume, stop):order>")
@api.output(schemas.CampaignOut)
@api.doc(summary="Start, pause, resume or stop", tags=TAG)
def order_campaign(campaign_id: int, order: str) -> schemas.CampaignOut:
    ORDERS[order](campaign_id)
    live.board.forget(campaign_id)
    return _out(campaign_id)


@api.get("/campaigns/<int:campaign_id>/start-problems")
@api.output(schemas.ProblemsOut)
@api.doc(summary="What must be done before it can start", tags=TAG)
def start_problems(campaign_id: int) -> dict[str, Any]:
    found = service.start_problems(campaign_id)
    return {"problems": [{"code": e.code, "message": sentences.of(e), "field": e.field} for e in found]}


@api.get("/campaigns/<int:campaign_id>/counts")
@api.output(schemas.CountsOut)
@api.doc(summary="The numbers of a campaign now", tags=TAG)
def get_counts(campaign_id: int) -> schemas.CountsOut:
    return schemas.CountsOut.model_validate(live.board.snapshot(campaign_id).counts)


@api.get("/campaigns/<int:campaign_id>/steps")
@api.output(schemas.StatisticsOut)
@api.doc(summary="What callees did at the steps of the message, and what came of hand-overs", tags=TAG)
def get_steps(campaign_id: int) -> schemas.StatisticsOut:
    service.get(campaign_id)
    return schemas.StatisticsOut.model_validate(step_statistics.of_campaign(campaign_id))


@api.put("/campaigns/<int:campaign_id>/message")
@api.input(schemas.MessageIn, location="files")
@api.output(schemas.CampaignOut)
@api.doc(summary="Upload the message: a sound file", tags=TAG)
def put_message(campaign_id: int, files_data: schemas.MessageIn) -> schemas.CampaignOut:
    service.get(campaign_id)
    sound: FileStorage = files_data.sound
    take_sound(campaign_id, sound)
    return _out(campaign_id)


@api.post("/campaigns/<int:campaign_id>/unknown")
@api.input(schemas.UnknownIn)
@api.output(schemas.UnknownOut)
@api.doc(summary="Decide on contacts whose call was lost with the exchange", tags=TAG)
def decide_unknown(campaign_id: int, json_data: schemas.UnknownIn) -> dict[str, int]:
    count = service.decide_unknown(campaign_id, json_data.redial)
    live.board.forget(campaign_id)
    return {"contacts": count}
