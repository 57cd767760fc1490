"""Language and time on the screen: which language a request wants, and how times, numbers and lengths are written."""

from __future__ import annotations

import datetime as dt
import math
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_time
from babel.numbers import format_decimal, format_percent
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, get_locale
from flask_babel import gettext as _
from flask_login import current_user

from config.settings import Settings
from dialer.trunks import REHEARSAL_TITLE

LOCALES = {"en": "English", "ru": "Русский"}
COOKIE = "obzvon_locale"
DATE_TIME = {"en": "d MMM yyyy, HH:mm:ss", "ru": "dd.MM.yyyy, HH:mm:ss"}

babel = Babel()


def install(app: Flask) -> None:
    """Bind Babel and the filters of the templates to this application."""
    app.config.update(BABEL_TRANSLATION_DIRECTORIES="translations", BABEL_DEFAULT_LOCALE="en")
    babel.init_app(app, locale_selector=wanted_locale)
    app.jinja_env.filters.update(
        when=when, iso_when=iso_when, clock=clock, number=number, percent=percent, lasting=lasting, phone=phone
    )
    app.jinja_env.filters.update(trunk_title=trunk_title, typed=typed)
    app.jinja_env.globals.update(LOCALES=LOCALES, current_locale=lambda: str(get_locale()), zone_of=zone_name)


def wanted_locale() -> str:
    """The account's language, else the cookie's, the browser's, the setting's; of the API, what the request asks for.

    Live pages fix it in ``g`` (see ``web.live``).
    """
    settings: Settings = current_app.config["OBZVON"]
    if not has_request_context():
        return settings.default_locale
    if "locale" in g:
        return str(g.locale)
    asked = request.accept_languages.best_match(list(LOCALES))
    kept = request.cookies.get(COOKIE)
    own = current_user.locale if request.blueprint != "api" and current_user.is_authenticated else ""
    order = (asked, kept) if request.blueprint == "api" else (own, kept, asked)
    g.locale = next((one for one in order if one in LOCALES), settings.default_locale)
    return str(g.locale)


def zone_name(name: str | None) -> str:
    """This zone, or the setting's when there is none."""
    return name or str(current_app.config["OBZVON"].default_timezone)


def when(moment: dt.datetime | None, zone: str | None = None) -> str:
    """Date and time in this zone."""
    if moment is None:
        return ""
    locale = str(get_locale() or "en")
    local = moment.astimezone(ZoneInfo(zone_name(zone)))
    return format_datetime(local.replace(tzinfo=None), DATE_TIME[locale], locale=locale)


def iso_when(text: str) -> str:
    """A stored moment (ISO 8601) in the pages' zone."""
    return when(dt.datetime.fromisoformat(text))


def clock(moment: dt.datetime | None, zone: str | None = None) -> str:
    """The time of day in this zone, without the date."""
    if moment is None:
        return ""
    local = moment.astimezone(ZoneInfo(zone_name(zone)))
    return format_time(local.replace(tzinfo=None), "HH:mm:ss", locale=str(get_locale() or "en"))


def number(value: float, places: int | None = None) -> str:
    """With the language's separators; with exactly so many decimal places, when they are given."""
    pattern = None if places is None else "#,##0." + "0" * places
    return format_decimal(value, pattern, locale=str(get_locale() or "en"))


def percent(part: float, whole: float) -> str:
    """What part of the whole this is; empty when there is no whole."""
    if not whole:
        return ""
    return format_percent(part / whole, "#,##0%", locale=str(get_locale() or "en"))


def lasting(seconds: float | None) -> str:
    """A length of time: seconds below a minute, else minutes and seconds."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    if seconds < 60:
        return _("%(n)s s", n=number(round(seconds, 1)))
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _("%(m)s min %(s)s s", m=minutes, s=rest) if rest else _("%(m)s min", m=minutes)
    hours, minutes = divmod(minutes, 60)
    return _("%(h)s h %(m)s min", h=hours, m=minutes) if minutes else _("%(h)s h", h=hours)


def typed(text: str) -> str:
    """What stands in an input: a number as kept gets the language's decimal sign, anything else stays as it is."""
    try:
        value = float(text)
    except ValueError:
        return text
    return format_decimal(value, "0.###", locale=str(get_locale() or "en")) if math.isfinite(value) else text


def trunk_title(title: str) -> str:
    """The rehearsal carrier has its name in the reader's language, unless a user gave it one."""
    return _(title) if title == REHEARSAL_TITLE else title


def phone(digits: str) -> str:
    """E.164 digits as people write them."""
    return f"+{digits}" if digits.isdigit() else digits
