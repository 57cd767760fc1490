"""Sign-in by Flask-Security: argon2, tracked, no registration; and who is let through to which page."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps

from flask import Flask, Request, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_limiter import Limiter
from flask_login import current_user
from flask_security import LoginForm, Security, SQLAlchemyUserDatastore, password_changed, user_authenticated
from flask_security.utils import validate_redirect_url
from flask_wtf import CSRFProtect
from sqlalchemy import func, select
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length

from config import audit, database, secret_store
from config.extensions import db
from config.settings import Settings
from web.accounts import Role, User

csrf = CSRFProtect()

#: Pages for everybody; all others need a sign-in, and the API a key.
OPEN_ENDPOINTS = {"static", "security.login", "pages.choose_locale", "pages.health", "pages.ready", "pages.metrics"}
#: Of Flask-Security's pages these exist here; what its next version may add stays closed until it is listed.
SECURITY_ENDPOINTS = {"security.login", "security.logout", "security.change_password"}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class SignInForm(LoginForm):
    """Name and password; which of the two is wrong is never said."""

    email = None
    username = StringField(
        lazy_gettext("Name"),
        validators=[InputRequired(lazy_gettext("Write your name.")), Length(max=255)],
        render_kw={"autocomplete": "username", "autofocus": True},
    )
    remember = BooleanField(lazy_gettext("Keep me signed in on this computer"))

    def validate(self, **kwargs: object) -> bool:
        """Check the password, then load the account anew in a transaction that begins with the intent to write.

        Flask-Security writes the time of sign-in through the object that it read before; on SQLite such a
        transaction fails when somebody else has written in between, and argon2 takes long enough for that. Taking
        the write lock before argon2 would stop the dial engine for that long.
        """
        if self.next.data and not validate_redirect_url(self.next.data):
            self.next.data = ""  # a link of somebody else's leads to our first page
        self.ifield = self.username
        name = (self.username.data or "").strip()
        self.user = db.session.scalar(select(User).where(func.lower(User.username) == name.lower())) if name else None
        if not super().validate(**kwargs):
            known = self.user.username if self.user else ""
            db.session.rollback()
            self._say_nothing_more()
            # Not the name as it was typed: people type their password there.
            audit.record("sign_in_failed", "account", "", name=known or "unknown")
            return False
        account_id = self.user.id
        db.session.rollback()
        with database.write_intent():
            self.user = db.session.get(User, account_id)
        return True

    def _say_nothing_more(self) -> None:
        """One answer for a wrong name, a wrong password and a disabled account (Flask-Security's own way of doing
        this wants a field for the e-mail address)."""
        if any(field.errors for field in (self.username, self.password)):
            self.username.errors = [gettext("The name or the password is wrong, or the account is disabled.")]
            self.password.errors = []


def install(app: Flask, settings: Settings, limiter: Limiter) -> None:
    """Bind Flask-Security, CSRF and the gate in front of all pages."""
    secrets = secret_store.load(settings.home)
    app.config.update(
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of a method
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SALT=secrets.password_salt,
        SECURITY_PASSWORD_LENGTH_MIN=10,
        SECURITY_TOTP_SECRETS={"1": secrets.totp_key},
        SECURITY_USER_IDENTITY_ATTRIBUTES=[{"username": {"mapper": _name_mapper, "case_insensitive": True}}],
        SECURITY_DATETIME_FACTORY=database.utcnow,
        SECURITY_TRACKABLE=True,
        SECURITY_REGISTERABLE=False,
        SECURITY_CHANGEABLE=True,
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_FLASH_MESSAGES=False,
        SECURITY_FRESHNESS=dt.timedelta(minutes=-1),  # no page asks for the password again
        SECURITY_LOGIN_URL="/sign-in",
        SECURITY_LOGOUT_URL="/sign-out",
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_CHANGE_URL="/account/password",
        SECURITY_POST_LOGIN_VIEW="pages.campaigns",
        SECURITY_POST_LOGOUT_VIEW="security.login",
        SECURITY_POST_CHANGE_VIEW="pages.account",
        SECURITY_LOGIN_USER_TEMPLATE="sign_in.html",
        SECURITY_CHANGE_PASSWORD_TEMPLATE="change_password.html",  # noqa: S106 - a file
        SESSION_COOKIE_NAME=f"obzvon_{settings.web_port}",  # browsers share cookies between the ports of a host
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.web_https,
        REMEMBER_COOKIE_NAME=f"obzvon_{settings.web_port}_remember",
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_SECURE=settings.web_https,
        REMEMBER_COOKIE_DURATION=dt.timedelta(days=14),
        PERMANENT_SESSION_LIFETIME=dt.timedelta(hours=12),
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a page may stay open all day
    )
    csrf.init_app(app)
    Security(app, SQLAlchemyUserDatastore(db, User, Role), login_form=SignInForm)
    app.login_manager.request_loader(_no_token)
    user_authenticated.connect(_signed_in, app, weak=False)
    password_changed.connect(_password_changed, app, weak=False)
    limit = limiter.limit(
        "10 per minute;60 per hour", methods=["POST"], deduct_when=lambda response: response.status_code != 302
    )
    for endpoint in ("security.login", "security.change_password"):
        app.view_functions[endpoint] = limit(app.view_functions[endpoint])
    app.view_functions["security.logout"] = _end_all_sessions(app.view_functions["security.logout"])
    app.before_request(_gate)
    app.teardown_request(_end_write_intent)


def _signed_in(_app: Flask, user: User, **_more: object) -> None:
    """In the transaction that also keeps the time of sign-in."""
    with audit.acting(user.username, request.remote_addr or ""):
        audit.append(db.session, "signed_in", "account", user.id, name=user.username)


def _password_changed(_app: Flask, user: User, **_more: object) -> None:
    audit.append(db.session, "password_changed", "account", user.id, name=user.username)


def _end_all_sessions(sign_out: Callable[[], ResponseReturnValue]) -> Callable[[], ResponseReturnValue]:
    """Sign-out ends every session of the account: a session is its cookie alone, so a copy of it would go on."""

    @wraps(sign_out)
    def view() -> ResponseReturnValue:
        if current_user.is_authenticated:
            current_user.fs_uniquifier = uuid.uuid4().hex
            audit.append(db.session, "signed_out", "account", current_user.id, name=current_user.username)
            db.session.commit()
        return sign_out()

    return view


def _no_token(_request: Request) -> None:
    """Pages are opened by a session alone: Flask-Security would take a token from the address too."""


def _name_mapper(text: str) -> str:
    return text.strip()


def _gate() -> ResponseReturnValue | None:
    """Let nobody through who has not signed in, except to the open pages; deny by default.

    The account is read and let go of here, so that no transaction of this request stays open while a service
    function writes in one of its own.
    """
    if request.path.startswith("/api/") or request.endpoint in OPEN_ENDPOINTS:
        return None
    security_page = request.blueprint == "security"
    if security_page and request.endpoint not in SECURITY_ENDPOINTS:
        abort(404)
    if security_page and request.method not in SAFE_METHODS:
        g.write_intent = ExitStack()
        g.write_intent.enter_context(database.write_intent())
    if not current_user.is_authenticated:
        if request.headers.get("HX-Request"):
            return "", 401, {"HX-Redirect": url_for("security.login")}
        return redirect(url_for("security.login", next=request.full_path.rstrip("?")))
    if not security_page:
        db.session.expunge_all()
        db.session.remove()
    return None


def _end_write_intent(_exc: BaseException | None) -> None:
    stack = g.pop("write_intent", None)
    if stack is not None:
        stack.close()
