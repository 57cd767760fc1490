"""Long jobs leave one process of a jobs worker free, also after one of them was killed."""

import multiprocessing
from contextlib import ExitStack, contextmanager

import pytest

from campaigns.turns import turn

FORK = multiprocessing.get_context("fork")


def _hold(folder, processes, line):
    with turn(folder, processes) as ours:
        line.send(ours)
        line.recv()


@contextmanager
def job(folder, processes):
    """A job in a process of its own, a child of this one as of its worker. :returns: the process, whether it may."""
    line, its = FORK.Pipe()
    process = FORK.Process(target=_hold, args=(folder, processes, its), daemon=True)
    process.start()
    try:
        assert line.poll(30), "it tells"
        yield process, line.recv()
    finally:
        if process.is_alive():
            line.send("end")
        process.join(30)


@pytest.mark.parametrize(("processes", "turns"), [(1, 1), (2, 1), (3, 2), (5, 4)])
def test_one_process_stays_free(tmp_path, processes, turns):
    with ExitStack() as jobs:
        got = [jobs.enter_context(job(tmp_path, processes))[1] for _ in range(turns + 2)]
    assert got == [True] * turns + [False] * 2
    with job(tmp_path, processes) as (_, ours):
        assert ours


def test_a_killed_job_gives_its_turn_back(tmp_path):
    with job(tmp_path, 2) as (process, ours):
        assert ours
        process.kill()
        process.join(30)
        with job(tmp_path, 2) as (_, ours):
            assert ours
