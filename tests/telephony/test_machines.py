"""Answering machines over real SIP and RTP: a message after the beep, or nothing, or the question for a key."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from campaigns import machines
from campaigns.message import flow
from campaigns.message.blocks import Message
from campaigns.retry import disposition_of
from campaigns.states import Disposition
from dialer.calls import CallOutcome, CallResult, StepDone
from dialer.pbx_config import ASKED
from tests.support.asterisk import AsteriskPair, asterisk_pair
from tests.support.audio import likeness, part_heard, write_sweep
from tests.telephony.conftest import Caller

pytestmark = pytest.mark.telephony

MESSAGE_S = 3.0
#: Rehearsal callees: a machine with greeting and beep; one that presses 1 after 2 s; one that listens silently.
MACHINE, PRESSES, SILENT = "79160000008", "79160000007", "79160000020"
#: Greeting and beep of the rehearsal's answering machine.
GREETING_S = 6.5
#: It is doubtful after a second, so that the key of the callee that presses one comes while it is asked for.
SOON = {"initial_silence_ms": 500, "total_ms": 1000}
STEM = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsteriskPair]:
    with asterisk_pair(tmp_path_factory.mktemp("home")) as running:
        write_sweep(running.settings.sounds / "sweep.wav", MESSAGE_S)
        write_sweep(running.settings.played / f"{STEM}.wav", MESSAGE_S)
        yield running


@pytest.fixture(scope="module")
def sweep(pair: AsteriskPair) -> np.ndarray[Any, Any]:
    sound: np.ndarray[Any, Any] = soundfile.read(pair.settings.sounds / "sweep.wav")[0]
    return sound


@pytest.fixture(scope="module")
def caller(pair: AsteriskPair) -> Iterator[Caller]:
    made = Caller(pair)
    made.ready()
    yield made
    made.gateway.stop()


def told(policy: str, doubtful: str = "human", **parameters: int) -> dict[str, str]:
    campaign = SimpleNamespace(machines=policy, machines_doubtful=doubtful, region="CZ")
    return machines.variables(campaign, SimpleNamespace(amd=parameters or None), None)


@pytest.fixture(scope="module")
def results(caller: Caller) -> dict[str, CallResult]:
    """All calls of this file, at the same time."""
    steps = Message.model_validate(
        {
            "default_language": "en",
            "variants": {"en": [{"kind": "text", "text": "Words."}]},
            "choice": {"keys": {"1": {"kind": "confirm"}}, "timeout_s": 5, "tries": 3},
        }
    )
    keys = flow.variables(steps, {"main": [STEM]})
    calls = {
        "left": (MACHINE, told("leave")),
        "left, with steps": (MACHINE, keys | told("leave")),
        "hung up on": (MACHINE, told("retry")),
        "as a person": (MACHINE, told("human")),
        "no beep": (MACHINE, told("leave", beep_wait_s=5, beep_silence_ms=5000)),
        "silent": (SILENT, told("retry")),
        "asked in vain": (SILENT, told("retry", "key", **SOON)),
        "asked": (PRESSES, told("retry", "key", **SOON)),
        "asked, with steps": (PRESSES, keys | told("retry", "key", **SOON)),
    }
    found: dict[str, CallResult] = {}
    for _ in range(3):  # a busy machine may be too late with a call, which then is not placed
        missing = {name: call for name, call in calls.items() if name not in found}
        uids = {name: caller.call(number, variables=told)[0] for name, (number, told) in missing.items()}
        ended = caller.ledger.wait_for(list(uids.values()), 90) if uids else {}
        placed = {name: ended[uid] for name, uid in uids.items()}
        found |= {name: item for name, item in placed.items() if item.outcome is not CallOutcome.NOT_PLACED}
    return found


def heard(pair: AsteriskPair, result: CallResult, sound: np.ndarray[Any, Any]) -> float:
    return likeness(sound, pair.settings.carrier_recordings / f"{result.uid}.wav")


def most_was_heard(pair: AsteriskPair, result: CallResult, sound: np.ndarray[Any, Any]) -> bool:
    """Machines and who presses keys are recorded with parts missing on a busy machine."""
    return part_heard(sound, pair.settings.carrier_recordings / f"{result.uid}.wav") >= 0.7


def began_s(result: CallResult) -> float:
    """Seconds from the answer to the message, which was said to its end."""
    assert result.answered_at is not None
    assert result.ended_at is not None
    return (result.ended_at - result.answered_at).total_seconds() - result.listened_s


@pytest.mark.parametrize("name", ["left", "left, with steps"])
def test_message_is_left_after_the_beep(
    pair: AsteriskPair, results: dict[str, CallResult], sweep: np.ndarray[Any, Any], name: str
) -> None:
    """The whole message, after greeting and beep, and no key is waited for."""
    result = results[name]
    assert result.machine is not None
    assert (result.outcome, result.machine.status) == (CallOutcome.ANSWERED, "machine")
    assert result.played_to_end
    assert began_s(result) > GREETING_S
    assert most_was_heard(pair, result, sweep)
    assert result.steps == ((StepDone("main", "end"),) if "steps" in name else ())


@pytest.mark.parametrize("name", ["hung up on", "no beep"])
def test_nothing_is_said_to_a_machine(results: dict[str, CallResult], name: str) -> None:
    """Hung up when it was recognised, or when the silence after its beep did not come in time."""
    result = results[name]
    assert result.machine is not None
    assert result.machine.status == "machine"
    assert result.machine.cause.endswith("-NOBEEP") == (name == "no beep")
    assert result.listened_s == 0
    assert disposition_of(result, 0) is Disposition.MACHINE


def test_message_is_said_as_to_a_person(results: dict[str, CallResult]) -> None:
    """Over the greeting; what answered is known."""
    result = results["as a person"]
    assert result.machine is not None
    assert result.machine.status == "machine"
    assert result.played_to_end
    assert began_s(result) < GREETING_S


def test_silence_is_doubtful_and_a_person(results: dict[str, CallResult]) -> None:
    """Who waits for us to speak hears the message."""
    result = results["silent"]
    assert result.machine is not None
    assert result.machine.status == "doubtful"
    assert result.machine.cause.startswith(("INITIALSILENCE-", "TOOLONG-"))  # with sound that is silent, or none at all
    assert result.played_to_end


def test_key_is_asked_for_in_vain(pair: AsteriskPair, results: dict[str, CallResult]) -> None:
    """Asked in the language of the region; then as with a machine."""
    result = results["asked in vain"]
    assert result.machine is not None
    assert result.machine.status == "doubtful"
    assert result.machine.cause.endswith("-NOKEY")
    assert result.listened_s == 0
    assert heard(pair, result, soundfile.read(ASKED / "cs.wav")[0]) > 0.9


def test_key_makes_a_person(pair: AsteriskPair, results: dict[str, CallResult], sweep: np.ndarray[Any, Any]) -> None:
    result = results["asked"]
    assert result.machine is not None
    assert result.machine.status == "human"
    assert result.machine.cause.endswith("-KEY")
    assert result.played_to_end
    assert most_was_heard(pair, result, sweep)


def test_key_that_was_asked_for_is_none_of_the_message(results: dict[str, CallResult]) -> None:
    """The message with steps begins anew: that key confirmed nothing."""
    result = results["asked, with steps"]
    assert result.machine is not None
    assert result.machine.status == "human"
    assert result.steps[0].step == "main"
    assert not result.confirmed
