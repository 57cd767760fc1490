"""Secrets: made at first start, kept in ``<home>/secrets.json`` (0600), never in the repository."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet


@dataclass(frozen=True)
class Secrets:
    """All secrets of one home."""

    web_key: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    password_salt: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    totp_key: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    ami_secret: str = field(default_factory=lambda: secrets.token_hex(24))
    trunk_key: str = field(default_factory=lambda: Fernet.generate_key().decode())
    audit_key: str = field(default_factory=lambda: secrets.token_hex(32))
    supervisor_secret: str = field(default_factory=lambda: secrets.token_hex(16))


def load(home: Path) -> Secrets:
    """Read the secrets of this home; make what is missing. Safe when several processes start at once."""
    path = home / "secrets.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    current = Secrets(**{k: v for k, v in known.items() if k in Secrets.__dataclass_fields__})
    if asdict(current) == known:
        return current
    home.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        json.dump(asdict(current), handle, indent=1)
    if known:
        temporary.replace(path)
        return current
    try:
        os.link(temporary, path)  # the first process wins; the others read its file
    except FileExistsError:
        return load(home)
    finally:
        temporary.unlink()
    return current


def encrypt(home: Path, text: str) -> str:
    """A trunk's password as it is stored in the database."""
    return Fernet(load(home).trunk_key).encrypt(text.encode()).decode()


def decrypt(home: Path, token: str) -> str:
    """The inverse of :func:`encrypt`.

    :raises cryptography.fernet.InvalidToken: it was made with another home's key.
    """
    return Fernet(load(home).trunk_key).decrypt(token.encode()).decode()
