"""One alarm by e-mail: SMTP with STARTTLS or TLS; a server without encryption is used only when told so."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from ops.webhook import NotTaken, context

PATIENCE_S = 10.0


@dataclass(frozen=True)
class MailServer:
    """Where and as whom to send."""

    host: str
    port: int
    security: str  # starttls, tls, none
    username: str = ""
    password: str = ""
    certificate: str = ""


def compose(sender: str, receivers: Sequence[str], subject: str, body: str, uid: str = "") -> EmailMessage:
    """A message in UTF-8; line breaks in the subject become blanks."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(receivers)
    message["Subject"] = " ".join(subject.split())[:200]
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = f"<{uid}@obzvon.invalid>" if uid else make_msgid(domain="obzvon.invalid")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    return message


def send(server: MailServer, message: EmailMessage) -> str:
    """Hand it to the server. :returns: what was done, in a few words.

    :raises NotTaken: with the server's own words.
    """
    try:
        with _connect(server) as client:
            if server.username:
                client.login(server.username, server.password)
            refused = client.send_message(message)
    except ssl.SSLCertVerificationError as exc:
        raise NotTaken(f"certificate: {exc.verify_message}") from exc
    except smtplib.SMTPRecipientsRefused as exc:
        raise NotTaken(f"refused: {_said(exc.recipients)}") from exc
    except smtplib.SMTPResponseException as exc:
        raise NotTaken(f"{exc.smtp_code} {_text(exc.smtp_error)}"[:200]) from exc
    except (smtplib.SMTPException, OSError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
        raise NotTaken(str(reason)[:200]) from exc
    if refused:
        raise NotTaken(f"taken only in part: {_said(refused)}")
    return f"taken by {server.host}"


def _connect(server: MailServer) -> smtplib.SMTP:
    tls = context(server.certificate) if server.security != "none" else None
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=PATIENCE_S, context=tls)
    client = smtplib.SMTP(server.host, server.port, timeout=PATIENCE_S, local_hostname=socket.gethostname())
    try:
        if tls is not None:
            client.starttls(context=tls)  # raises when the server does not offer it: never in the clear
    except BaseException:
        client.close()
        raise
    return client


def _said(refused: object) -> str:
    entries = refused.items() if isinstance(refused, dict) else ()
    return "; ".join(f"{name}: {code} {_text(words)}" for name, (code, words) in entries)[:200]


def _text(words: object) -> str:
    return words.decode(errors="replace") if isinstance(words, bytes) else str(words)
