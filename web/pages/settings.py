"""The account's own page: language, API keys."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from web import accounts, api_keys, i18n
from web.pages import pages


@pages.post("/locale")
def choose_locale() -> ResponseReturnValue:
    """Keep the language in the account when somebody is signed in, and in a cookie for the sign-in page."""
    locale = request.form.get("locale", "")
    response = redirect(_own_address(request.form.get("next", "")))
    if locale in i18n.LOCALES:
        if current_user.is_authenticated:
            accounts.set_locale(current_user.id, locale)
        response.set_cookie(i18n.COOKIE, locale, max_age=365 * 86400, httponly=True, samesite="Lax")
    return response


def _own_address(target: str) -> str:
    """The address if it is one of ours, else the first page."""
    parts = urlsplit(target)
    ours = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return target if ours else url_for("pages.campaigns")


@pages.get("/account")
def account() -> ResponseReturnValue:
    """Name, role, language, keys."""
    return render_template(
        "account.html", keys=api_keys.of_account(current_user.id), new_key=None, role_texts=accounts.ROLE_TEXTS
    )


@pages.post("/account/keys")
def make_key() -> ResponseReturnValue:
    """A new key is shown on the answer to this very request and nowhere else."""
    try:
        key = api_keys.create(current_user.id, request.form.get("name", ""))
    except accounts.AccountError as error:
        from web import sentences

        flash(sentences.of(error), "danger")
        return redirect(url_for("pages.account"))
    keys = api_keys.of_account(current_user.id)
    return render_template("account.html", keys=keys, new_key=key, role_texts=accounts.ROLE_TEXTS)


@pages.post("/account/keys/<int:key_id>/revoke")
def revoke_key(key_id: int) -> ResponseReturnValue:
    """The key stops working."""
    api_keys.revoke(key_id, current_user.id)
    flash(_("The key does not work any more."), "success")
    return redirect(url_for("pages.account"))


@pages.get("/")
def first() -> ResponseReturnValue:
    """The first page."""
    return redirect(url_for("pages.campaigns"))
