"""Trunks over the API; changes need an administrator's key."""

from __future__ import annotations

from typing import Any

from dialer import trunks as service
from dialer.trunks import TrunkForm
from web import queries
from web.api import administrators_only, api, schemas

TAG = ["Trunks"]


@api.get("/trunks")
@api.output(schemas.TrunksOut)
@api.doc(summary="All trunks", tags=TAG)
def list_trunks() -> dict[str, Any]:
    return schemas.listed(schemas.TrunkOut, service.all_trunks())


@api.get("/trunks/<int:trunk_id>")
@api.output(schemas.TrunkOut)
@api.doc(summary="One trunk; its secret is never given", tags=TAG)
def get_trunk(trunk_id: int) -> schemas.TrunkOut:
    return schemas.TrunkOut.model_validate(queries.trunk(trunk_id))


@api.post("/trunks")
@api.input(TrunkForm)
@api.output(schemas.TrunkOut, status_code=201)
@api.doc(summary="Add a trunk", tags=TAG)
def make_trunk(json_data: TrunkForm) -> schemas.TrunkOut:
    administrators_only()
    return get(service.create(json_data))


@api.put("/trunks/<int:trunk_id>")
@api.input(TrunkForm)
@api.output(schemas.TrunkOut)
@api.doc(summary="Change a trunk; an empty secret keeps the present one", tags=TAG)
def change_trunk(trunk_id: int, json_data: TrunkForm) -> schemas.TrunkOut:
    administrators_only()
    service.update(trunk_id, json_data)
    return get(trunk_id)


def get(trunk_id: int) -> schemas.TrunkOut:
    """One trunk as the API gives it."""
    return schemas.TrunkOut.model_validate(queries.trunk(trunk_id))


@api.delete("/trunks/<int:trunk_id>")
@api.output({}, status_code=204)
@api.doc(summary="Remove a trunk that nothing was dialled through", tags=TAG)
def delete_trunk(trunk_id: int) -> str:
    administrators_only()
    service.delete(trunk_id)
    return ""
