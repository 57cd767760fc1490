"""Voices, and what may be sent to an engine of another company. Administrators only."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from campaigns import voices
from web.message import voices as by_language
from web.message import words
from web.pages import pages
from web.pages.guard import administrators


@pages.get("/system/voices")
@administrators
def speech() -> ResponseReturnValue:
    """All voices with their licences."""
    return render_template("speech.html", voices=by_language.by_language(), accepted=voices.acceptance(), words=words)


@pages.post("/system/voices")
@administrators
def accept_speech() -> ResponseReturnValue:
    """Keep the decision."""
    voices.accept(request.form.get("texts") == "1", request.form.get("personal") == "1")
    flash(_("Saved."), "success")
    return redirect(url_for("pages.speech"))
