"""Trunks over the API; changes need an administrator's key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config.database import read, utcnow
from dialer import trunk_caps
from dialer import trunks as service
from dialer.models import Trunk
from dialer.trunks import TrunkForm
from web import queries
from web.api import administrators_only, api, schemas

TAG = ["Trunks"]


@api.get("/trunks")
@api.output(schemas.TrunksOut)
@api.doc(summary="All trunks", tags=TAG)
def list_trunks() -> dict[str, Any]:
    return {"items": _out(service.all_trunks())}


def _out(trunks: Sequence[Trunk]) -> list[schemas.TrunkOut]:
    """Trunks as the API gives them, with what they have used today."""
    with read() as session:
        today = trunk_caps.used_by_trunk(session, utcnow())
    found = []
    for trunk in trunks:
        used = today.get(trunk.id, trunk_caps.Used())
        spend = round(used.spend(trunk.price_per_minute), 4)
        told = {"minutes_today": round(used.minutes(), 3), "calls_today": used.calls, "spend_today": spend}
        found.append(schemas.TrunkOut.model_validate(trunk).model_copy(update=told))
    return found


@api.get("/trunks/<int:trunk_id>")
@api.output(schemas.TrunkOut)
@api.doc(summary="One trunk; its secret is never given", tags=TAG)
def get_trunk(trunk_id: int) -> schemas.TrunkOut:
    return get(trunk_id)


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
    return _out([queries.trunk(trunk_id)])[0]


@api.delete("/trunks/<int:trunk_id>")
@api.output({}, status_code=204)
@api.doc(summary="Remove a trunk that nothing was dialled through", tags=TAG)
def delete_trunk(trunk_id: int) -> str:
    administrators_only()
    service.delete(trunk_id)
    return ""
