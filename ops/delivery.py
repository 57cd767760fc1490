"""Where alarms go: the settings of webhook and e-mail, as an administrator gives them. Secrets are kept encrypted."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from cryptography.fernet import InvalidToken
from cryptography.x509 import load_pem_x509_certificates
from flask import current_app
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy.orm import Session

from config import audit, database, secret_store
from config.i18n import N_
from config.settings import Settings, known_zone
from ops import addresses, store
from ops.errors import OpsError
from ops.mail import MailServer

NAME = "delivery"
SHORTEST_SECRET = 16
SECRETS = ("webhook_secret", "mail_password")
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_HOST = re.compile(r"[A-Za-z0-9._:-]{0,253}")


def _split(value: object) -> object:
    return re.split(r"[,;\s]+", value) if isinstance(value, str) else value


def _filled(values: list[str]) -> list[str]:
    return list(dict.fromkeys(value.strip() for value in values if value.strip()))[:50]


Words = Annotated[list[str], BeforeValidator(_split), AfterValidator(_filled)]


class DeliveryForm(BaseModel):
    """What an administrator says. Empty secrets keep the present ones."""

    model_config = ConfigDict(str_strip_whitespace=True, extra="forbid")

    locale: Literal["en", "ru"] = Field("en", description="Language of the messages")
    zone: Annotated[str, AfterValidator(known_zone)] = Field("Europe/Moscow", description="Time zone of the messages")
    webhook_on: bool = Field(False, description="Send alarms to the webhook")
    webhook_url: str = Field("", max_length=2000, description="https address that gets each alarm as JSON")
    webhook_secret: str | None = Field(
        "", max_length=200, description="Signs each message; empty keeps the present one"
    )
    allowed_hosts: Words = Field(
        default_factory=list, description="Hosts that the webhook may reach inside your network"
    )
    mail_on: bool = Field(False, description="Send alarms by e-mail")
    mail_host: str = Field("", pattern=_HOST.pattern, max_length=253, description="Mail server")
    mail_port: int = Field(587, ge=1, le=65535)
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    mail_username: str = Field("", max_length=200)
    mail_password: str | None = Field("", max_length=200, description="Empty keeps the present one")
    mail_from: str = Field("", max_length=254)
    mail_to: Words = Field(default_factory=list, description="Addresses that get each alarm")
    certificate: str = Field("", max_length=100_000, description="PEM of an authority of your own, in addition")
    backup_every_h: int = Field(48, ge=1, le=8760, description="A last backup older than so many hours is an alarm")


class Delivery(DeliveryForm):
    """The settings in force, with the secrets in the clear: never to be shown."""

    def channels(self) -> list[str]:
        """Where alarms go now."""
        ready = {
            "webhook": self.webhook_on and bool(self.webhook_url and self.webhook_secret),
            "mail": self.mail_on and bool(self.mail_host and self.mail_to),
        }
        return [name for name, on in ready.items() if on]

    @property
    def server(self) -> MailServer:
        return MailServer(
            self.mail_host,
            self.mail_port,
            self.mail_security,
            self.mail_username,
            self.mail_password or "",
            self.certificate,
        )

    def shown(self) -> dict[str, object]:
        """For pages and API: whether there is a secret, never which."""
        values = self.model_dump()
        for name in SECRETS:
            values[f"{name}_set"] = bool(values.pop(name))
        return values


def load(settings: Settings | None = None) -> Delivery:
    """The settings in force; defaults before anybody gave any.

    A secret that was stored with another key counts as missing.
    """
    settings = settings or current_app.config["OBZVON"]
    with database.read() as session:
        kept = store.setting(session, NAME)
    for name in SECRETS:
        kept[name] = _decrypted(settings, kept.pop(f"{name}_encrypted", ""))
    kept.setdefault("zone", settings.default_timezone)
    kept.setdefault("locale", settings.default_locale)
    return Delivery.model_validate(kept)


def _decrypted(settings: Settings, token: str) -> str:
    try:
        return secret_store.decrypt(settings.home, token) if token else ""
    except InvalidToken:
        return ""


def save(form: DeliveryForm, by: str) -> None:
    """Keep these settings.

    :raises OpsError: a field is wrong; nothing is changed then.
    """
    settings: Settings = current_app.config["OBZVON"]
    before = load(settings)
    secrets = {name: getattr(form, name) or getattr(before, name) or "" for name in SECRETS}
    if not form.mail_username:
        secrets["mail_password"] = ""
    if not form.webhook_url:
        secrets["webhook_secret"] = ""
    _check_webhook(form, secrets["webhook_secret"])
    _check_mail(form)
    _check_certificate(form.certificate)
    values = form.model_dump(exclude=set(SECRETS))
    for name, secret in secrets.items():
        values[f"{name}_encrypted"] = secret_store.encrypt(settings.home, secret) if secret else ""

    def work(session: Session) -> None:
        store.put_setting(session, NAME, values, by)
        told = {name: values[name] for name in ("webhook_on", "webhook_url", "mail_on", "mail_host")}
        audit.append(session, "alarm_settings_changed", "alarm_settings", "", **told)

    database.write(work)


def _check_webhook(form: DeliveryForm, secret: str) -> None:
    if not form.webhook_url:
        if form.webhook_on:
            raise OpsError(
                "webhook_missing", N_("No webhook is set up: give its address first, and save."), field="webhook_url"
            )
        return
    addresses.parse(form.webhook_url)
    if len(secret) < SHORTEST_SECRET:
        sentence = N_("Give a secret of at least 16 characters: with it the receiver checks the signature.")
        raise OpsError("webhook_secret_missing", sentence, field="webhook_secret", status=422)
    try:
        addresses.check(form.webhook_url, form.allowed_hosts)
    except OpsError as error:
        if error.code != "webhook_host_unknown":  # the name server may be away just now; each delivery looks again
            raise


def _check_mail(form: DeliveryForm) -> None:
    if form.mail_on and not (form.mail_host and form.mail_to and form.mail_from):
        sentence = N_("No e-mail is set up: give the server and the addresses first, and save.")
        raise OpsError("mail_missing", sentence, field="mail_host", status=422)
    for field, found in (("mail_from", [form.mail_from] if form.mail_from else []), ("mail_to", form.mail_to)):
        for address in found:
            if not _MAIL.fullmatch(address):
                sentence = N_("{address} is not an e-mail address.")
                raise OpsError("mail_address_wrong", sentence, field=field, status=422, words={"address": address})


def _check_certificate(text: str) -> None:
    if not text:
        return
    try:
        load_pem_x509_certificates(text.encode())
    except ValueError as exc:
        sentence = N_("The certificate must be PEM text: from BEGIN CERTIFICATE to END CERTIFICATE.")
        raise OpsError("certificate_wrong", sentence, field="certificate", status=422) from exc
