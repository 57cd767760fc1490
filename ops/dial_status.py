"""What the dial worker alone knows, told with its sign of life: the connection, the trunks, the journal."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import select

from config import database, metrics
from dialer import pbx_status
from dialer.ami import AmiError, AmiSession, AmiState
from dialer.models import Node, Trunk, TrunkKind, trunk_node
from ops.signs import Beating


class Exchange(Protocol):
    """What is needed of ``dialer.gateway.Gateway``."""

    reconciled_at: float | None

    @property
    def state(self) -> AmiState: ...

    @property
    def boot(self) -> str | None: ...

    def ask(
        self, question: Callable[[AmiSession], Coroutine[Any, Any, pbx_status.PbxStatus]], timeout_s: float = 10
    ) -> pbx_status.PbxStatus: ...


def facts_of(gateway: Exchange, trunks: Sequence[str]) -> dict[str, Any]:
    """The facts of one dial worker, as :class:`ops.models.SignOfLife` keeps them."""
    found: dict[str, Any] = {"ami": str(gateway.state), "reconciled_at": gateway.reconciled_at}
    metrics.ami_ready.set(gateway.boot is not None)
    try:
        status = gateway.ask(lambda session: pbx_status.read(session, trunks))
    except AmiError as exc:
        return {**found, "ami_error": exc.code}
    metrics.journal_length.set(status.journal)
    return {**found, **status.to_json()}


def beating(node: str, gateway: Exchange, app_context: Callable[[], AbstractContextManager[object]]) -> Beating:
    """The sign of life of this node's dial worker."""

    def facts() -> dict[str, Any]:
        with app_context():
            names = trunks_of(node)
        return facts_of(gateway, names)

    return Beating(f"dial.{node}", "dial", app_context, facts)


def trunks_of(node: str) -> list[str]:
    """The trunks that this node's Asterisk knows by name: switched on, and SIP."""
    here = select(Trunk.name).join(trunk_node).join(Node).where(Node.name == node)
    with database.read() as session:
        return list(session.scalars(here.where(Trunk.enabled, Trunk.kind != TrunkKind.OTHER).order_by(Trunk.name)))
