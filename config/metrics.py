"""What each process counts, for Prometheus. The only module that makes counters; ``ops.metrics_page`` shows them all.

A process with a role (``OBZVON_ROLE``: web, jobs, dial, beat) counts in files of its own below ``<home>/run/metrics``,
so that forked children and several processes of one role add up, and the web process answers for all of its host.
Without a role (tests, command line) counting stays in memory.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

ROLE = os.environ.get("OBZVON_ROLE", "")
ROLES = ("web", "jobs", "dial", "beat")
#: Read by prometheus_client when it is imported first; so nobody else may import it before this module.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def folder(run: Path) -> Path:
    """Where the processes of the home with this ``run`` folder count; one folder for each role."""
    return run / "metrics"


def _count_in_files(role: str) -> None:
    if role not in ROLES or FOLDER_VARIABLE in os.environ:
        return
    home = Path(os.environ.get("OBZVON_HOME") or "var").expanduser().absolute()
    own = folder(home / "run") / role
    try:
        own.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # a full or unwritable disk must not keep a process from starting: it counts in memory
    os.environ[FOLDER_VARIABLE] = str(own)


_count_in_files(ROLE)

from prometheus_client import Counter, Gauge, Histogram  # noqa: E402 - after the folder is known

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

claims = Counter("obzvon_claims", "Claims that took at least one contact")
claimed_calls = Counter("obzvon_claimed_calls", "Calls that were claimed")
outcomes = Counter("obzvon_outcomes", "Outcomes committed, by disposition", ["disposition"])
event_lag = Histogram(
    "obzvon_event_lag_seconds", "From the end of a call by Asterisk's clock to its committed outcome", buckets=_SECONDS
)
database_seconds = Histogram(
    "obzvon_database_write_seconds", "Writing transactions, with their retries", buckets=_SECONDS
)
database_retries = Counter("obzvon_database_retries", "Writing transactions that were run again after a passing fault")
requests = Histogram("obzvon_request_seconds", "Answers of the web process", ["method", "status"], buckets=_SECONDS)
tasks = Histogram("obzvon_task_seconds", "Celery tasks", ["task", "outcome"], buckets=(*_SECONDS, 120.0, 600.0))
beats = Counter("obzvon_beat_messages", "Messages that beat sent")
evaluations = Counter("obzvon_alarm_evaluations", "Evaluations of the alarms")
notices = Counter("obzvon_alarm_notices", "Notices of alarms, by channel and how it went", ["channel", "outcome"])
ami_ready = Gauge(
    "obzvon_ami_ready", "1 while the dial worker is logged in to Asterisk", multiprocess_mode="mostrecent"
)
journal_length = Gauge(
    "obzvon_journal_entries", "Outcomes that Asterisk keeps for us in its journal", multiprocess_mode="mostrecent"
)
calls_followed = Gauge("obzvon_calls_up", "Calls of the dial worker", ["state"], multiprocess_mode="mostrecent")


class Ended(Protocol):
    """What is needed of ``dialer.calls.CallResult``."""

    @property
    def uid(self) -> str: ...

    @property
    def ended_at(self) -> object: ...


def claimed(calls: int) -> None:
    """A claim was committed."""
    claims.inc()
    claimed_calls.inc(calls)


def recorded(results: Sequence[Ended], dispositions: Mapping[str, str], now: float | None = None) -> None:
    """These results were committed; ``dispositions`` holds those that are new, by uid."""
    now = time.time() if now is None else now
    for disposition in dispositions.values():
        outcomes.labels(disposition).inc()
    for moment in _ends(results, dispositions):
        event_lag.observe(max(0.0, now - moment))


def _ends(results: Iterable[Ended], dispositions: Mapping[str, str]) -> Iterator[float]:
    """Ends of calls by Asterisk's clock; a call that never had a channel has none."""
    for result in results:
        stamp = getattr(result.ended_at, "timestamp", None)
        if stamp is not None and result.uid in dispositions:
            yield stamp()


def live(ringing: int, talking: int) -> None:
    """How many calls ring and talk now."""
    calls_followed.labels("ringing").set(ringing)
    calls_followed.labels("talking").set(talking)


@contextmanager
def database_write() -> Iterator[None]:
    """Times a writing transaction."""
    began = time.perf_counter()
    try:
        yield
    finally:
        database_seconds.observe(time.perf_counter() - began)
