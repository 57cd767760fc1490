"""Who may sign in: accounts, the two roles, and what the administrator does with them.

Everything that hashes a password needs the application of :func:`web.create_app`, not the bare one.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import uuid
from enum import StrEnum

from flask_security import RoleMixin, UserMixin, hash_password
from sqlalchemy import Column, ForeignKey, Integer, String, Table, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from config import audit, database
from config.database import IDS_ONCE, UtcDateTime, utcnow
from config.errors import ObzvonError
from config.extensions import db
from config.i18n import N_

NAME = re.compile(r"^[A-Za-z0-9._-]{2,40}$")
#: Without letters and digits that look alike; it is read aloud and typed from a screen.
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


class AccountError(ObzvonError):
    """An account or API key cannot be used as asked."""


class RoleName(StrEnum):
    ADMINISTRATOR = "administrator"
    MANAGER = "manager"


ROLE_TEXTS = {
    RoleName.ADMINISTRATOR: N_("Administrator"),
    RoleName.MANAGER: N_("Campaign manager"),
}

account_role = Table(
    "account_role",
    db.metadata,
    Column("account_id", Integer, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", Integer, ForeignKey("role.id", ondelete="CASCADE"), primary_key=True),
)


class Role(db.Model, RoleMixin):
    """What an account may do; see :class:`RoleName`."""

    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    description: Mapped[str] = mapped_column(String(200), default="")


class User(db.Model, UserMixin):
    """Somebody who may sign in to the pages."""

    __tablename__ = "account"
    __table_args__ = IDS_ONCE

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(40), unique=True)
    email: Mapped[str | None] = mapped_column(String(255), unique=True)
    password: Mapped[str] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    #: In the session cookie instead of the id; a new one ends every session of this account.
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    locale: Mapped[str] = mapped_column(String(5), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utcnow)
    last_login_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    current_login_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_login_ip: Mapped[str | None] = mapped_column(String(45))
    current_login_ip: Mapped[str | None] = mapped_column(String(45))
    login_count: Mapped[int | None] = mapped_column(Integer, default=0)
    roles: Mapped[list[Role]] = relationship(secondary=account_role, lazy="selectin")

    @property
    def is_administrator(self) -> bool:
        return any(role.name == RoleName.ADMINISTRATOR for role in self.roles)


def new_password() -> str:
    """A password to show once: four groups of five letters, about 100 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(4))


def ensure_roles(session: Session) -> dict[str, Role]:
    """Both roles exist afterwards."""
    known = {role.name: role for role in session.scalars(select(Role))}
    for name in RoleName:
        if name not in known:
            known[name] = Role(name=name.value, description=ROLE_TEXTS[name])
            session.add(known[name])
    return known


def ensure_admin() -> tuple[str, str] | None:
    """Make the first administrator; return its name and generated password, or None when there is one already."""
    password = new_password()
    hashed = hash_password(password)

    def work(session: Session) -> tuple[str, str] | None:
        roles = ensure_roles(session)
        session.flush()
        if session.scalar(select(func.count()).select_from(User).where(User.roles.any(name=RoleName.ADMINISTRATOR))):
            return None
        taken = set(session.scalars(select(User.username)))
        name = next(name for name in ("admin", *(f"admin{n}" for n in range(2, 1000))) if name not in taken)
        account = _account(name, hashed, [roles[RoleName.ADMINISTRATOR]])
        session.add(account)
        session.flush()
        audit.append(session, "account_created", "account", account.id, name=name, role=RoleName.ADMINISTRATOR)
        return name, password

    return database.write(work)


def _account(name: str, hashed: str, roles: list[Role], locale: str = "") -> User:
    return User(username=name, password=hashed, fs_uniquifier=uuid.uuid4().hex, roles=roles, active=True, locale=locale)


def create(name: str, role: str, password: str | None = None) -> tuple[int, str]:
    """Make an account; return its id and its password (generated when none was given).

    :raises AccountError: ``name_wrong``, ``name_taken``, ``role_unknown``.
    """
    name = name.strip()
    if not NAME.match(name):
        raise AccountError(
            "name_wrong",
            N_("A name has 2 to 40 letters of the Latin alphabet, digits, dots, hyphens or underscores."),
            field="username",
            status=422,
        )
    if role not in set(RoleName):
        raise AccountError(
            "role_unknown", N_("Choose the role administrator or campaign manager."), field="role", status=422
        )
    secret = password or new_password()
    hashed = hash_password(secret)

    def work(session: Session) -> int:
        if session.scalar(select(User.id).where(func.lower(User.username) == name.lower())):
            raise AccountError(
                "name_taken",
                N_("There is an account with this name already; choose another one."),
                field="username",
                status=409,
            )
        account = _account(name, hashed, [ensure_roles(session)[role]])
        session.add(account)
        session.flush()
        audit.append(session, "account_created", "account", account.id, name=name, role=role)
        return account.id

    return database.write(work), secret


def _get(session: Session, account_id: int) -> User:
    account = session.get(User, account_id)
    if account is None:
        raise AccountError("account_unknown", N_("There is no such account; somebody may have deleted it."), status=404)
    return account


def set_active(account_id: int, active: bool, by: int) -> None:
    """Allow or refuse sign-in; refusing ends the account's sessions at their next request.

    :raises AccountError: ``account_unknown``, ``own_account``.
    """
    if account_id == by:
        raise AccountError(
            "own_account", N_("You cannot disable your own account; ask another administrator."), status=409
        )

    def work(session: Session) -> None:
        account = _get(session, account_id)
        account.active = active
        account.fs_uniquifier = uuid.uuid4().hex
        action = "account_enabled" if active else "account_disabled"
        audit.append(session, action, "account", account_id, name=account.username)

    database.write(work)


def reset_password(account_id: int) -> str:
    """Give the account a generated password, which is returned, and end its sessions."""
    secret = new_password()
    hashed = hash_password(secret)

    def work(session: Session) -> None:
        account = _get(session, account_id)
        account.password = hashed
        account.fs_uniquifier = uuid.uuid4().hex
        audit.append(session, "password_reset", "account", account_id, name=account.username)

    database.write(work)
    return secret


def set_locale(account_id: int, locale: str) -> None:
    """Remember the language that this account chose."""

    def work(session: Session) -> None:
        _get(session, account_id).locale = locale

    database.write(work)


def all_accounts() -> list[User]:
    """Every account, by name."""
    with database.read() as session:
        return list(session.scalars(select(User).order_by(User.username)))
