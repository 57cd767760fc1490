"""One alarm to one https address: signed, pinned to the address that was checked, no redirect, limits on everything."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Collection, Mapping
from typing import Any

from ops import addresses
from ops.addresses import Resolver, Target

CONNECT_S = 5.0
#: The whole delivery; a receiver that drips its answer does not hold us.
TOTAL_S = 10.0
LONGEST_ANSWER = 4096
SIGNATURE, TIMESTAMP = "X-Obzvon-Signature", "X-Obzvon-Timestamp"


class NotTaken(Exception):
    """The receiver did not take it; the text says why, for an operator."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``sha256=<hex>`` of HMAC-SHA256 over ``<timestamp>.<body>``: the receiver computes the same and compares."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def send(
    url: str,
    secret: str,
    message: Mapping[str, Any],
    *,
    allowed: Collection[str] = (),
    certificate: str = "",
    resolver: Resolver = addresses.resolve,
) -> str:
    """POST the message as JSON. :returns: what the receiver said, such as ``204 No Content``.

    :raises OpsError: the address may not be used.
    :raises NotTaken: no connection, a wrong certificate, a redirect, or any other status than 2xx.
    """
    target = addresses.check(url, allowed, resolver)
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Host": _host_header(target),
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": str(len(body)),
        "User-Agent": "Obzvon",
        "Connection": "close",
        TIMESTAMP: timestamp,
        SIGNATURE: signature(secret, timestamp, body),
    }
    try:
        status, reason = _post(target, body, headers, context(certificate))
    except ssl.SSLCertVerificationError as exc:
        raise NotTaken(f"certificate: {exc.verify_message}") from exc
    except TimeoutError as exc:
        raise NotTaken(f"no answer within {TOTAL_S:g} s") from exc
    except (OSError, http.client.HTTPException) as exc:
        raise NotTaken(f"{type(exc).__name__}: {getattr(exc, 'strerror', None) or exc}"[:200]) from exc
    said = f"{status} {reason}".strip()[:100]
    if 300 <= status < 400:
        raise NotTaken(f"{said}: redirects are not followed, give the final address")
    if not 200 <= status < 300:
        raise NotTaken(said)
    return said


def context(certificate: str = "") -> ssl.SSLContext:
    """TLS with verification always on; ``certificate``: PEM of an authority of the operator's own, in addition."""
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        made.load_verify_locations(cadata=certificate)
    return made


def _host_header(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == 443 else f"{host}:{target.port}"


def _post(target: Target, body: bytes, headers: Mapping[str, str], tls: ssl.SSLContext) -> tuple[int, str]:
    holder: list[Any] = [socket.create_connection((target.address, target.port), CONNECT_S)]
    late = threading.Event()

    def end() -> None:
        late.set()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(holder[0], socket.SHUT_RDWR)  # below TLS: whoever waits on it is woken

    limit = threading.Timer(TOTAL_S, end)
    limit.daemon = True
    limit.start()
    try:
        holder[0] = tls.wrap_socket(holder[0], server_hostname=target.host, do_handshake_on_connect=False)
        holder[0].do_handshake()
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.sock = holder[0]
        connection.request("POST", target.path, body=body, headers=dict(headers))
        with connection.getresponse() as answer:
            answer.read(LONGEST_ANSWER)
            return answer.status, answer.reason or ""
    except (OSError, http.client.HTTPException) as exc:
        if late.is_set():
            raise TimeoutError from exc
        raise
    finally:
        limit.cancel()
        holder[0].close()
