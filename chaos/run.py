"""One run: start, dial, spoil, wait for the end, judge."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import requests

from chaos import campaign, plan
from chaos import copy as copies
from chaos.copy import Copy
from chaos.faults import Done, Injector
from chaos.options import Options
from chaos.oracle import Evidence, Judgement, judge, keep
from chaos.oracle.evidence import ACKNOWLEDGED, FAULTS, read_acknowledged, read_faults
from chaos.user import Api, Refused, User
from chaos.watch import CarrierWatch
from config import database
from config import settings as all_settings

#: Dialing that has not gone on by itself after so long never will.
STUCK_S = 60.0
#: No faults for the last part of the numbers: it could not be said any more whether calls are due.
DUE_PART = 0.04
#: The tables and the journal come to rest.
REST_S = 2.0


@dataclass
class Result:
    """What a run brought."""

    options: Options
    folder: Path
    planned: int = 0
    done: list[Done] = field(default_factory=list)
    #: What the rig itself saw go wrong, besides the oracle's breaches.
    troubles: list[str] = field(default_factory=list)
    judgement: Judgement | None = None
    #: What this machine does not let the rig do.
    not_possible: list[str] = field(default_factory=list)
    user_actions: int = 0
    unanswered: int = 0
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        return not self.troubles and self.judgement is not None and self.judgement.clean


def run(options: Options, folder: Path, say: Callable[[str], None]) -> Result:
    """Do everything; the evidence stays in ``folder``."""
    result = Result(options, folder)
    began = time.monotonic()
    say(f"Evidence: {folder}   seed {options.seed}, database {options.database}")
    with copies.running(options, folder) as copy, _speaking_to(copy):
        try:
            _Run(options, folder, copy, result, say).go()
        finally:
            result.seconds = time.monotonic() - began
            if options.keep or not result.clean:
                copy.keep()
    return result


@contextmanager
def _speaking_to(copy: Copy) -> Iterator[None]:
    """What the rig calls of the product's own code speaks to the copy."""
    before = os.environ.get("OBZVON_HOME")
    os.environ["OBZVON_HOME"] = str(copy.home)
    all_settings.get.cache_clear()
    try:
        with copy.stack.app.app_context():
            try:
                yield
            finally:
                database.db.engine.dispose()
    finally:
        if before is None:
            os.environ.pop("OBZVON_HOME", None)
        else:
            os.environ["OBZVON_HOME"] = before
        all_settings.get.cache_clear()


def _api(copy: Copy, folder: Path) -> tuple[Api, int]:
    """A key of the administrator's, and the rehearsal trunk."""
    from sqlalchemy import select

    from dialer.models import Trunk
    from web import api_keys
    from web.accounts import User as Account

    with database.read() as session:
        account = session.scalars(select(Account.id)).first()
        trunk = session.scalars(select(Trunk.id)).first()
    assert account is not None
    assert trunk is not None
    return Api(copy.stack.address, api_keys.create(account, "rig"), folder / ACKNOWLEDGED), trunk


class _Run:
    def __init__(
        self,
        options: Options,
        folder: Path,
        copy: Copy,
        result: Result,
        say: Callable[[str], None],
    ) -> None:
        self.options = options
        self.folder = folder
        self.copy = copy
        self.result = result
        self.say = say
        self.called = campaign.numbers(options.seed, options.contacts)
        self.watch = CarrierWatch(copy.carrier / "calls.jsonl")
        self.injector = Injector(copy, folder / FAULTS)
        self.plan = plan.make(options.seed, options.kills, copy.targets, options.others, options.longest_s)
        result.planned, result.not_possible = len(self.plan), copy.not_possible
        (folder / "plan.json").write_text(json.dumps([asdict(item) for item in self.plan], indent=1))

    def go(self) -> None:
        self.api, trunk_id = _api(self.copy, self.folder)
        self.campaign_id = campaign.make(self.api, trunk_id, self.options.channels, self.called, self.folder)
        self.user = User(self.api, self.campaign_id, self.options.seed)
        self.api.do("POST", f"/campaigns/{self.campaign_id}/start", "started", {}, self.campaign_id)
        began = time.time()
        if self.watch.wait_resumed(lambda: began, STUCK_S) is None:
            self.result.troubles.append("the campaign did not begin to dial")
            return
        self.user.start()
        try:
            self._spoil()
            self.user.stop()
            self._finish()
        except copies.Ended:
            self.result.troubles.append("the copy ended")
        finally:
            self.api.stopping.set()
            self.user.stop()
        self.result.user_actions, self.result.unanswered = self.user.done, self.api.unanswered
        self.result.troubles += [f"the user: {trouble}" for trouble in self.user.troubles]
        self.copy.stop()
        evidence = self._evidence()
        self.result.judgement = judge(evidence)
        if self.options.keep or not self.result.clean:
            keep(evidence, self.folder / "evidence")

    # ------------------------------------------------------------------ faults

    def _spoil(self) -> None:
        said = time.monotonic()
        for index, planned in enumerate(self.plan):
            due = self._wait_for_progress(index)
            if not due and self._look_after_campaign():
                self.say(f"{len(self.plan) - index} faults were not done: the campaign is finished.")
                return
            if self._progress() < self._share(index + 1):
                time.sleep(planned.pause_s)  # else dialing is ahead of the plan: no quiet
            done = self.injector.carry_out(planned)
            self.result.done.append(done)
            if not done.missed:
                if due:
                    self._measure(done)
                self.injector.write(done)
            if time.monotonic() - said > 10:
                said = time.monotonic()
                self._tell(index + 1)

    def _progress(self) -> float:
        """The part of the numbers that has been called."""
        return len(self.watch.numbers) / len(self.called)

    def _share(self, index: int) -> float:
        """The part that should have been called before this fault."""
        return index / len(self.plan) * (1 - 3 * DUE_PART)

    def _wait_for_progress(self, index: int) -> bool:
        """Spread the faults over the campaign. :returns: False when too few numbers are left."""
        while True:
            self.watch.look()
            if self._progress() > 1 - DUE_PART:
                return False
            if self._progress() >= self._share(index):
                return True
            self._look_after_campaign()
            time.sleep(0.2)

    def _measure(self, done: Done) -> None:
        """How long until dialing went on by itself."""
        end = done.fault.end

        def since() -> float | None:
            self.copy.check()
            by_user = self.user.running_since
            return None if by_user is None else max(end, by_user)

        done.resumed_s = self.watch.wait_resumed(since, STUCK_S)
        if done.resumed_s is None and len(self.watch.numbers) < len(self.called) * (1 - DUE_PART):
            self.result.troubles.append(f"dialing did not go on within {STUCK_S:g} s after {done.fault}")
        self._look_after_campaign()

    def _campaign(self) -> dict[str, Any] | None:
        """As the API has it now; None: no answer."""
        try:
            found: dict[str, Any] = self.api.once("GET", f"/campaigns/{self.campaign_id}")
        except (requests.RequestException, Refused):
            self.copy.check()
            return None
        return found

    def _look_after_campaign(self) -> bool:
        """A campaign that the product paused does not go on by itself: that is told, and mended. :returns: finished?"""
        found = self._campaign()
        if found is None:
            return False
        if found["state"] == "paused" and found["state_code"]:
            self.result.troubles.append(f"the campaign paused itself: {found['state_code']} {found['state_detail']}")
            path = f"/campaigns/{self.campaign_id}/resume"
            try:
                self.api.do("POST", path, "resumed", {}, self.campaign_id)
            except Refused as exc:
                self.result.troubles.append(str(exc))
        return bool(found["state"] == "finished")

    def _tell(self, count: int) -> None:
        resumed = [done.resumed_s for done in self.result.done if done.resumed_s is not None]
        self.say(
            f"faults {count}/{len(self.plan)}  called {len(self.watch.numbers)}/{len(self.called)}"
            f"  calls up {self.watch.up}  slowest to go on {max(resumed, default=0):.1f} s"
            f"  troubles {len(self.result.troubles)}"
        )

    # ------------------------------------------------------------------ the end

    def _finish(self) -> None:
        """Nothing is spoiled any more: everybody must be called, every base loaded."""
        if any(done.planned.kind == "clock_ahead" for done in self.result.done):
            self.injector.set_clock(4000)  # retries that were set while it was ahead are due an hour later
        deadline = time.monotonic() + self.options.finish_s
        last = (0, time.monotonic())
        while not self._look_after_campaign():
            self.watch.look()
            if len(self.watch.invites) != last[0]:
                last = (len(self.watch.invites), time.monotonic())
            if time.monotonic() > max(deadline, last[1] + STUCK_S):
                self.result.troubles.append("the campaign did not finish")
                break
            time.sleep(0.5)
        self._wait_for_bases()
        time.sleep(REST_S)
        self.injector.set_clock(0)

    def _wait_for_bases(self) -> None:
        """What the user uploaded is loaded in the end, whoever was killed meanwhile."""
        deadline = time.monotonic() + 180
        waiting = self._unready()
        while waiting and time.monotonic() < deadline:
            time.sleep(0.5)
            waiting = self._unready()
        if waiting:
            self.result.troubles.append(f"{len(waiting)} bases are not loaded: {waiting[:5]}")

    def _unready(self) -> list[tuple[int, str]]:
        from sqlalchemy import select

        from campaigns.models import ContactBase

        with database.read() as session:
            rows = session.execute(select(ContactBase.id, ContactBase.state).where(ContactBase.state != "ready"))
            return [(row.id, row.state) for row in rows]

    def _evidence(self) -> Evidence:
        return Evidence(
            database=self.copy.settings.database_url,
            carrier_logs=(self.copy.carrier / "calls.jsonl",),
            event_logs=self.copy.event_logs(),
            faults=read_faults(self.folder / FAULTS),
            acknowledged=read_acknowledged(self.folder / ACKNOWLEDGED),
            expected={self.campaign_id: frozenset(self.called)},
            campaigns=None,
        )
