"""An authority of our own and an https server below it, for tests of what we send to others."""

from __future__ import annotations

import datetime as dt
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """Files of a server's certificate, and the authority that signed it as PEM."""

    chain: Path
    key: Path
    pem: str

    def server_context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.chain, self.key)
        return made


def make_authority(folder: Path, *names: str) -> Authority:
    """A new authority, and a certificate of it for these names and addresses."""
    now = dt.datetime.now(dt.UTC)
    top_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    top_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(top_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=2))
        )

    signer = x509.SubjectKeyIdentifier.from_public_key(top_key.public_key())
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    top = (
        builder(top_name, top_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(signer, critical=False)
        .sign(top_key, hashes.SHA256())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    own = (
        builder(subject, key.public_key())
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer), critical=False)
        .sign(top_key, hashes.SHA256())
    )
    chain, key_file = folder / "server.pem", folder / "server.key"
    chain.write_bytes(own.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Authority(chain, key_file, top.public_bytes(serialization.Encoding.PEM).decode())


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


@dataclass
class Received:
    """One request as the server got it."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpsServer:
    """A server that keeps what it gets and answers what it is told."""

    port: int = 0
    status: int = 204
    answer_headers: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None


@contextmanager
def https_server(authority: Authority) -> Iterator[HttpsServer]:
    """Listens on 127.0.0.1 until the end of the block."""
    told = HttpsServer()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.received.append(Received(self.path, dict(self.headers), body))
            told.before_answer()
            self.send_response(told.status)
            for name, value in told.answer_headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that goes away is part of some tests."""

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = authority.server_context().wrap_socket(server.socket, server_side=True)
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
