"""Excel reports over the API."""

from __future__ import annotations

from typing import Any

from flask import send_file
from flask.typing import ResponseReturnValue

from campaigns import exports as service
from campaigns import service as campaign_service
from web import queries
from web.api import account, api, schemas
from web.pages.exports import XLSX

TAG = ["Reports"]


@api.get("/campaigns/<int:campaign_id>/exports")
@api.output(schemas.ExportsOut)
@api.doc(summary="Reports of a campaign, newest first", tags=TAG)
def list_exports(campaign_id: int) -> dict[str, Any]:
    campaign_service.get(campaign_id)
    return schemas.listed(schemas.ExportOut, service.of_campaign(campaign_id))


@api.post("/campaigns/<int:campaign_id>/exports")
@api.input(schemas.ExportIn)
@api.output(schemas.ExportOut, status_code=202)
@api.doc(summary="Ask for the Excel report; it is written by a job, see its state", tags=TAG)
def request_export(campaign_id: int, json_data: schemas.ExportIn) -> schemas.ExportOut:
    number = service.request(campaign_id, locale=json_data.locale, zone=json_data.zone, by=account().username)
    return schemas.ExportOut.model_validate(service.get(number))


@api.get("/campaigns/<int:campaign_id>/exports/<int:export_id>")
@api.output(schemas.ExportOut)
@api.doc(summary="One report", tags=TAG)
def get_export(campaign_id: int, export_id: int) -> schemas.ExportOut:
    return schemas.ExportOut.model_validate(queries.export(campaign_id, export_id))


@api.get("/campaigns/<int:campaign_id>/exports/<int:export_id>/file")
@api.doc(summary="The Excel file of a report that is ready", tags=TAG, responses={200: {"content": {XLSX: {}}}})
def get_export_file(campaign_id: int, export_id: int) -> ResponseReturnValue:
    queries.export(campaign_id, export_id)
    path, filename = service.hand_out(export_id)
    return send_file(path, mimetype=XLSX, as_attachment=True, download_name=filename)


@api.post("/campaigns/<int:campaign_id>/exports/<int:export_id>/cancel")
@api.output(schemas.ExportOut)
@api.doc(summary="Stop writing a report", tags=TAG)
def cancel_export(campaign_id: int, export_id: int) -> schemas.ExportOut:
    queries.export(campaign_id, export_id)
    service.cancel(export_id)
    return schemas.ExportOut.model_validate(service.get(export_id))
