"""Messages made of blocks over the API: all that the editor's page does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from flask import send_file
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field
from werkzeug.datastructures import FileStorage

from campaigns import service, trial_calls, voices
from campaigns.message.blocks import MAIN, Message
from tts import phrases
from web import live, queries, sentences, texts
from web.api import account, administrators_only, api, schemas

TAG = ["Messages"]


class MessageOut(BaseModel):
    message: Message | None = Field(description="null: every callee hears the campaign's sound")
    version: str = Field(description="Changes with the message; contacts are prepared for one version")


class SaidIn(BaseModel):
    """What is tried: the campaign's message, or one that is not saved yet."""

    message: Message | None = Field(None, description="The campaign's own when left out")
    contact_id: int | None = Field(None, ge=1, le=2**63 - 1, description="A contact of the campaign")
    fields: dict[str, str] | None = Field(None, description="Or the row of a contact that is in no base")


class HeardIn(SaidIn):
    place: str = Field(MAIN, max_length=40, description="A step, or the step's name and .invalid")


class SaidOut(BaseModel):
    words: dict[str, str] = Field(description="What is said, by place: a step, or the step's name and .invalid")


class SoundOut(BaseModel):
    """What a block of the kind sound needs."""

    stem: str
    name: str
    seconds: float


class VoiceOut(BaseModel):
    name: str
    language: str
    engine: str
    licence: str
    low_quality: bool = Field(description="Understandable, not pleasant")
    leaves_house: bool = Field(description="Texts are sent to another company")


class VoicesOut(BaseModel):
    items: list[VoiceOut]


class ProgressOut(BaseModel):
    pending: int = Field(description="Contacts still to be called")
    ready: int = Field(description="Of these, with the sound of the present message")
    not_prepared: int = Field(description="Given up since their own data cannot be said")
    working: bool = Field(description="Sound is being made now")
    until_start: bool = Field(description="The campaign is over: nothing is made before it is started again")
    problem: str = Field(description="Code of what keeps all from being made; empty when nothing does")
    message: str = Field(description="The problem as a sentence")
    fallbacks: dict[str, int] = Field(
        description='Pieces that another engine spoke than the one chosen: "engine: code" of that one, and how many'
    )


class TrialIn(SaidIn):
    number: str = Field(max_length=40, description="The number that is called")
    trunk_id: int | None = Field(None, ge=1, le=2**63 - 1, description="The campaign's trunk when left out")


class TrialStepOut(schemas.Out):
    step: str
    result: str
    name: str
    value: str


class TrialOut(BaseModel):
    """A test call; it counts for nothing in the campaign."""

    id: int
    number: str
    stage: str = Field(description="preparing, waiting, calling, done or failed")
    problem: str = Field(description="Code of why it is not made; empty when nothing is in the way")
    message: str = Field(description="The same as a sentence")
    attempt: schemas.AttemptOut | None
    steps: list[TrialStepOut]


class SpeechSettings(BaseModel):
    """What may be sent to Google's speech engine."""

    texts: bool = Field(description="Texts that are the same for everybody")
    personal: bool = Field(False, description="Texts with a person's data, too")


@api.get("/campaigns/<int:campaign_id>/message")
@api.output(MessageOut)
@api.doc(summary="The message of a campaign", tags=TAG)
def get_message(campaign_id: int) -> dict[str, Any]:
    return _message(campaign_id)


def _message(campaign_id: int) -> dict[str, Any]:
    campaign = service.get(campaign_id)
    return {"message": campaign.message, "version": campaign.message_version}


@api.put("/campaigns/<int:campaign_id>/message")
@api.input(Message)
@api.output(MessageOut)
@api.doc(summary="Replace the message; contacts still to be called are prepared anew", tags=TAG)
def put_message(campaign_id: int, json_data: Message) -> dict[str, Any]:
    service.set_message(campaign_id, json_data)
    live.board.forget(campaign_id)
    return _message(campaign_id)


@api.delete("/campaigns/<int:campaign_id>/message")
@api.output({}, status_code=204)
@api.doc(summary="Remove the message: every callee hears the campaign's sound again", tags=TAG)
def delete_message(campaign_id: int) -> str:
    service.set_message(campaign_id, None)
    live.board.forget(campaign_id)
    return ""


@api.post("/campaigns/<int:campaign_id>/message/preview")
@api.input(SaidIn)
@api.output(SaidOut)
@api.doc(summary="What a contact hears, in words", tags=TAG)
def preview_message(campaign_id: int, json_data: SaidIn) -> dict[str, Any]:
    words = service.preview_text(campaign_id, json_data.contact_id, json_data.fields, json_data.message)
    return {"words": words}


@api.post("/campaigns/<int:campaign_id>/message/preview.wav")
@api.input(HeardIn)
@api.output({}, content_type="audio/wav")
@api.doc(summary="What a contact hears, as a sound", tags=TAG)
def hear_message(campaign_id: int, json_data: HeardIn) -> ResponseReturnValue:
    path = service.preview(
        campaign_id, json_data.contact_id, json_data.fields, place=json_data.place, message=json_data.message
    )
    return send_file(path, mimetype="audio/wav")


@api.post("/campaigns/<int:campaign_id>/message/sounds")
@api.input(schemas.MessageIn, location="files")
@api.output(SoundOut, status_code=201)
@api.doc(summary="Take in a recorded sound for a block: wav, mp3, ogg or flac", tags=TAG)
def add_message_sound(campaign_id: int, files_data: schemas.MessageIn) -> dict[str, Any]:
    service.get(campaign_id)
    sent: FileStorage = files_data.sound
    name = Path(sent.filename or "sound").name
    with tempfile.TemporaryDirectory(prefix="obzvon-sound-") as folder:
        source = Path(folder) / "upload"
        sent.save(source)
        sound = service.add_sound(source, name)
    return {"stem": sound.stem, "name": name[:255], "seconds": round(sound.duration_s, 2)}


@api.get("/campaigns/<int:campaign_id>/message/progress")
@api.output(ProgressOut)
@api.doc(summary="How far the sounds of the contacts are", tags=TAG)
def message_progress(campaign_id: int) -> dict[str, Any]:
    service.get(campaign_id)
    found = service.prepare_progress(campaign_id)
    told = sentences.of_code(found.problem, **found.words) if found.problem else ""
    names = ("pending", "ready", "not_prepared", "working", "until_start", "problem", "fallbacks")
    return {**{name: getattr(found, name) for name in names}, "message": told}


@api.post("/campaigns/<int:campaign_id>/message/test-call")
@api.input(TrialIn)
@api.output(TrialOut, status_code=202)
@api.doc(summary="Call a number of one's own with the message", tags=TAG)
def make_trial(campaign_id: int, json_data: TrialIn) -> dict[str, Any]:
    fields = json_data.fields
    if json_data.contact_id is not None:
        contact = queries.contact(campaign_id, json_data.contact_id)
        fields = {str(name): str(value) for name, value in contact.fields.items()}
    made = trial_calls.make(
        campaign_id,
        json_data.number,
        trunk_id=json_data.trunk_id,
        message=json_data.message,
        fields=fields,
        by=account().username,
    )
    return _trial(campaign_id, made)


@api.get("/campaigns/<int:campaign_id>/message/test-call/<int:trial_id>")
@api.output(TrialOut)
@api.doc(summary="How far a test call is, and what came of it", tags=TAG)
def get_trial(campaign_id: int, trial_id: int) -> dict[str, Any]:
    return _trial(campaign_id, trial_id)


def _trial(campaign_id: int, trial_id: int) -> dict[str, Any]:
    found = trial_calls.look(campaign_id, trial_id)
    code, told = "", ""
    if found.problem is not None:
        code, told = found.problem.code, sentences.of(found.problem)
    elif found.stage == "waiting":
        verdict = service.why_not_called(found.contact_id)
        code, told = str(verdict.rule), texts.why(verdict, service.get(campaign_id).timezone)
    return {
        "id": found.id,
        "number": found.number,
        "stage": found.stage,
        "problem": code,
        "message": told,
        "attempt": schemas.AttemptOut.model_validate(found.attempt) if found.attempt is not None else None,
        "steps": [TrialStepOut.model_validate(step) for step in found.steps],
    }


@api.get("/voices")
@api.output(VoicesOut)
@api.doc(summary="Voices of all languages; the first of a language speaks without a choice", tags=TAG)
def list_voices() -> dict[str, Any]:
    names = ("name", "language", "engine", "licence", "low_quality", "leaves_house")
    found = [voice for code in phrases.LANGUAGES for voice in voices.offered(code)]
    return {"items": [{name: getattr(voice, name) for name in names} for voice in found]}


@api.get("/speech")
@api.output(SpeechSettings)
@api.doc(summary="What may be sent to Google's speech engine", tags=TAG)
def get_speech() -> dict[str, bool]:
    return _speech()


def _speech() -> dict[str, bool]:
    accepted = voices.acceptance()
    return {"texts": accepted.texts, "personal": accepted.personal}


@api.put("/speech")
@api.input(SpeechSettings)
@api.output(SpeechSettings)
@api.doc(summary="Accept that texts leave the house, or take it back; administrators only", tags=TAG)
def put_speech(json_data: SpeechSettings) -> dict[str, bool]:
    administrators_only()
    voices.accept(json_data.texts, json_data.personal)
    return _speech()
