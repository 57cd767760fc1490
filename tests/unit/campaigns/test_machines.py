"""What a campaign does with answering machines, as the dialplan is told and as the outcome is named."""

from __future__ import annotations

import datetime as dt
import re
import wave
from types import SimpleNamespace
from typing import Any

import pytest

from campaigns import machines
from campaigns.machines import ASKED, BY_REGION, Doubtful, MachinePolicy
from campaigns.message.blocks import Language
from campaigns.retry import RetryPolicy, after, disposition_of, reached_by
from campaigns.states import ContactState, Disposition, ReachedBy
from dialer import amd
from dialer.calls import CallOutcome, CallResult, Machine
from dialer.gateway import VALUE, VARIABLE
from dialer.pbx_config import ASKED as ASKED_FOLDER

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def campaign(policy: str = "leave", doubtful: str = "human", region: str = "RU") -> Any:
    return SimpleNamespace(machines=policy, machines_doubtful=doubtful, region=region)


def trunk(**parameters: int) -> Any:
    return SimpleNamespace(amd=parameters or None)


def test_nothing_is_told_when_it_is_off() -> None:
    assert machines.variables(campaign("off", "key"), trunk(), None) == {}
    assert machines.longest_s(campaign("off", "key"), trunk()) == 0


@pytest.mark.parametrize("policy", [policy for policy in MachinePolicy if policy is not MachinePolicy.OFF])
@pytest.mark.parametrize("doubtful", Doubtful)
def test_what_the_dialplan_is_told(policy: MachinePolicy, doubtful: Doubtful) -> None:
    """Names and values that may go to the manager; the trunk's own parameters."""
    told = machines.variables(campaign(policy, doubtful), trunk(greeting_ms=1700), {"l": "cs"})
    assert told["OBZ_AMD"].split(":")[1] == "1700"
    assert told["OBZ_AMD_MACHINE"] == policy
    assert told.get("OBZ_AMD_ASK") == ("k/cs" if doubtful is Doubtful.KEY else None)
    assert all(VARIABLE.fullmatch(name) and VALUE.fullmatch(value) for name, value in told.items())
    assert machines.longest_s(campaign(policy, doubtful), trunk()) > 0


@pytest.mark.parametrize(("region", "language"), [*BY_REGION.items(), ("US", "en"), ("FR", "en")])
def test_language_of_the_question_for_a_recorded_message(region: str, language: str) -> None:
    told = machines.variables(campaign("retry", "key", region), trunk(), None)
    assert told["OBZ_AMD_ASK"] == f"k/{language}"


def test_every_language_asks_for_a_key() -> None:
    """A sound for each language of messages, as telephones play it."""
    assert set(ASKED) == set(Language.__args__)  # type: ignore[attr-defined]
    for language in ASKED:
        with wave.open(str(ASKED_FOLDER / f"{language}.wav")) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
            assert 1.5 < sound.getnframes() / 8000 < 6


def result(status: str, **more: Any) -> CallResult:
    return CallResult("u", CallOutcome.ANSWERED, machine=Machine(status, "MAXWORDS-5-4") if status else None, **more)


@pytest.mark.parametrize("notification_s", [0.0, 5.0])
def test_a_machine_that_was_hung_up_on_is_called_again(notification_s: float) -> None:
    """It never counts as reached, also where answering alone would; it uses up an attempt."""
    disposition = disposition_of(result("machine"), notification_s)
    assert disposition is Disposition.MACHINE
    assert reached_by(result("machine"), notification_s) is None
    policy = RetryPolicy(attempts=2, retry_s=60, failed_s=5)
    following = after(disposition, 0, policy, NOW)
    assert (following.state, following.due_at) == (ContactState.PENDING, NOW + dt.timedelta(seconds=60))
    assert following.counted
    assert after(disposition, 1, policy, NOW).state is ContactState.NOT_REACHED


def test_other_ends() -> None:
    """Left to its end: reached by time, as shown. Doubtful and nobody pressed a key: not heard. A person: as ever."""
    left = result("machine", listened_s=7.0, played_to_end=True)
    assert disposition_of(left, 30) is Disposition.REACHED
    assert reached_by(left, 30) is ReachedBy.TIME
    assert disposition_of(result("doubtful"), 0) is Disposition.NOT_HEARD
    assert disposition_of(result("human"), 5) is Disposition.NOT_HEARD
    assert disposition_of(result("human", listened_s=6.0), 5) is Disposition.REACHED
    assert disposition_of(result("", listened_s=6.0), 5) is Disposition.REACHED


def test_parameters_come_in_the_order_of_the_application() -> None:
    told = amd.USUAL.variables()
    assert told == {"OBZ_AMD": "2500:2000:800:5000:100:50:4:450:5000", "OBZ_AMD_BEEP": "1500:40"}
    assert re.fullmatch(r"[0-9:]+", told["OBZ_AMD"])


def test_only_what_differs_is_kept() -> None:
    assert amd.to_keep(amd.AmdParameters()) is None
    assert amd.to_keep(amd.AmdParameters(greeting_ms=1500)) == {"greeting_ms": 1500}
    assert amd.of_trunk(None) == amd.of_trunk({}) == amd.USUAL
    assert amd.of_trunk({"greeting_ms": 1500}).greeting_ms == 1500
