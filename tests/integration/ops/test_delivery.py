"""Alarms reach a real https server and a real mail server; what must not be reached is not."""

import email
import hashlib
import hmac
import json
import ssl
import threading
import time

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from sqlalchemy import select, update

from config import database
from config.database import utcnow
from ops import alarms, delivery, notices, webhook
from ops.delivery import DeliveryForm
from ops.errors import OpsError
from ops.facts import DiskFact, Facts
from ops.models import AlarmNotice, OpsSetting
from ops.webhook import NotTaken
from tests.support.servers import free_port
from tests.support.tls import https_server, make_authority

SECRET = "a secret of the receiver"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return make_authority(tmp_path_factory.mktemp("tls"), "localhost", "127.0.0.1")


@pytest.fixture
def server(authority):
    with https_server(authority) as running:
        yield running


def form(server, authority, **more):
    values = {
        "webhook_on": True,
        "webhook_url": f"https://localhost:{server.port}/alarms?from=obzvon",
        "webhook_secret": SECRET,
        "allowed_hosts": ["localhost"],
        "certificate": authority.pem,
        "locale": "ru",
    }
    return DeliveryForm(**{**values, **more})


def raise_alarm():
    alarms.apply(Facts(now=utcnow(), disks=(DiskFact("home", "/x", 1000, 1),)))


def waiting():
    with database.read() as session:
        return list(session.scalars(select(AlarmNotice).order_by(AlarmNotice.id)))


def make_due():
    database.write(lambda session: session.execute(update(AlarmNotice).values(due_at=utcnow())))


def test_an_alarm_arrives_signed_and_in_the_chosen_language(app, server, authority):
    delivery.save(form(server, authority), "boss")
    raise_alarm()
    assert notices.deliver_due() == 1
    assert notices.deliver_due() == 0
    (got,) = server.received
    assert got.path == "/alarms?from=obzvon"
    expected = hmac.new(SECRET.encode(), got.headers["X-Obzvon-Timestamp"].encode() + b"." + got.body, hashlib.sha256)
    assert got.headers["X-Obzvon-Signature"] == f"sha256={expected.hexdigest()}"
    assert abs(int(got.headers["X-Obzvon-Timestamp"]) - time.time()) < 60
    message = json.loads(got.body)
    assert message["code"] == "disk_full"
    assert message["kind"] == "raised"
    assert message["what"].startswith("Диск")
    (notice,) = waiting()
    assert (notice.due_at, notice.error) == (None, "")
    assert notice.uid == message["id"]


def test_what_is_not_taken_is_tried_again_with_growing_pauses(app, server, authority):
    delivery.save(form(server, authority), "boss")
    server.status = 503
    raise_alarm()
    pauses = []
    for _ in range(3):
        assert notices.deliver_due() == 0
        (notice,) = waiting()
        assert "503" in notice.error
        pauses.append((notice.due_at - utcnow()).total_seconds())
        make_due()
    assert pauses[0] < pauses[1] < pauses[2]
    assert notices.last_errors()["webhook"].error == "503 Service Unavailable"
    server.status = 200
    assert notices.deliver_due() == 1
    assert len(server.received) == 4
    assert len({json.loads(got.body)["id"] for got in server.received}) == 1
    assert notices.last_errors() == {}


def test_a_redirect_is_not_followed(app, server, authority):
    """Neither to this machine nor anywhere."""
    server.status = 302
    server.answer_headers = {"Location": f"https://127.0.0.1:{server.port}/inside"}
    delivery.save(form(server, authority), "boss")
    with pytest.raises(OpsError) as refused:
        notices.test("webhook")
    assert refused.value.code == "webhook_failed"
    assert "redirects are not followed" in str(refused.value.words["reason"])
    assert [got.path for got in server.received] == ["/alarms?from=obzvon"]


def test_this_machine_is_not_reached_unless_allowed(app, server, authority):
    """Also not when the name changed its mind after it was saved: each delivery looks and checks anew."""
    with pytest.raises(OpsError, match="not on the public internet"):
        delivery.save(form(server, authority, allowed_hosts=[]), "boss")
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    rebinding = lambda host, port: next(answers)  # noqa: E731
    webhook.addresses.check("https://hook.example/", [], rebinding)  # as at saving: public
    with pytest.raises(OpsError) as refused:
        webhook.send(f"https://hook.example:{server.port}/", SECRET, {}, resolver=rebinding)
    assert refused.value.code == "webhook_host_inside"
    assert server.received == []


def test_an_unknown_certificate_is_refused(app, server, authority):
    delivery.save(form(server, authority, certificate=""), "boss")
    with pytest.raises(OpsError) as refused:
        notices.test("webhook")
    assert "certificate" in str(refused.value.words["reason"])
    assert server.received == []


def test_the_certificate_must_name_the_host(app, server, authority, monkeypatch):
    """The connection goes to a checked address, the certificate is checked against the name all the same."""
    with pytest.raises(NotTaken, match="certificate"):
        webhook.send(
            f"https://other.example:{server.port}/", SECRET, {}, allowed=["other.example"],
            certificate=authority.pem, resolver=lambda host, port: ["127.0.0.1"],
        )  # fmt: skip
    assert server.received == []


def test_a_receiver_that_says_nothing_does_not_hold_us(app, server, authority, monkeypatch):
    monkeypatch.setattr(webhook, "TOTAL_S", 0.5)
    let_go = threading.Event()
    server.before_answer = lambda: let_go.wait(20)
    try:
        with pytest.raises(NotTaken, match="no answer within"):
            webhook.send(
                f"https://localhost:{server.port}/", SECRET, {}, allowed=["localhost"], certificate=authority.pem
            )  # fmt: skip
    finally:
        let_go.set()


def test_secrets_are_kept_encrypted_and_never_shown(app, server, authority):
    delivery.save(form(server, authority, mail_username="u", mail_password="pass-of-the-mail"), "boss")
    with database.read() as session:
        kept = json.dumps(session.get(OpsSetting, delivery.NAME).value)
    shown = json.dumps(delivery.load().shown())
    for secret in (SECRET, "pass-of-the-mail"):
        assert secret not in kept
        assert secret not in shown
    delivery.save(form(server, authority, webhook_secret="", mail_username="u"), "boss")  # empty keeps
    assert delivery.load().webhook_secret == SECRET
    assert delivery.load().mail_password == "pass-of-the-mail"


class Mailbox:
    """What a mail server took."""

    def __init__(self):
        self.messages = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages.append((session.ssl is not None, email.message_from_bytes(envelope.content)))
        return "250 taken"


@pytest.fixture
def mailbox(authority):
    box = Mailbox()

    def password(server, session, envelope, mechanism, data):
        return AuthResult(success=data.password == b"right", handled=False)

    controller = Controller(
        box, hostname="127.0.0.1", port=free_port(), tls_context=authority.server_context(), require_starttls=True,
        auth_require_tls=True, auth_required=True, authenticator=password,
    )  # fmt: skip
    controller.start()
    box.port = controller.port
    yield box
    controller.stop()


def mail_form(mailbox, authority, **more):
    values = {
        "mail_on": True, "mail_host": "127.0.0.1", "mail_port": mailbox.port, "mail_username": "obzvon",
        "mail_password": "right", "mail_from": "obzvon@example.com", "mail_to": "boss@example.com, second@example.com",
        "certificate": authority.pem, "locale": "ru",
    }  # fmt: skip
    return DeliveryForm(**{**values, **more})


def test_an_alarm_by_mail_over_starttls(app, mailbox, authority):
    delivery.save(mail_form(mailbox, authority), "boss")
    raise_alarm()
    assert notices.deliver_due() == 1
    ((encrypted, message),) = mailbox.messages
    assert encrypted
    assert message["To"] == "boss@example.com, second@example.com"
    subject = str(email.header.make_header(email.header.decode_header(message["Subject"])))
    assert "ТРЕВОГА" in subject
    assert "disk_full" in message.get_payload(decode=True).decode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mail_password": "wrong"}, "535"),
        ({"mail_to": ["nobody@example.com"]}, "550 no such mailbox"),
        ({"certificate": ""}, "certificate"),
        ({"mail_security": "none"}, "AUTH extension not supported"),
        ({"mail_security": "tls"}, ""),
    ],
)
def test_the_mail_server_s_own_words_are_shown(app, mailbox, authority, change, said):
    delivery.save(mail_form(mailbox, authority, **change), "boss")
    with pytest.raises(OpsError) as refused:
        notices.test("mail")
    assert refused.value.code == "mail_failed"
    assert said in str(refused.value.words["reason"])
    assert mailbox.messages == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"mail_to": ["a@example.com\r\nBcc: x@example.com"]}, None),
        ({"mail_from": "not an address"}, "mail_address_wrong"),
        ({"mail_to": []}, "mail_missing"),
        ({"webhook_url": "http://a.example/"}, "webhook_url_wrong"),
        ({"webhook_url": "https://a.example/", "webhook_secret": "short"}, "webhook_secret_missing"),
        ({"webhook_on": True}, "webhook_missing"),
        ({"certificate": "nothing"}, "certificate_wrong"),
    ],
)
def test_wrong_settings_are_refused_and_nothing_is_kept(app, mailbox, authority, change, code):
    if code is None:
        with pytest.raises(OpsError):  # a line break makes two "addresses", of which one is none
            delivery.save(mail_form(mailbox, authority, **change), "boss")
    else:
        with pytest.raises(OpsError) as refused:
            delivery.save(mail_form(mailbox, authority, **change), "boss")
        assert refused.value.code == code
    assert delivery.load().mail_host == ""


def test_nothing_set_up_says_so(app):
    for channel in ("webhook", "mail"):
        with pytest.raises(OpsError) as refused:
            notices.test(channel)
        assert refused.value.code == f"{channel}_missing"


def test_old_tls_is_not_spoken():
    assert webhook.context().minimum_version >= ssl.TLSVersion.TLSv1_2
    assert webhook.context().verify_mode == ssl.CERT_REQUIRED
