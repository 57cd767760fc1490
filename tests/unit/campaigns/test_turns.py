"""Long jobs leave one process of a jobs worker free, also after one of them was killed."""

import subprocess
import sys

import pytest

#: A worker of its own: j is a job that begins, k kills the oldest, w waits for us. Tells of each job whether it found
#: a turn.
WORKER = """
import os, signal, sys
from pathlib import Path
from campaigns.turns import turn

folder, processes, jobs = Path(sys.argv[1]), int(sys.argv[2]), []
for step in sys.argv[3]:
    if step == "k":
        os.kill(jobs[0], signal.SIGKILL)
        os.waitpid(jobs.pop(0), 0)
        continue
    if step == "w":
        sys.stdin.read()
        continue
    told, tells = os.pipe()
    jobs.append(os.fork())
    if jobs[-1] == 0:
        with turn(folder, processes) as ours:
            os.write(tells, b"1" if ours else b"0")
            signal.pause()
    print(os.read(told, 1).decode(), end="", flush=True)
for job in jobs:
    os.kill(job, signal.SIGKILL)
    os.waitpid(job, 0)
"""


@pytest.mark.parametrize(
    ("processes", "steps", "turns"),
    [(1, "jjj", "100"), (2, "jjj", "100"), (3, "jjjj", "1100"), (5, "jjjjjj", "111100"), (2, "jjkjj", "1010")],
)
def test_one_process_stays_free(tmp_path, processes, steps, turns):
    worker = [sys.executable, "-c", WORKER, str(tmp_path), str(processes), steps]
    done = subprocess.run(worker, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == turns


def test_two_workers_do_not_share_their_turns(tmp_path):
    worker = [sys.executable, "-c", WORKER, str(tmp_path), "2", "jw"]
    pair = [subprocess.Popen(worker, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [one.stdout.read(1) for one in pair] == ["1", "1"]
    for one in pair:
        one.communicate(timeout=60)
