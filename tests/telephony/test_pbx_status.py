"""What a real Asterisk says of its trunks."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from dialer import pbx_status
from dialer.ami import AmiError
from dialer.gateway import Gateway
from dialer.pbx_config import TrunkConfig
from dialer.pbx_status import PbxStatus
from ops import dial_status
from tests.support.asterisk import MemoryLedger, asterisk_pair
from tests.support.servers import wait_until

pytestmark = pytest.mark.telephony


NAMES = ("rehearsal", "nowhere", "unasked")


def ask(gateway: Gateway) -> PbxStatus:
    return gateway.ask(lambda session: pbx_status.read(session, NAMES))


def reachable(gateway: Gateway) -> set[str]:
    """Trunks whose carrier answers; just after its start Asterisk may not tell any."""
    return {name for name, trunk in ask(gateway).trunks.items() if trunk.reachable}


def test_reachable_and_registered_trunks_are_told(tmp_path: Path):
    """The carrier answers; a trunk to nowhere does not and cannot register; one that is not asked counts as there."""
    nowhere = [
        TrunkConfig("nowhere", "127.0.0.9", 5999, "user", "secret-word", True),
        TrunkConfig("unasked", "127.0.0.9", 5998, qualify=False),
    ]
    with asterisk_pair(tmp_path / "home", nowhere) as pair:
        gateway = Gateway(pair.settings, MemoryLedger(), contextlib.nullcontext)
        with pytest.raises(AmiError):
            ask(gateway)
        gateway.start()
        try:
            wait_until(lambda: gateway.boot, 15, "the gateway is connected")
            wait_until(lambda: "rehearsal" in reachable(gateway), 30, "its answer to OPTIONS")
            told = dial_status.facts_of(gateway, NAMES)
            status = PbxStatus.from_json(told)
            assert status.trunks["rehearsal"].reachable
            assert not status.trunks["nowhere"].reachable
            assert status.trunks["unasked"].reachable
            assert status.trunks["nowhere"].registration not in ("", "Registered")
            assert (status.journal, status.journal_oldest) == (0, None)
            assert told["ami"] == "ready"
            assert told["reconciled_at"] is not None
            assert "secret-word" not in str(told)
        finally:
            gateway.stop()
    assert dial_status.facts_of(gateway, NAMES)["ami_error"] == "ami_lost"
