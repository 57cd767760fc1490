"""Are people taken for people and machines for machines? The greetings of :mod:`bench.greetings` over a real Asterisk
pair, through the calls of the engine itself; the confusion table goes to the terminal.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from bench import greetings
from bench.greetings import HUMAN, MACHINE, Greeting
from bench.result import Result, at_least
from bench.rig import temporary_home, wait_for
from campaigns import machines
from campaigns.machines import Doubtful, Heard, MachinePolicy
from config.supervisor import ROOT
from dialer.amd import AmdParameters
from dialer.calls import CallRequest, CallResult, new_uid
from dialer.gateway import Gateway
from tests.support.asterisk import AsteriskPair, MemoryLedger, private_settings
from tests.support.audio import write_sweep

#: Greetings that are played at the same time.
AT_ONCE = 20
#: The callee who plays the greeting whose number stands in the digits before.
CALLEE = "60"
MESSAGE_S = 2.0
#: The longest greeting, the wait for silence, the message.
CALL_MOST_S = 60.0


@dataclass(frozen=True)
class Judged:
    """A greeting, and what came of the call."""

    greeting: Greeting
    result: CallResult
    beep_ends_s: float | None  # after the answer

    @property
    def heard(self) -> str:
        return self.result.machine.status if self.result.machine else "nothing"

    @property
    def left_after_beep(self) -> bool:
        """Whether the whole message was said after the beep."""
        began, ended = self.result.answered_at, self.result.ended_at
        if self.beep_ends_s is None or began is None or ended is None or not self.result.played_to_end:
            return False
        return (ended - began).total_seconds() - self.result.listened_s >= self.beep_ends_s


def run() -> Result:
    """People must not be hung up on, machines must be found, and messages for them come after the beep."""
    judged = judge(greetings.all_greetings())
    table = confusion(judged)
    sys.stderr.write(text(table, judged))
    people = [item for item in judged if item.greeting.kind == HUMAN]
    found = [item for item in judged if item.greeting.kind == MACHINE]
    with_beep = [item for item in found if item.beep_ends_s is not None and item.heard == Heard.MACHINE]
    not_machine = sum(item.heard != Heard.MACHINE for item in people)
    after_beep = sum(item.left_after_beep for item in with_beep)
    return Result(
        [
            at_least("people not taken for machines", not_machine / len(people), "of calls", 0.9, _of(people)),
            at_least("machines found", table[MACHINE, Heard.MACHINE] / len(found), "of calls", 0.9, _of(found)),
            at_least("messages left after the beep", after_beep / len(with_beep), "of machines", 0.95, _of(with_beep)),
        ],
        {"confusion": {f"{kind} → {heard}": count for (kind, heard), count in sorted(table.items())}},
    )


def _of(judged: Sequence[Judged]) -> str:
    languages = sorted({item.greeting.language for item in judged})
    return f"{len(judged)} greetings in {', '.join(languages)}"


def confusion(judged: Sequence[Judged]) -> Counter[tuple[str, str]]:
    """(what it is, what was heard) -> calls."""
    return Counter((item.greeting.kind, item.heard) for item in judged)


def text(table: Counter[tuple[str, str]], judged: Sequence[Judged]) -> str:
    """For the terminal: the table, and every mistake with its cause."""
    heard = [Heard.HUMAN.value, Heard.MACHINE.value, Heard.DOUBTFUL.value]
    lines = [f"{'':10}" + "".join(f"{name:>10}" for name in heard)]
    lines += [f"{kind:10}" + "".join(f"{table[kind, name]:>10}" for name in heard) for kind in (HUMAN, MACHINE)]
    for item in judged:
        if item.heard != item.greeting.kind:
            cause = item.result.machine.cause if item.result.machine else "-"
            lines.append(f"  {item.greeting.kind} as {item.heard}, {cause}: {item.greeting.text[:70]}")
    return "\n".join([*lines, ""])


def judge(chosen: Sequence[Greeting], parameters: AmdParameters | None = None) -> list[Judged]:
    """Call every greeting."""
    with temporary_home() as home:
        folder = home / "greetings"
        studio = greetings.Studio(ROOT / ".runtime/speech")
        beeps = [studio.record(item, folder / f"{number:05d}.wav", number) for number, item in enumerate(chosen)]
        with _pair(home, folder) as pair:
            results = _call(pair, len(chosen), parameters or AmdParameters())
    return [Judged(*row) for row in zip(chosen, results, beeps, strict=True)]


@contextlib.contextmanager
def _pair(home: Path, folder: Path) -> Iterator[AsteriskPair]:
    pair = AsteriskPair(private_settings(home))
    write_sweep(pair.settings.sounds / "sweep.wav", MESSAGE_S)
    with (home / "carrier/etc/extensions.conf").open("a") as dialplan:
        dialplan.write(
            f"\nexten => {CALLEE},1,Gosub(pick-up,s,1)\n same => n,Playback({folder}/${{NUMBER:-7:5}})\n"
            " same => n,Wait(${CAP})\n"
        )
    try:
        pair.carrier.start()
        pair.pbx.start()
        yield pair
    finally:
        pair.stop()


def _call(pair: AsteriskPair, count: int, parameters: AmdParameters) -> list[CallResult]:
    ledger = MemoryLedger()
    gateway = Gateway(pair.settings, ledger, contextlib.nullcontext)
    gateway.start()
    campaign = SimpleNamespace(machines=MachinePolicy.LEAVE, machines_doubtful=Doubtful.HUMAN, region="RU")
    variables = machines.variables(campaign, SimpleNamespace(amd=parameters.model_dump()), None)
    try:
        wait_for(lambda: gateway.boot, 30, "the gateway's connection")
        uids: list[str] = []
        for first in range(0, count, AT_ONCE):
            calls = [
                CallRequest(
                    *(new_uid(), f"7916{number:05d}{CALLEE}", "rehearsal", "PJSIP/{number}@{trunk}", "", 20, "sweep"),
                    variables=variables,
                )
                for number in range(first, min(first + AT_ONCE, count))
            ]
            for call in calls:
                ledger.claim(call.uid, gateway.boot or "")
            gateway.place(calls)
            batch = [call.uid for call in calls]
            ledger.wait_for(batch, CALL_MOST_S)
            uids += batch
            time.sleep(0.2)
        return [ledger.results[uid] for uid in uids]
    finally:
        gateway.stop()
