"""What the fault rig decides and reads, without starting anything."""

import json
from collections import Counter

import pytest

from chaos import plan
from chaos.options import OptionError, Options
from chaos.report import percentile
from chaos.watch import CarrierWatch

EVERYTHING = [
    "web",
    "jobs",
    "dial",
    "beat",
    "redis",
    "pbx",
    "database",
    "crash_point",
    "ami",
    "celery",
    "disk",
    "clock",
]


def test_the_seed_alone_decides_the_plan():
    assert plan.make(7, 50, EVERYTHING) == plan.make(7, 50, EVERYTHING)
    assert plan.make(7, 50, EVERYTHING) != plan.make(8, 50, EVERYTHING)


def test_each_kind_comes_and_kills_are_counted():
    """200 kills contain each process and each crash point; other faults come in their fixed proportion."""
    made = plan.make(1, 200, EVERYTHING)
    kinds = Counter((item.kind, item.target) for item in made)
    assert set(kinds) == (
        {("kill", name) for name in plan.KILLS}
        | {("crash_point", point) for point in plan.CRASH_POINTS}
        | set(plan.OTHERS)
    )
    assert sum(item.kills for item in made) == 200
    assert len(made) == 200 + -(-200 // plan.KILLS_PER_OTHER)


def test_what_is_not_possible_is_not_planned():
    made = plan.make(1, 100, ["dial", "redis"], others=20)
    assert {item.target for item in made} == {"dial", "redis"}
    assert len(made) == 120


def test_a_short_run_has_short_faults():
    assert max(item.lasts_s for item in plan.make(1, 100, EVERYTHING, longest_s=2.0)) == 2.0


def test_every_crash_point_of_the_plan_is_in_the_code():
    """A name without a place in the code would never kill."""
    from pathlib import Path

    root = Path(plan.__file__).resolve().parents[1]
    code = "".join(path.read_text() for name in ("dialer", "campaigns") for path in (root / name).rglob("*.py"))
    assert [point for point in plan.CRASH_POINTS if f'crash_point("{point}")' not in code] == []


def invite(call, time_s, claimed_s, number="79001234567"):
    uid = f"{int(claimed_s * 1000):012x}00000000"
    line = {"event": "invite", "call": call, "time": time_s, "number": number, "uid": uid}
    return json.dumps(line) + "\n"


def test_a_call_that_was_on_its_way_does_not_mean_that_dialing_goes_on(tmp_path):
    """Only a call that was claimed after the fault does. A half-written line waits for its rest."""
    log = tmp_path / "calls.jsonl"
    watch = CarrierWatch(log)
    assert watch.first_claimed_after(100) is None
    log.write_text(invite("a", 100.1, 99.9))
    assert watch.first_claimed_after(100) is None
    later = invite("b", 101.5, 101.4, "79001234568")
    with log.open("a") as handle:
        handle.write(later[:30])
    assert watch.first_claimed_after(100) is None
    with log.open("a") as handle:
        handle.write(later[30:])
    assert watch.first_claimed_after(100) == 101.5
    assert watch.numbers == {"79001234567", "79001234568"}
    assert watch.up == 2


def test_percentile():
    assert [percentile([3.0, 1.0, 2.0], part) for part in (50, 95, 100)] == [2.0, 3.0, 3.0]
    assert percentile([], 95) == 0.0


@pytest.mark.parametrize("words", [{"CONTACTS": "many"}, {"CONTACTS": "5"}, {"KILLS": "-1"}, {"DB": "oracle"}])
def test_wrong_options_are_named(words):
    with pytest.raises(OptionError, match=next(iter(words))):
        Options.of(words)


def test_options():
    options = Options.of({"CONTACTS": "300", "KILLS": "", "SEED": "5", "DB": "mariadb", "KEEP": "0"})
    assert (options.contacts, options.kills, options.seed, options.database) == (300, 200, 5, "mariadb")
    assert not options.keep
    assert options.channels == 25
    assert Options().channels == 60
