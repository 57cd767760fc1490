"""Where a webhook may go: only to public addresses, looked up once, so that a name cannot change its mind in between.

A name is resolved one time; if *any* of its addresses is not public, it is refused (an attacker's name may answer with
both). The connection goes to the very address that was checked. Ways of writing an inside address (2130706433,
0x7f.1, ::ffff:127.0.0.1, 64:ff9b::7f00:1) all end here as addresses.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.i18n import N_
from ops.errors import OpsError

Resolver = Callable[[str, int], list[str]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: IPv6 networks that hold an IPv4 address, and where in it: NAT64, 6to4.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


@dataclass(frozen=True)
class Target:
    """A checked destination."""

    host: str  # for the certificate and the Host header
    port: int
    path: str  # with the query
    address: str  # where to connect


@dataclass(frozen=True)
class Url:
    """An https address in parts, not yet looked up."""

    host: str
    port: int
    path: str


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, as the system finds them.

    :raises OSError: there are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def parse(url: str) -> Url:
    """Take an address apart.

    :raises OpsError: webhook_url_wrong.
    """
    wrong = OpsError(
        "webhook_url_wrong",
        N_("Write a whole address that begins with https:// and holds no name or password."),
        field="webhook_url",
        status=422,
    )
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in url) or "\\" in url or not url.isascii():
        raise wrong
    try:
        parts = urlsplit(url)
        port = parts.port or 443
        host = parts.hostname or ""
    except ValueError as exc:
        raise wrong from exc
    if parts.scheme != "https" or not host or "@" in parts.netloc or "%" in host or len(url) > 2000:
        raise wrong
    path = parts.path or "/"
    return Url(host, port, f"{path}?{parts.query}" if parts.query else path)


def check(url: str, allowed: Collection[str] = (), resolver: Resolver = resolve) -> Target:
    """Look the host up, once, and refuse what is not public; ``allowed`` are hosts that may be inside.

    :raises OpsError: webhook_url_wrong, webhook_host_unknown, webhook_host_inside.
    """
    parts = parse(url)
    try:
        addresses = resolver(parts.host, parts.port)
    except (OSError, UnicodeError) as exc:
        raise _unknown(parts.host) from exc
    if not addresses:
        raise _unknown(parts.host)
    if parts.host.lower() not in {name.strip().lower() for name in allowed}:
        for address in addresses:
            if not is_public(address):
                words = {"host": parts.host, "address": address}
                sentence = N_(
                    "{host} leads to {address}, which is not on the public internet. "
                    "If you mean it, add {host} to the allowed hosts."
                )
                raise OpsError("webhook_host_inside", sentence, field="webhook_url", status=422, words=words)
    return Target(parts.host, parts.port, parts.path, addresses[0])


def _unknown(host: str) -> OpsError:
    sentence = N_("The name {host} was not found: is it written right?")
    return OpsError("webhook_host_unknown", sentence, field="webhook_url", status=422, words={"host": host})


def is_public(text: str) -> bool:
    """Whether this address is on the public internet, also when it hides inside another one."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(_global(part) for part in _inside(address))


def _inside(address: Address) -> list[Address]:
    """The address and every IPv4 address that it stands for."""
    found: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return [address.ipv4_mapped]
        if address.sixtofour is not None:
            found.append(address.sixtofour)
        if address.teredo is not None:
            found += address.teredo
        if address in _NAT64:
            return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return found


def _global(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (address in _COMPATIBLE or address in _NAT64_LOCAL):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    )
