"""Nodes in the database: each made by its own first start, drained and given limits by users."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from config import audit, secret_store
from config.database import read, write
from config.i18n import N_
from config.settings import Settings
from dialer.errors import DialerError
from dialer.models import Node


class NodeForm(BaseModel):
    """A node's limits, as a user may change them."""

    model_config = ConfigDict(extra="forbid")

    channels: int = Field(ge=1, le=5000, description="Most calls at once on this node")
    cps: float = Field(gt=0, le=5000, description="Most new calls per second on this node")


def ensure_node(settings: Settings) -> Node:
    """The row of this node. Limits that its settings name hold at each start; otherwise those of the page stay.

    :raises DialerError: ``node_other_secrets``: this home cannot read what the other homes encrypt.
    """
    key_print = _key_print(settings)

    def work(session: Session) -> Node:
        _same_secrets(session, settings.node_name, key_print)
        node = session.scalars(select(Node).where(Node.name == settings.node_name).with_for_update()).one_or_none()
        if node is None:
            node = Node(name=settings.node_name, channels=settings.node_channels, cps=settings.node_cps)
            session.add(node)
        if "node_channels" in settings.model_fields_set:
            node.channels = settings.node_channels
        if "node_cps" in settings.model_fields_set:
            node.cps = settings.node_cps
        node.key_print = key_print
        session.flush()
        return node

    return write(work)


def check_secrets(settings: Settings) -> None:
    """For a home without a PBX of its own, such as one more web server.

    :raises DialerError: ``node_other_secrets``.
    """
    with read() as session:
        _same_secrets(session, "", _key_print(settings))


def _key_print(settings: Settings) -> str:
    """Tells keys apart without telling anything about them."""
    return hashlib.sha256(secret_store.load(settings.home).trunk_key.encode()).hexdigest()[:16]


def _same_secrets(session: Session, own: str, key_print: str) -> None:
    query = select(Node.name).where(Node.name != own, Node.key_print.not_in(["", key_print])).order_by(Node.id)
    other = session.execute(query.limit(1)).scalar_one_or_none()
    if other is not None:
        raise DialerError(
            "node_other_secrets",
            f"This home has other secrets than the node {other}, so it cannot read the passwords of trunks: stop, copy "
            "secrets.json from that node's home into this one, and start again.",
            status=500,
            words={"node": other},
        )


def all_nodes() -> list[Node]:
    """All nodes, by name."""
    with read() as session:
        return list(session.scalars(select(Node).order_by(Node.name)))


def get(node_id: int) -> Node:
    """One node, detached.

    :raises DialerError: node_missing.
    """
    with read() as session:
        return _get(session, node_id)


def change(node_id: int, form: NodeForm) -> None:
    """Give it other limits; they hold from the next claim on.

    :raises DialerError: node_missing.
    """

    def work(node: Node) -> dict[str, object]:
        before = {"channels": node.channels, "cps": node.cps}
        node.channels, node.cps = form.channels, form.cps
        return audit.changes(before, form.model_dump())

    _change(node_id, "node_changed", work)


def drain(node_id: int) -> None:
    """No new calls on this node; those that are up go on. Its row is locked by claims, so none comes after this.

    :raises DialerError: node_missing.
    """

    def work(node: Node) -> dict[str, object]:
        node.draining = True
        return {"name": node.name}

    _change(node_id, "node_drained", work)


def take_back(node_id: int) -> None:
    """Let it call again.

    :raises DialerError: node_missing.
    """

    def work(node: Node) -> dict[str, object]:
        node.draining = False
        return {"name": node.name}

    _change(node_id, "node_taken_back", work)


def _change(node_id: int, action: str, work: Callable[[Node], dict[str, object]]) -> None:
    def change_and_tell(session: Session) -> None:
        told = work(_get(session, node_id, lock=True))
        audit.append(session, action, "node", node_id, **told)

    write(change_and_tell)


def _get(session: Session, node_id: int, lock: bool = False) -> Node:
    node = session.get(Node, node_id, with_for_update=True if lock else None)
    if node is None:
        raise DialerError("node_missing", N_("There is no such node."), status=404)
    return node
