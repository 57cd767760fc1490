"""The card of a call over the API, for a CRM that pops up what its operator needs."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from campaigns import cards
from web import sentences
from web.api import api, schemas
from web.api.contacts import attempts_out

TAG = ["Contacts"]


class CardQuery(BaseModel):
    so_far: str = Field("", max_length=2000, description="What the callee did so far, as the header X-Obzvon-Card says")


class SaidOut(schemas.Out):
    step: str
    words: str


class CardOut(BaseModel):
    uid: str
    address: str = Field(description="The page with this card; a path where OBZVON_PUBLIC_URL is not set")
    up: bool = Field(description="The call has not ended")
    test_call: bool = Field(description="It tries a message; its campaign is hidden")
    campaign_id: int
    campaign: str = Field(description="Name of the campaign")
    contact_id: int
    number: str
    name: str = Field(description="From the message's column of names")
    state: str = Field(description="Of the contact: pending, reached, not_reached, unknown")
    timezone: str = Field(description="Of the contact, else of the campaign")
    do_not_call: bool
    fields: dict[str, str] = Field(description="The row of the base")
    language: str = Field(description="In which he hears the message; empty: all hear one sound")
    said: list[SaidOut] = Field(description="Words of each step for this contact")
    sound_name: str = Field(description="The sound that all hear, where the message has no blocks")
    problem: str = Field(description="Why the words cannot be told; empty otherwise")
    message_changed: bool = Field(description="The message is another one now than it was in this call")
    steps: list[schemas.StepOut] = Field(description="What he did in this call")
    attempts: list[schemas.AttemptOut] = Field(description="Every call to him in this campaign, first to last")


@api.get("/attempts/<uid>/card")
@api.input(CardQuery, location="query")
@api.output(CardOut)
@api.doc(summary="All about a call and its callee, for whom he is handed over to", tags=TAG)
def get_card(uid: str, query_data: CardQuery) -> dict[str, Any]:
    card = cards.opened(uid, query_data.so_far)
    return {
        "uid": uid,
        "address": cards.address(uid),
        "up": card.up,
        "test_call": card.test_call,
        "campaign_id": card.campaign.id,
        "campaign": card.campaign.name,
        "contact_id": card.contact.id,
        "number": card.contact.number,
        "name": card.name,
        "state": card.contact.state,
        "timezone": card.contact.timezone or card.campaign.timezone,
        "do_not_call": card.do_not_call,
        "fields": card.fields,
        "language": card.language,
        "said": [SaidOut.model_validate(one) for one in card.said],
        "sound_name": card.campaign.sound_name if card.campaign.message is None else "",
        "problem": sentences.of(card.problem) if card.problem is not None else "",
        "message_changed": card.changed,
        "steps": [schemas.StepOut.model_validate(one) for one in card.steps],
        "attempts": attempts_out(card.attempts),
    }
