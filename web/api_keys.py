"""Keys for the JSON API: ``Authorization: Bearer obz_…``. Only a hash is kept; the key is shown once.

A key is 256 random bits, so a plain SHA-256 of it is enough: there is nothing to guess and no slow hash to pay per
request.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from config import audit, database
from config.database import IDS_ONCE, UtcDateTime, utcnow
from config.extensions import db
from config.i18n import N_
from web.accounts import AccountError, User

PREFIX = "obz_"
#: The time of last use is written at most this often, so that a busy client costs no write per request.
USED_EVERY = dt.timedelta(minutes=1)


class ApiKey(db.Model):
    """A key of one account; it may do what the account may do."""

    __tablename__ = "api_key"
    __table_args__ = IDS_ONCE

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    #: The last four letters, to tell keys apart.
    ending: Mapped[str] = mapped_column(String(4))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utcnow)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def create(user: User | int, name: str) -> str:
    """Make a key and return its text, which cannot be had again.

    :raises AccountError: ``key_name_missing``.
    """
    account_id = user if isinstance(user, int) else user.id
    name = name.strip()[:100]
    if not name:
        raise AccountError(
            "key_name_missing", N_("Give the key a name that says what uses it."), field="name", status=422
        )
    key = PREFIX + secrets.token_urlsafe(32)
    row = {"account_id": account_id, "name": name, "sha256": _hash(key), "ending": key[-4:]}

    def work(session: Session) -> None:
        made = ApiKey(**row)
        session.add(made)
        session.flush()
        audit.append(session, "key_created", "api_key", made.id, name=name, account=account_id)

    database.write(work)
    return key


def owner(key: str) -> User | None:
    """The active account whose key this is, or None."""
    with database.read() as session:
        found = session.execute(
            select(ApiKey, User)
            .join(User, User.id == ApiKey.account_id)
            .where(ApiKey.sha256 == _hash(key), ApiKey.revoked_at.is_(None), User.active.is_(True))
        ).one_or_none()
    if found is None:
        return None
    row, user = found
    now = utcnow()
    if row.used_at is None or now - row.used_at > USED_EVERY:
        database.write(lambda session: session.execute(update(ApiKey).where(ApiKey.id == row.id).values(used_at=now)))
    return user


def of_account(account_id: int) -> list[ApiKey]:
    """Keys of this account that still work, newest first."""
    with database.read() as session:
        return list(
            session.scalars(
                select(ApiKey)
                .where(ApiKey.account_id == account_id, ApiKey.revoked_at.is_(None))
                .order_by(ApiKey.id.desc())
            )
        )


def revoke(key_id: int, account_id: int) -> None:
    """The key stops working at once.

    :raises AccountError: ``key_unknown``: there is none, or it is another account's.
    """

    def work(session: Session) -> None:
        row = session.get(ApiKey, key_id)
        if row is None or row.account_id != account_id:
            raise AccountError("key_unknown", N_("There is no such key."), status=404)
        row.revoked_at = row.revoked_at or utcnow()
        audit.append(session, "key_revoked", "api_key", key_id, name=row.name, account=account_id)

    database.write(work)
