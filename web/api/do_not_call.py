"""The do-not-call list over the API."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, Field

from campaigns import do_not_call as service
from web import queries
from web.api import account, api, schemas

TAG = ["Do not call"]


class NumberQuery(schemas.Paging):
    number: str = Field("", max_length=40, description="Part of the number")


class NumberIn(BaseModel):
    number: str = Field("", max_length=40, description="With its country code")
    comment: str = Field("", max_length=200)


class NumberOut(schemas.Out):
    number: str
    created_at: dt.datetime
    campaign_id: int | None = Field(description="The campaign whose callee asked for it; null: see the next two")
    test_call: bool = Field(description="Said in a test call, which created_by asked for")
    created_by: str
    comment: str


class NumberPage(schemas.PageOut):
    items: list[NumberOut]


@api.get("/do-not-call")
@api.input(NumberQuery, location="query")
@api.output(NumberPage)
@api.doc(summary="Numbers that no campaign calls, newest first", tags=TAG)
def list_do_not_call(query_data: NumberQuery) -> dict[str, Any]:
    return schemas.page_out(NumberOut, queries.do_not_call(**query_data.model_dump()))


@api.post("/do-not-call")
@api.input(NumberIn)
@api.output(NumberOut, status_code=201)
@api.doc(summary="Put a number on the do-not-call list", tags=TAG)
def add_do_not_call(json_data: NumberIn) -> NumberOut:
    digits = service.add(json_data.number, by=account().username, comment=json_data.comment)
    return NumberOut.model_validate(queries.do_not_call(number=digits).items[0])


@api.delete("/do-not-call/<number>")
@api.output({}, status_code=204)
@api.doc(summary="Take a number off the do-not-call list", tags=TAG)
def remove_do_not_call(number: str) -> str:
    service.remove(number)
    return ""
