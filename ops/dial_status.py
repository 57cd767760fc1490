"""What the dial worker alone knows, told with its sign of life: the connection, the trunks, the journal."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any, Protocol

from config import metrics
from dialer import pbx_status
from dialer.ami import AmiError, AmiSession, AmiState
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


def facts_of(gateway: Exchange) -> dict[str, Any]:
    """The facts of one dial worker, as :class:`ops.models.SignOfLife` keeps them."""
    found: dict[str, Any] = {"ami": str(gateway.state), "reconciled_at": gateway.reconciled_at}
    metrics.ami_ready.set(gateway.boot is not None)
    try:
        status = gateway.ask(pbx_status.read)
    except AmiError as exc:
        return {**found, "ami_error": exc.code}
    metrics.journal_length.set(status.journal)
    return {**found, **status.to_json()}


def beating(node: str, gateway: Exchange, app_context: Callable[[], AbstractContextManager[object]]) -> Beating:
    """The sign of life of this node's dial worker."""
    return Beating(f"dial.{node}", "dial", app_context, lambda: facts_of(gateway))
