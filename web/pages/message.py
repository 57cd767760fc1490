"""The message editor of a campaign: one form, one step and language of it on the screen at a time."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from flask import current_app, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from itsdangerous import BadData, URLSafeSerializer

from campaigns import service, trial_calls
from campaigns.errors import CampaignError
from config.errors import ObzvonError
from config.i18n import N_
from config.settings import Settings
from web import live, sentences, texts
from web.message import actions, form, problems, tree, view, words
from web.message.draft import Draft
from web.message.form import Screen
from web.message.problems import Problem
from web.pages import pages


def _settings() -> Settings:
    found: Settings = current_app.config["OBZVON"]
    return found


def _render(desk: view.Desk, status: int = 200, **more: Any) -> ResponseReturnValue:
    alone = request.headers.get("HX-Request") == "true" and request.method == "POST"
    about = {"notice": "", "notice_kind": "success", "conflict": False, "focus": "", "version_seen": ""} | more
    template = "parts/message_editor.html" if alone else "message.html"
    return render_template(template, **view.words_of(desk), **about), status


@pages.get("/campaigns/<int:campaign_id>/message/edit")
def message_editor(campaign_id: int) -> ResponseReturnValue:
    """The campaign's message as it is kept."""
    campaign = service.get(campaign_id)
    draft = view.of_campaign(campaign)
    screen = Screen(language=draft.default_language)
    return _render(view.desk(campaign, draft, screen, None, _settings()), version_seen=campaign.message_version)


@pages.post("/campaigns/<int:campaign_id>/message/edit")
def edit_message(campaign_id: int) -> ResponseReturnValue:
    """One order: move, add, remove, show another step, save."""
    request.max_form_parts = form.MOST_PARTS
    campaign = service.get(campaign_id)
    draft, screen = form.read(request.form)
    refused = _take_sounds(draft, screen)
    order = request.form.get("do", "refresh")
    language = request.form.get("add-language", "")
    focus = actions.do(draft, screen, f"language:{language}" if language and order == "refresh" else order)
    desk = view.desk(campaign, draft, screen, request.form, _settings())
    view.follow_contact(desk, request.form)
    desk.checked.tried = request.form.get("tried") == "1"
    desk.checked.problems += refused
    seen = request.form.get("version", "")
    if order.partition(":")[0] == "save":
        return _save(desk, seen, anyway=order == "save:anyway")
    return _render(desk, focus=focus, version_seen=seen)


def _save(desk: view.Desk, seen: str, anyway: bool) -> ResponseReturnValue:
    desk.checked.tried = True
    if desk.checked.message is None:
        _show_first(desk)
        return _render(
            desk, 422, notice=problems.summary(desk.checked), notice_kind="danger", focus="message-notice",
            version_seen=seen,
        )  # fmt: skip
    if seen != desk.campaign.message_version and not anyway:
        text = _("Somebody else has saved another message of this campaign in the meantime.")
        return _render(desk, 409, notice=text, notice_kind="warning", conflict=True, version_seen=seen)
    campaign_id = desk.campaign.id
    try:
        service.set_message(campaign_id, desk.checked.message)
    except ObzvonError as error:
        return _render(desk, 422, notice=sentences.of(error), notice_kind="danger", version_seen=seen)
    live.board.forget(campaign_id)
    desk.campaign = service.get(campaign_id)
    desk.checked.tried = False
    return _render(desk, notice=_("The message is saved."), version_seen=desk.campaign.message_version)


def _show_first(desk: view.Desk) -> None:
    """The step and language in which the first thing is wrong."""
    first = desk.checked.serious[0]
    if first.step in desk.draft.steps and not any(
        one.step == desk.screen.step and one.language in ("", desk.screen.language) for one in desk.checked.serious
    ):
        desk.screen.step = first.step
        desk.screen.language = first.language or desk.screen.language
        view.hear(desk)


def _take_sounds(draft: Draft, screen: Screen) -> list[Problem]:
    """Sound files that came with the form become sounds of their blocks; a refusal stays at its block."""
    refused = []
    for prefix in ("b", "i"):
        numbers = request.form.getlist(f"{prefix}-order")
        for at, number in enumerate(numbers):
            sent = request.files.get(f"{prefix}-{number}-file")
            if sent is None or not sent.filename:
                continue
            block = actions.blocks_of(draft, screen, prefix)[at]
            name = Path(sent.filename).name
            try:
                with tempfile.TemporaryDirectory(prefix="obzvon-sound-") as folder:
                    source = Path(folder) / "upload"
                    sent.save(source)
                    sound = service.add_sound(source, name)
            except ObzvonError as error:
                text = sentences.of(error)
                refused.append(Problem(screen.step, screen.language, f"{prefix}-{at}", text, "stem", error.code))
                continue
            block.stem, block.name, block.seconds = sound.stem, name[:255], f"{sound.duration_s:.2f}"
    return refused


def _desk(campaign_id: int) -> view.Desk:
    """What is on the screen now."""
    request.max_form_parts = form.MOST_PARTS
    campaign = service.get(campaign_id)
    draft, screen = form.read(request.form)
    return view.desk(campaign, draft, screen, request.form, _settings())


@pages.post("/campaigns/<int:campaign_id>/message/heard")
def message_heard(campaign_id: int) -> ResponseReturnValue:
    """While somebody types: what is heard, and what is wrong now."""
    desk = _desk(campaign_id)
    desk.checked.tried = request.form.get("tried") == "1"
    return render_template("parts/message_renewed.html", **view.words_of(desk), places=_places(desk))


def _places(desk: view.Desk) -> list[str]:
    """Where the screen has room for problems."""
    step = desk.draft.steps[desk.screen.step]
    found = ["step", "settings"] + (["keys"] if step.choice else [])
    for prefix, blocks in step.lists(desk.screen.language):
        found += [prefix, *(f"{prefix}-{number}" for number in range(len(blocks)))]
    return found + [place for place, _action in step.actions()]


@pages.post("/campaigns/<int:campaign_id>/message/listen/<any(b, i):prefix>")
def listen_message(campaign_id: int, prefix: str) -> ResponseReturnValue:
    """Make the sound of what is on the screen; the answer is a player."""
    desk = _desk(campaign_id)
    said = desk.heard.get(prefix)
    if said is None or said.message is None:
        return _refused(CampaignError("message_words_missing", N_("Write what is said."), status=422))
    try:
        path = service.preview(campaign_id, fields=desk.fields, message=said.message)
    except ObzvonError as error:
        return _refused(error)
    return render_template("parts/message_player.html", address=address_of(campaign_id, path))


def _refused(error: ObzvonError) -> ResponseReturnValue:
    """Told where the button is, not above the page."""
    return render_template("parts/notice.html", message=sentences.of(error), kind="danger"), error.status


def address_of(campaign_id: int, path: Path) -> str:
    """Where the browser gets this sound; nobody can make up such an address."""
    token = _signer(campaign_id).dumps(str(path))
    return url_for("pages.message_preview", campaign_id=campaign_id, token=token)


def _signer(campaign_id: int) -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt=f"message-preview-{campaign_id}")


@pages.get("/campaigns/<int:campaign_id>/message/preview/<token>.wav")
def message_preview(campaign_id: int, token: str) -> ResponseReturnValue:
    """A sound that was made for this campaign's editor."""
    service.get(campaign_id)
    try:
        path = Path(str(_signer(campaign_id).loads(token)))
    except BadData:
        path = Path("/nonexistent")
    if not path.is_file():
        raise CampaignError("message_sound_gone", N_("This sound file is gone: send it again."), status=404)
    return send_file(path, mimetype="audio/wav", conditional=True)


@pages.get("/campaigns/<int:campaign_id>/message/sounds/<stem>.wav")
def message_sound(campaign_id: int, stem: str) -> ResponseReturnValue:
    """A recorded sound of a block."""
    service.get(campaign_id)
    folder = _settings().sounds
    path = folder / f"{stem}.wav"
    if not view.STEM.match(stem) or not (path.is_file() or view.fetch_sound(folder, stem)):
        raise CampaignError("message_sound_gone", N_("This sound file is gone: send it again."), status=404)
    return send_file(path, mimetype="audio/wav", conditional=True)


@pages.post("/campaigns/<int:campaign_id>/message/test-call")
def make_trial(campaign_id: int) -> ResponseReturnValue:
    """Call the typed number with the message on the screen."""
    desk = _desk(campaign_id)
    if desk.checked.message is None:
        sentence = N_("The message is not finished: save it to see what is missing.")
        return _refused(CampaignError("message_not_finished", sentence, status=422))
    trunk = request.form.get("trial-trunk", "")
    try:
        made = trial_calls.make(
            campaign_id,
            request.form.get("trial-number", ""),
            trunk_id=int(trunk) if re.fullmatch("[0-9]{1,18}", trunk) else None,
            message=desk.checked.message,
            fields=desk.fields,
            by=current_user.username,
        )
    except ObzvonError as error:
        return _refused(error)
    return trial(campaign_id, made)


@pages.get("/campaigns/<int:campaign_id>/message/test-call/<int:trial_id>")
def trial(campaign_id: int, trial_id: int) -> ResponseReturnValue:
    """How far it is; the part asks again by itself until the call is over."""
    campaign = service.get(campaign_id)
    found = trial_calls.look(campaign_id, trial_id)
    reason = texts.why(service.why_not_called(found.contact_id), campaign.timezone) if found.stage == "waiting" else ""
    return render_template(
        "parts/message_trial.html",
        trial=found,
        campaign=campaign,
        reason=reason,
        words=words,
        step_title=tree.step_title,
    )
