"""Answering machines: what a campaign does with them, and how the dialplan is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from dialer import amd
from dialer.calls import CallOutcome, CallResult


class MachinePolicy(StrEnum):
    """What is done with an answering machine."""

    OFF = "off"  # it is not listened for them: the message begins at once
    LEAVE = "leave"  # the message is left after the beep
    RETRY = "retry"  # hang up, call again later
    HUMAN = "human"  # the message is said as to a person; reports show what was heard


class Doubtful(StrEnum):
    """What is done when it is doubtful what answered."""

    HUMAN = "human"  # as with a person
    KEY = "key"  # it asks for a key; without one it is a machine


class Heard(StrEnum):
    """What answered, as the dialplan says it (``Machine.status``)."""

    HUMAN = "human"
    MACHINE = "machine"
    DOUBTFUL = "doubtful"


#: What is said to ask for a key, by language; assets/press_a_key holds it as sound.
ASKED = {
    "ru": "Чтобы прослушать сообщение, нажмите любую клавишу.",
    "en": "To hear the message, press any key.",
    "cs": "Chcete-li si poslechnout zprávu, stiskněte libovolnou klávesu.",
    "uk": "Щоб прослухати повідомлення, натисніть будь-яку клавішу.",
    "kk": "Хабарламаны тыңдау үшін кез келген пернені басыңыз.",
    "de": "Um die Nachricht zu hören, drücken Sie eine beliebige Taste.",
}
#: Language in which it is asked where the message itself is a recording: by the region of the campaign's numbers.
BY_REGION = {"RU": "ru", "BY": "ru", "KZ": "kk", "UA": "uk", "CZ": "cs", "DE": "de", "AT": "de"}


def variables(campaign: Any, trunk: Any, prompts: Mapping[str, Any] | None) -> dict[str, str]:
    """The channel variables of a call, read by config/asterisk/pbx/extensions_amd.conf.j2; none when it is off.

    :param campaign: row or object with ``machines``, ``machines_doubtful`` and ``region``; ``trunk``: with ``amd``.
    :param prompts: ``contact.prompts``, which know the contact's language; None for a recorded message.
    """
    if campaign.machines == MachinePolicy.OFF:
        return {}
    found = amd.of_trunk(trunk.amd).variables() | {"OBZ_AMD_MACHINE": str(campaign.machines)}
    if campaign.machines_doubtful == Doubtful.KEY:
        language = (prompts or {}).get("l") or BY_REGION.get(campaign.region, "en")
        found["OBZ_AMD_ASK"] = f"{amd.ASK_FOLDER}/{language}"
    return found


def longest_s(campaign: Any, trunk: Any) -> float:
    """Seconds that a call may last longer than its message: listening, asking twice, waiting for the beep."""
    if campaign.machines == MachinePolicy.OFF:
        return 0.0
    parameters = amd.of_trunk(trunk.amd)
    asking_s = 20.0 if campaign.machines_doubtful == Doubtful.KEY else 0.0
    waiting_s = float(parameters.beep_wait_s) if campaign.machines == MachinePolicy.LEAVE else 0.0
    return parameters.total_ms / 1000 + max(asking_s, waiting_s)


def nothing_said(result: CallResult) -> bool:
    """Whether the call ended before its message because no person seemed to have answered."""
    if result.outcome is not CallOutcome.ANSWERED or result.machine is None:
        return False
    unsaid = result.listened_s == 0 and not result.played_to_end
    return unsaid and result.machine.status in (Heard.MACHINE, Heard.DOUBTFUL)
