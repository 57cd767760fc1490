"""How Asterisk sees its trunks, and what its call journal still keeps: asked now and then by the dial worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from dialer import journal
from dialer.ami import AmiAnswerError, AmiSession

#: Asterisk's words for an endpoint none of whose contacts answered the last OPTIONS, or that it does not have.
UNREACHABLE = {"UNAVAILABLE", "INVALID"}


@dataclass(frozen=True, slots=True)
class TrunkStatus:
    """One trunk; of a trunk that is not asked (qualify off) ``reachable`` says only that it is configured."""

    reachable: bool
    registration: str = ""  # Registered, Unregistered, Rejected, Stopped …; empty: it does not register


@dataclass(frozen=True, slots=True)
class PbxStatus:
    """What one Asterisk says of itself; journal times are seconds of its clock since 1970."""

    trunks: dict[str, TrunkStatus] = field(default_factory=dict)
    journal: int = 0
    journal_oldest: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As the dial worker's sign of life keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> PbxStatus:
        """The inverse; what is missing counts as not known."""
        trunks = {name: TrunkStatus(**values) for name, values in (kept.get("trunks") or {}).items()}
        return cls(trunks, int(kept.get("journal") or 0), kept.get("journal_oldest"))


async def read(session: AmiSession, trunks: Sequence[str]) -> PbxStatus:
    """Ask Asterisk about these trunks and its journal. Needs no right but those that the dial worker has.

    :raises AmiError: no connection, or no answer.
    """
    registrations = {
        # The answer also holds rows with the trunks' passwords: nothing else of it is looked at.
        str(row.get("ObjectName", "")): str(row.get("Status", ""))
        for row in await _rows(session, "PJSIPShowRegistrationsOutbound")
        if row.get("Event") == "OutboundRegistrationDetail"
    }
    found = {}
    for name in trunks:
        answer = await session.action("Getvar", Variable=f"DEVICE_STATE(PJSIP/{name})")
        found[name] = TrunkStatus(str(answer.get("Value", "")) not in UNREACHABLE, registrations.get(name, ""))
    kept = await journal.read(session)
    oldest = min((record.ended for record in kept.values()), default=None)
    return PbxStatus(found, len(kept), oldest)


async def _rows(session: AmiSession, action: str) -> list[Any]:
    try:
        return list(await session.rows(action))
    except AmiAnswerError:
        return []  # Asterisk's way of saying that there is none
