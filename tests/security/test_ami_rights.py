"""The manager user may do what the dial worker does, and nothing else; on a real Asterisk."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from config import secret_store
from dialer import ami_rights, gateway
from dialer.ami import AmiAddress, AmiAnswerError, AmiSession, AmiTimes
from dialer.calls import CallOutcome
from dialer.pbx_config import PBX_MODULES, render_pbx
from tests.support.asterisk import AsteriskPair
from tests.support.audio import write_sweep
from tests.support.carrier_log import read_calls
from tests.support.servers import wait_until
from tests.telephony.conftest import SHORT_SWEEPS, Caller, home, make_caller, pair  # noqa: F401 - fixtures

BUSY, LISTENS = "79160000001", "79160000099"
STRANGER, STRANGER_TOO = "79160000097", "79160000096"
#: What a stolen secret must not open: programs, passwords of carriers, the dialplan, modules, the stored outcomes.
DANGEROUS = {
    "Command": {"Command": "core show version"},
    "GetConfig": {"Filename": "pjsip.conf"},
    "GetConfigJSON": {"Filename": "manager.conf"},
    "UpdateConfig": {"SrcFilename": "pjsip.conf", "DstFilename": "pjsip.conf"},
    "CreateConfig": {"Filename": "x.conf"},
    "ListCategories": {"Filename": "pjsip.conf"},
    "ModuleLoad": {"Module": "app_system.so", "LoadType": "load"},
    "DialplanExtensionAdd": {
        **{"Context": "obzvon-inbound", "Extension": "1", "Priority": "1"},
        **{"Application": "Dial", "ApplicationData": "PJSIP/79160000001@rehearsal"},
    },
    "DBPut": {"Family": "obzvon", "Key": "x", "Val": "y"},
    "DBDelTree": {"Family": "obzvon"},
    "Reload": {},
    "PJSIPShowAuths": {},
    "Filter": {"Operation": "Add", "Filter": "Event: .*"},
}


def ask(pair: AsteriskPair, work: Callable[[AmiSession], Awaitable[Any]]) -> Any:  # noqa: F811
    """Run ``work`` in a session of our own manager user."""

    async def main() -> Any:
        secret = secret_store.load(pair.settings.home).ami_secret
        session = await AmiSession.open(AmiAddress("127.0.0.1", pair.settings.ami_port, "obzvon", secret), AmiTimes())
        try:
            return await work(session)
        finally:
            session.close()

    return asyncio.run(main())


@pytest.mark.telephony
def test_our_user_has_exactly_the_rights_it_needs(pair: AsteriskPair) -> None:  # noqa: F811
    assert ask(pair, ami_rights.fault) == ""


@pytest.mark.telephony
@pytest.mark.parametrize("name", sorted(DANGEROUS))
def test_our_user_is_refused(pair: AsteriskPair, name: str) -> None:  # noqa: F811
    async def work(session: AmiSession) -> str:
        with pytest.raises(AmiAnswerError) as refused:
            await session.action(name, **DANGEROUS[name])
        return refused.value.message

    assert re.search("Permission denied|Invalid/unknown command", ask(pair, work))


@pytest.mark.telephony
def test_no_call_of_ours_can_run_a_program(pair: AsteriskPair) -> None:  # noqa: F811
    """These applications are not loaded, and no right of ours loads them."""
    for application in ("System", "TrySystem", "AGI", "ExternalIVR", "MixMonitor", "Exec", "Originate", "Page"):
        assert "not registered" in pair.cli(f"core show application {application}"), application


@pytest.mark.telephony
def test_what_is_dialled_past_us_is_hung_up(
    pair: AsteriskPair,  # noqa: F811
    make_caller: Callable[..., Caller],  # noqa: F811
) -> None:
    """Dial is loaded for hand-overs, and nothing keeps our user from naming it in an Originate: two sweeps do."""
    settle = dataclasses.replace(SHORT_SWEEPS, end_strangers=True)
    caller = make_caller(settle=settle)
    caller.ready()
    write_sweep(pair.settings.sounds / "long.wav", 8.0)
    [ours] = caller.call(LISTENS, sound="long")
    started = time.time()

    async def work(session: AmiSession) -> None:
        await session.action(
            "Originate",
            Channel=f"PJSIP/{STRANGER}@rehearsal",
            Application="Dial",
            Data=f"PJSIP/{STRANGER_TOO}@rehearsal",
            Async="true",
        )

    def strangers() -> list[Any]:
        return [call for call in read_calls(pair.settings.carrier_log) if call.number in (STRANGER, STRANGER_TOO)]

    ask(pair, work)
    wait_until(lambda: len(strangers()) == 2, 10, "both are called: Asterisk itself does not refuse it")
    wait_until(lambda: all(call.ended for call in strangers()), 10, "both are hung up")
    assert max(call.ended for call in strangers()) - started < 8
    result = caller.ledger.wait_for([ours], 20)[ours]
    assert result.played_to_end


@pytest.mark.telephony
def test_the_switch_for_dangerous_functions_opens_the_journal_alone(pair: AsteriskPair) -> None:  # noqa: F811
    """Every loaded module is looked into: only func_db registers functions that ``live_dangerously`` guards."""
    from dialer.asterisk_place import installation

    modules = installation(pair.settings).modules
    mark = b"ast_custom_function_register_escalating"
    found = {name for name in PBX_MODULES if mark in (modules / f"{name}.so").read_bytes()}
    assert found == {"func_db"}
    assert "No function by that name" in pair.cli("core show function FILE")


@pytest.mark.telephony
def test_a_user_that_may_do_too_much_is_not_dialled_with(
    pair: AsteriskPair,  # noqa: F811
    make_caller: Callable[..., Caller],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One class too many: nothing is claimed or placed, the state says why; mended, it goes on by itself."""
    monkeypatch.setattr(gateway, "RIGHTS_AGAIN_S", 1.0)
    file = pair.settings.home / "pbx/etc/manager.conf"
    right = file.read_text()
    file.write_text(right.replace("write = call,originate,reporting", "write = call,originate,reporting,system"))
    pair.cli("manager reload")
    caller = make_caller()
    wait_until(lambda: caller.gateway.trouble, 15, "the rights are looked at")
    assert caller.gateway.trouble == ami_rights.TOO_MANY
    assert caller.gateway.boot is None
    before = len(read_calls(pair.settings.carrier_log))
    [uid] = caller.call(BUSY)
    assert caller.ledger.wait_for([uid], 5)[uid].outcome is CallOutcome.NOT_PLACED
    assert len(read_calls(pair.settings.carrier_log)) == before
    render_pbx(pair.settings, pair.trunks)
    pair.cli("manager reload")
    caller.ready()
    assert caller.gateway.trouble == ""
    [uid] = caller.call(BUSY)
    assert caller.ledger.wait_for([uid], 5)[uid].outcome is CallOutcome.BUSY


@pytest.mark.parametrize(
    ("commands", "code"),
    [
        ({name: "x  (Priv: call,reporting,all)" for name in ami_rights.NEEDED}, ""),
        ({name: "x  (Priv: call,reporting,all)" for name in ami_rights.NEEDED - {"Originate"}}, "ami_rights_too_few"),
        (
            {name: "x  (Priv: call,reporting,all)" for name in ami_rights.NEEDED} | {"Any": "y  (Priv: log,all)"},
            "ami_rights_too_many",
        ),
        ({"Response": "Success"}, "ami_rights_too_few"),
    ],
)
def test_rights_are_judged_by_what_asterisk_says(commands: dict[str, str], code: str) -> None:
    assert ami_rights.judge(commands) == code
