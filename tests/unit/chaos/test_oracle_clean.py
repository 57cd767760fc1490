"""Evidence of a run that kept every promise gives no breach, and its figures."""

import json
from dataclasses import replace

import pytest

from chaos.oracle import Evidence, Observer, judge, keep, read_folder
from chaos.oracle.__main__ import main
from tests.unit.chaos.run import T0, clean


@pytest.fixture
def run():
    return clean()


def test_a_clean_run_has_no_breach(run, tmp_path):
    assert judge(run.evidence(tmp_path)).breaches == ()


def test_its_figures(run, tmp_path):
    """Counted by hand: 17 attempts, one of them never sent."""
    seen = judge(run.evidence(tmp_path)).measures
    assert seen.calls == 16
    assert seen.most_at_once == 3
    assert seen.dispositions["reached"] == 3
    assert seen.unknown == 1
    assert seen.unknown_but_ended == 0
    after_dial, after_pbx = seen.resumes
    assert after_dial.seconds == pytest.approx(0.55, abs=0.001)
    assert not after_dial.disturbed
    assert after_pbx.seconds == pytest.approx(19.05, abs=0.001)
    assert after_pbx.disturbed  # a user paused the campaign meanwhile
    assert 0 < seen.channel_use[1] < 1


def test_kept_evidence_is_judged_the_same(run, tmp_path, capsys):
    evidence = run.evidence(tmp_path / "run")
    keep(evidence, tmp_path / "kept")
    assert judge(read_folder(tmp_path / "kept")) == judge(evidence)
    assert main([str(tmp_path / "kept")]) == 0
    assert "no breach" in capsys.readouterr().out


def test_the_command_prints_breaches_and_says_no(run, tmp_path, capsys):
    run.carrier.remove(run.end(run.first("reached")["uid"]))
    keep(run.evidence(tmp_path / "run"), tmp_path / "kept")
    assert main([str(tmp_path / "kept")]) == 1
    assert "I4: attempt" in capsys.readouterr().out


def test_a_last_line_torn_by_the_machines_death_is_no_breach(run, tmp_path):
    evidence = run.evidence(tmp_path)
    with evidence.carrier_logs[0].open("a") as log:
        log.write('{"event":"invite","call":"carrier-9')
    assert judge(evidence).breaches == ()


def test_missing_and_torn_lines_of_the_event_log_are_no_breach(run, tmp_path):
    """A worker dies between its commit and its line, or within the line."""
    del run.events[::3]
    evidence = run.evidence(tmp_path)
    with evidence.event_logs[0].open("a") as log:
        log.write('{"event": "calls_claimed", "attem\nWorker exited\n"text"\n')
    assert judge(evidence).breaches == ()


def test_numbers_are_masked(run, tmp_path):
    del run.tables["contact"][0]
    sentences = "\n".join(map(str, judge(run.evidence(tmp_path)).breaches))
    assert "7900*****16" in sentences
    assert "79005550116" not in sentences


def test_only_the_chosen_campaigns_are_judged(run, tmp_path):
    run.second_campaign()
    run.contact("79005550301", campaign=2)
    del run.expected[2]
    run.options["campaigns"] = frozenset({1})
    assert judge(run.evidence(tmp_path)).breaches == ()
    run.options["campaigns"] = None
    assert judge(run.evidence(tmp_path)).breaches != ()


def test_a_folder_as_the_rig_writes_it(run, tmp_path):
    """Addresses and paths may also be absolute."""
    evidence = run.evidence(tmp_path / "run")
    told = {"database": evidence.database, "carrier_logs": [str(evidence.carrier_logs[0])], "expected": {"1": 10}}
    (tmp_path / "evidence.json").write_text(json.dumps(told))
    fault = {"time": T0 + 21, "kind": "kill", "target": "pbx", "more": "is passed over"}
    (tmp_path / "faults.jsonl").write_text(json.dumps(fault) + "\n")
    read = read_folder(tmp_path)
    assert isinstance(read, Evidence)
    assert judge(read).breaches == ()


def test_a_fault_that_missed_excuses_nothing(run, tmp_path):
    keep(run.evidence(tmp_path / "run"), tmp_path / "kept")
    faults = tmp_path / "kept" / "faults.jsonl"
    lines = [json.loads(line) for line in faults.read_text().splitlines()]
    lines[1]["missed"] = "the PBX was just gone"
    faults.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert any(breach.invariant == "I6" for breach in judge(read_folder(tmp_path / "kept")).breaches)


def test_an_observer_sees_an_outcome_that_was_rewritten(run, tmp_path):
    """What a page showed must not be something else, or gone, afterwards."""
    evidence = run.evidence(tmp_path)
    observer = Observer(evidence.database, tmp_path / "seen.log")
    assert observer.look()
    assert observer.look()
    observer.close()
    logs = (*evidence.event_logs, tmp_path / "seen.log")
    assert judge(replace(evidence, event_logs=logs)).breaches == ()
    assert len(logs[1].read_text().splitlines()) == 1
    run.events.clear()
    run.first("busy")["disposition"] = None
    breaches = judge(replace(run.evidence(tmp_path), event_logs=logs)).breaches
    assert any("but was seen as busy" in breach.sentence for breach in breaches)


def test_an_observer_of_a_database_that_is_away(tmp_path):
    observer = Observer(f"sqlite:///{tmp_path}/nowhere.sqlite3", tmp_path / "seen.log")
    assert not observer.look()
    observer.close()
