"""What is counted, and that processes of several roles add up in files."""

import datetime as dt
import os
import subprocess
import sys

from prometheus_client import REGISTRY

from config import metrics, supervisor
from dialer.calls import CallOutcome, CallResult
from ops import metrics_page


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_only_new_outcomes_count_and_their_lag_is_theirs():
    """One already written before, and one without a channel, give no lag."""
    ended = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
    results = [
        CallResult("a" * 20, CallOutcome.BUSY, ended_at=ended),
        CallResult("b" * 20, CallOutcome.BUSY, ended_at=ended),
        CallResult("c" * 20, CallOutcome.NOT_PLACED),
    ]
    before = value("obzvon_outcomes_total", disposition="busy"), value("obzvon_event_lag_seconds_count")
    lag = value("obzvon_event_lag_seconds_sum")
    metrics.recorded(results, {"a" * 20: "busy", "c" * 20: "not_placed"}, ended.timestamp() + 0.25)
    assert value("obzvon_outcomes_total", disposition="busy") == before[0] + 1
    assert value("obzvon_event_lag_seconds_count") == before[1] + 1
    assert abs(value("obzvon_event_lag_seconds_sum") - lag - 0.25) < 1e-6


COUNT = """
import os
from config import metrics
metrics.claimed(3)
if os.fork() == 0:
    metrics.claimed(4)
    os._exit(0)
os.wait()
"""


def test_processes_and_their_children_add_up_by_role(tmp_path):
    for role in ("dial", "jobs"):
        environment = {**os.environ, "OBZVON_HOME": str(tmp_path), "OBZVON_ROLE": role}
        subprocess.run([sys.executable, "-c", COUNT], env=environment, cwd=supervisor.ROOT, check=True)
    families = {family.name: family for family in metrics_page._Processes(tmp_path / "run" / "metrics").collect()}
    samples = families["obzvon_claimed_calls"].samples
    assert {sample.labels["process"]: sample.value for sample in samples} == {"dial": 7, "jobs": 7}
