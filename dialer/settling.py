"""Finds out what became of calls whose end nobody told us: after a start, after a gap, and in a slow sweep.

The proof for "never placed": the hangup handler writes the journal before a channel leaves the list of channels. So
whoever is looked for first in the list and then in the journal, and is in neither, has no channel and had none. An
Originate may still lie unread in Asterisk's socket; therefore one quiet second, and a second look.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from dialer import journal
from dialer.ami import AmiSession
from dialer.call_record import CallRecord
from dialer.call_tracker import TrackedCall, not_placed, result_of, unknown
from dialer.calls import CallResult, OpenCall
from dialer.crash_points import crash_point

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SettleTimes:
    """Seconds; tests shorten some."""

    quiet: float = 1.0
    sweep_every: float = 5.0
    #: An open call younger than this may still be on its way from the claim to the gateway.
    unclaimed_after: float = 5.0
    #: How long the record may come after the report of a failed Originate.
    record_after_failure: float = 0.3
    #: A journal entry younger than this is about to be told by its event.
    journal_after: float = 2.0
    #: Hang up channels that belong to no call of ours; off where several ledgers share one PBX, in tests.
    end_strangers: bool = True


class Calls(Protocol):
    """What the settler needs from the gateway; all on the loop's thread."""

    def followed(self) -> dict[str, TrackedCall]: ...
    def has_ended(self, uid: str) -> bool: ...
    def finish(self, result: CallResult) -> None: ...
    def record_again(self, result: CallResult) -> None: ...
    def adopt(self, uid: str, boot: str, talking: bool) -> None: ...
    def no_channel(self, call: TrackedCall) -> None: ...
    def end_channels(self, names: Iterable[str]) -> None: ...
    def forget_ended(self) -> None: ...
    async def open_calls(self) -> Sequence[OpenCall]: ...


@dataclass(frozen=True, slots=True)
class _Look:
    """What the PBX has of our calls at one moment."""

    channels: dict[str, bool]  # uid -> somebody has answered
    journal: dict[str, CallRecord]
    #: A channel's name -> the uid of the call that it belongs to: its own, or that of who was handed over to it.
    belongs: dict[str, str] = field(default_factory=dict)

    def has(self, uid: str) -> bool:
        return uid in self.channels or uid in self.journal


async def boot_of(session: AmiSession) -> str:
    """Since when this PBX runs, to the second.

    It starts in a third of one. Two lives still never have the same: supervisord (startsecs) and our systemd units
    (RestartSec) wait a second before they start again what died in its first.
    """
    status = await session.action("CoreStatus")
    return f"{status.get('CoreStartupDate')} {status.get('CoreStartupTime')}"


class Settler:
    """Decides about calls by what the PBX has of them."""

    def __init__(self, calls: Calls, times: SettleTimes) -> None:
        self._calls = calls
        self._times = times
        self._woken = asyncio.Event()
        self._strangers: set[str] = set()

    def wake(self) -> None:
        """An Originate failed: look soon whether it had a channel."""
        self._woken.set()

    async def settle_gap(self, session: AmiSession) -> str:
        """Settle every open call after a start or a lost connection; returns the PBX's boot id."""
        self._strangers = set()  # of another life of the PBX perhaps, which gave the same names to other channels
        boot = await boot_of(session)
        boots = {call.uid: call.boot for call in await self._calls.open_calls()}
        boots |= {uid: call.boot for uid, call in self._calls.followed().items()}
        boots = {uid: at for uid, at in boots.items() if not self._calls.has_ended(uid)}
        look = await self._look(session)
        for uid, record in look.journal.items():
            # Also those that are not open: their deletion was lost with the connection.
            self._calls.record_again(result_of(uid, record))
        undecided = self._decide(boots, boot, look)
        if undecided:
            await asyncio.sleep(self._times.quiet)
            await self._decide_finally(session, undecided, boot)
        return boot

    async def sweep_for_ever(self, session: AmiSession, boot: str) -> None:
        """Every few seconds what the events may have left out; at once what failed without a record."""
        next_sweep = time.monotonic() + self._times.sweep_every
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), max(0.0, next_sweep - time.monotonic()))
            if self._woken.is_set():
                self._woken.clear()
                await asyncio.sleep(self._times.record_after_failure)
                await self._settle_failures(session)
            if time.monotonic() >= next_sweep:
                await self._sweep(session, boot)
                next_sweep = time.monotonic() + self._times.sweep_every

    async def _settle_failures(self, session: AmiSession) -> None:
        """Originates that failed: those with a channel have their record by now, the others never had a channel."""
        limit = time.monotonic() - self._times.record_after_failure * 0.9
        failed = [c for c in self._calls.followed().values() if c.failed_at is not None]
        if not failed:
            return
        due = [call for call in failed if call.failed_at is not None and call.failed_at <= limit]
        if len(due) < len(failed):
            self._woken.set()
        if not due:
            return
        look = await self._look(session)
        for call in due:
            if call.uid in look.journal:
                self._calls.finish(result_of(call.uid, look.journal[call.uid]))
            elif call.uid not in look.channels:
                self._calls.no_channel(call)
            else:
                self._woken.set()

    async def _sweep(self, session: AmiSession, boot: str) -> None:
        self._calls.forget_ended()
        before = time.monotonic() - self._times.unclaimed_after
        now = dt.datetime.now(dt.UTC)
        on_its_way = dt.timedelta(seconds=self._times.unclaimed_after)
        opened = await self._calls.open_calls()
        # abs: a clock that was set back makes old calls look as if they were of the future.
        boots = {c.uid: c.boot for c in opened if abs(now - c.claimed_at) > on_its_way}
        for uid, call in self._calls.followed().items():
            boots.pop(uid, None)
            if call.since < before:
                boots[uid] = call.boot
        boots = {uid: at for uid, at in boots.items() if not self._calls.has_ended(uid)}
        look = await self._look(session)
        self._end_strangers(look, {call.uid for call in opened} | set(self._calls.followed()))
        for uid, record in look.journal.items():
            if abs(time.time() - record.ended) > self._times.journal_after:
                self._calls.record_again(result_of(uid, record))
        undecided = self._decide(boots, boot, look)
        if undecided:
            await asyncio.sleep(self._times.quiet)
            await self._decide_finally(session, undecided, boot)

    def _end_strangers(self, look: _Look, ours: set[str]) -> None:
        """Hang up what no call of ours belongs to: whoever has the manager's secret could dial with it.

        Only when two sweeps in a row saw it, each with open calls read anew: another dial worker of this node may have
        claimed a call just now, and we were frozen between our look at the ledger and that at the PBX.
        """
        if not self._times.end_strangers:
            return
        now = {name for name, uid in look.belongs.items() if uid not in ours and not self._calls.has_ended(uid)}
        seen_before = sorted(now & self._strangers)
        self._strangers = now
        if seen_before:
            log.error("channels_of_no_call_of_ours", count=len(seen_before), done="hanging up")
            self._calls.end_channels(seen_before)

    def _decide(self, boots: dict[str, str], boot: str, look: _Look) -> list[str]:
        """Settle what one look can settle; returns the uids that seem never to have been placed."""
        undecided: list[str] = []
        for uid, claimed_on in boots.items():
            if self._calls.has_ended(uid) or uid in look.journal:
                continue
            if uid in look.channels:
                self._calls.adopt(uid, boot, look.channels[uid])
            elif claimed_on != boot:
                self._calls.finish(unknown(uid))
            else:
                undecided.append(uid)
        return undecided

    async def _decide_finally(self, session: AmiSession, uids: Iterable[str], boot: str) -> None:
        look = await self._look(session)
        for uid in uids:
            if self._calls.has_ended(uid):
                continue
            if uid in look.journal:
                self._calls.record_again(result_of(uid, look.journal[uid]))
            elif uid in look.channels:
                self._calls.adopt(uid, boot, look.channels[uid])
            else:
                log.warning("call_never_placed", attempt=uid)
                self._calls.finish(not_placed(uid, "the call never reached Asterisk"))

    async def _look(self, session: AmiSession) -> _Look:
        """First the channels, then the journal: see the proof above."""
        rows = await session.rows("CoreShowChannels")
        channels = {str(row.get("Uniqueid", "")): str(row.get("ChannelStateDesc", "")) == "Up" for row in rows}
        # The context says nothing: a channel has that of its trunk, calls that come in, until a dialplan moves it.
        belongs = {str(row.get("Channel", "")): str(row.get("Linkedid", "")) for row in rows}
        look = _Look(channels, await journal.read(session), belongs)
        crash_point("after_settle_look")
        return look
