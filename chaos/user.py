"""A person who keeps working through the JSON API while things break, and who writes down what was acknowledged."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from chaos.oracle import evidence

#: An answer that does not come within this time counts as none.
PATIENCE_S = 20.0
#: Between two things the user does.
THINK_S = (0.3, 1.5)
#: The campaign is paused about once in so many actions, for so long.
PAUSE_EVERY = 15
PAUSE_S = (0.5, 2.0)


class Refused(Exception):
    """The API said no (4xx)."""


class GivenUp(Exception):
    """The run ends; nothing is asked any more."""


@dataclass
class Api:
    """The API with a key. Requests without a clear answer are repeated until there is one."""

    address: str
    key: str
    acknowledged: Path
    stopping: threading.Event = field(default_factory=threading.Event)
    unanswered: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def once(self, method: str, path: str, **more: Any) -> Any:
        """One request. :returns: the answer's JSON.

        :raises requests.RequestException: no answer, or 5xx: nobody knows whether it was done.
        :raises Refused: 4xx.
        """
        answer = requests.request(
            method,
            f"{self.address}api/v1{path}",
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=PATIENCE_S,
            **more,
        )
        if 400 <= answer.status_code < 500:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def get(self, path: str) -> Any:
        """Ask until there is an answer."""
        while True:
            with contextlib.suppress(requests.RequestException):
                return self.once("GET", path)
            self._breathe()

    def do(self, method: str, path: str, kind: str, fields: dict[str, Any], known_id: int = 0, **more: Any) -> Any:
        """Have something done, and write down each answer and each missing answer."""
        while True:
            asked = time.time()
            try:
                answer = self.once(method, path, **more)
            except requests.RequestException:
                self.unanswered += 1
                self._write(evidence.Acknowledged(None, kind, known_id, fields, asked))
                self._breathe()
                continue
            found = known_id or int(answer["id"])
            self._write(evidence.Acknowledged(time.time(), kind, found, fields, asked))
            return answer

    def _write(self, item: evidence.Acknowledged) -> None:
        line = {"asked": item.asked, "time": item.time, "kind": item.kind, "id": item.id, "fields": dict(item.fields)}
        with self._lock, self.acknowledged.open("a") as handle:
            handle.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _breathe(self) -> None:
        if self.stopping.wait(0.2):
            raise GivenUp


class User:
    """Works in a thread of its own until told to stop; finishes what it began."""

    def __init__(self, api: Api, campaign_id: int, seed: int) -> None:
        self._api = api
        self._campaign_id = campaign_id
        self._dice = random.Random(f"user {seed}")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="user", daemon=True)
        self._drafts: list[int] = []
        self._count = 0
        #: Since when the campaign is to run again by the user's own order; None while it is paused by him.
        self.running_since: float | None = 0.0
        #: What went wrong with the user himself: a refusal that he did not expect.
        self.troubles: list[str] = []
        self.done = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self, limit_s: float = 90) -> None:
        """Let him finish what he began."""
        self._stop.set()
        self._thread.join(limit_s)
        if self._thread.is_alive() and not self._api.stopping.is_set():
            self.troubles.append(f"a request of the user had no answer for {limit_s:g} s")

    def _work(self) -> None:
        while not self._stop.wait(self._dice.uniform(*THINK_S)):
            try:
                self._next()
                self.done += 1
            except GivenUp:
                return
            except Refused as exc:
                self.troubles.append(str(exc))
            except Exception as exc:
                self.troubles.append(f"{type(exc).__name__}: {exc}")

    def _next(self) -> None:
        self._count += 1
        if self._count % PAUSE_EVERY == 0:
            return self._pause_and_resume()
        if not self._drafts or self._dice.random() < 0.25:
            return self._create()
        if self._dice.random() < 0.5:
            return self._rename()
        return self._upload()

    def _create(self) -> None:
        name = f"Черновик {self._count}"
        answer = self._api.do("POST", "/campaigns", evidence.CREATED, {"name": name}, json={"name": name})
        self._drafts.append(int(answer["id"]))

    def _rename(self) -> None:
        draft = self._dice.choice(self._drafts)
        fields = {"name": f"Переименован {self._count}"}
        self._api.do("PATCH", f"/campaigns/{draft}", evidence.CHANGED, fields, draft, json=fields)

    def _upload(self) -> None:
        draft = self._dice.choice(self._drafts)
        count = self._dice.randint(3, 30)
        # Numbers of their own in each file: the same number twice in a campaign would be kept once.
        rows = [f"7901{self._count % 10_000:04d}{line:03d}" for line in range(count)]
        file = ("list.csv", "phone\n" + "\n".join(rows) + "\n", "text/csv")
        # Where an answer was lost the file may be there already: its rows are read again, and are duplicates then.
        fields = {"campaign_id": draft, "state": "ready", "rows": count}
        path = f"/campaigns/{draft}/bases"
        self._api.do("POST", path, evidence.UPLOADED, fields, files={"file": file}, data={"again": "true"})

    def _pause_and_resume(self) -> None:
        path = f"/campaigns/{self._campaign_id}"
        if self._api.get(path)["state"] != "running":
            return
        self.running_since = None
        try:
            self._api.do("POST", f"{path}/pause", evidence.PAUSED, {}, self._campaign_id)
            self._stop.wait(self._dice.uniform(*PAUSE_S))
        finally:
            try:
                self._resume(path)
            finally:
                self.running_since = time.time()

    def _resume(self, path: str) -> None:
        """The copy may refuse it for a while: its PBX is not connected."""
        deadline = time.monotonic() + 60
        while True:
            try:
                self._api.do("POST", f"{path}/resume", evidence.RESUMED, {}, self._campaign_id)
                break
            except Refused:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
