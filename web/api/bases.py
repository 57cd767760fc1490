"""Bases over the API."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flask import current_app
from werkzeug.datastructures import FileStorage

from campaigns import bases as service
from campaigns import service as campaign_service
from campaigns.contacts_file import LayoutChoice
from web import live, queries, sentences
from web.api import account, api, schemas

TAG = ["Bases"]


@contextmanager
def _on_disk(sent: FileStorage) -> Iterator[Path]:
    uploads = current_app.config["OBZVON"].uploads
    uploads.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="api-", dir=uploads) as folder:
        path = Path(folder) / "upload"
        sent.save(path)
        yield path


def _choice(form: schemas.LayoutIn) -> LayoutChoice:
    return LayoutChoice.from_json(form.model_dump(include=set(schemas.LayoutIn.model_fields)))


@api.get("/campaigns/<int:campaign_id>/bases")
@api.output(schemas.BasesOut)
@api.doc(summary="All bases of a campaign", tags=TAG)
def list_bases(campaign_id: int) -> dict[str, Any]:
    campaign_service.get(campaign_id)
    return schemas.listed(schemas.BaseOut, queries.bases(campaign_id))


@api.post("/campaigns/<int:campaign_id>/bases")
@api.input(schemas.BaseIn, location="form_and_files")
@api.output(schemas.BaseOut, status_code=201)
@api.doc(summary="Upload a base; it is loaded by a job, see its state", tags=TAG)
def add_base(campaign_id: int, form_and_files_data: schemas.BaseIn) -> schemas.BaseOut:
    campaign_service.get(campaign_id)
    form = form_and_files_data
    sent: FileStorage = form.file
    with _on_disk(sent) as path:
        base_id = service.add(
            campaign_id,
            path,
            sent.filename or "list",
            form.comment,
            by=account().username,
            again=form.again,
            choice=_choice(form),
        )
    live.board.forget(campaign_id)
    return _out(campaign_id, base_id)


@api.post("/campaigns/<int:campaign_id>/bases/preview")
@api.input(schemas.PreviewIn, location="form_and_files")
@api.output(schemas.PreviewOut)
@api.doc(summary="Look at a file without loading it", tags=TAG)
def preview_base(campaign_id: int, form_and_files_data: schemas.PreviewIn) -> dict[str, Any]:
    campaign = campaign_service.get(campaign_id)
    sent: FileStorage = form_and_files_data.file
    costly = campaign_service.costly_allowed(campaign)
    choice = _choice(form_and_files_data)
    with _on_disk(sent) as path:
        seen = service.preview(path, sent.filename or "list", choice, region=campaign.region, costly=costly)
    rows = [{**asdict(row), "sentence": sentences.of_code(row.code) if row.code else ""} for row in seen.rows]
    return {"layout": seen.layout.to_json(), "rows": rows, "checked": seen.checked, "fit": seen.fit}


def _out(campaign_id: int, base_id: int) -> schemas.BaseOut:
    return schemas.BaseOut.model_validate(queries.base(campaign_id, base_id))


@api.get("/campaigns/<int:campaign_id>/bases/<int:base_id>")
@api.output(schemas.BaseOut)
@api.doc(summary="One base", tags=TAG)
def get_base(campaign_id: int, base_id: int) -> schemas.BaseOut:
    return _out(campaign_id, base_id)


@api.post("/campaigns/<int:campaign_id>/bases/<int:base_id>/cancel")
@api.output(schemas.BaseOut)
@api.doc(summary="Cancel the loading; nothing of the base stays", tags=TAG)
def cancel_base(campaign_id: int, base_id: int) -> schemas.BaseOut:
    queries.base(campaign_id, base_id)
    service.cancel(base_id)
    return _out(campaign_id, base_id)


@api.delete("/campaigns/<int:campaign_id>/bases/<int:base_id>")
@api.output({}, status_code=204)
@api.doc(summary="Delete a base nobody of which was called", tags=TAG)
def delete_base(campaign_id: int, base_id: int) -> str:
    queries.base(campaign_id, base_id)
    service.delete(base_id)
    live.board.forget(campaign_id)
    return ""


@api.get("/campaigns/<int:campaign_id>/bases/<int:base_id>/rejected")
@api.input(schemas.RejectedQuery, location="query")
@api.output(schemas.RejectedPage)
@api.doc(summary="Rows that became no contact, and why", tags=TAG)
def list_rejected(campaign_id: int, base_id: int, query_data: schemas.RejectedQuery) -> dict[str, Any]:
    queries.base(campaign_id, base_id)

    def convert(row: queries.Rejected) -> dict[str, Any]:
        message = sentences.of_code(row.code, **row.words)
        return {"line": row.line, "code": row.code, "value": row.value, "message": message}

    return schemas.page_out(schemas.RejectedOut, queries.rejected(base_id, **query_data.model_dump()), convert)
