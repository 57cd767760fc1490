"""Evidence that says too little (E0) and promises that were forgotten (I7), planted into a clean run, are found."""

import json

import pytest

from chaos.oracle import Acknowledged, Fault, judge
from tests.unit.chaos import test_planted_calls, test_planted_ends
from tests.unit.chaos.planting import Plants
from tests.unit.chaos.run import T0, clean

planted = Plants()


# ---------------------------------------------------------------------- E0: the evidence itself


@planted("E0", "a second INVITE line")
def an_invite_line_twice(run):
    run.carrier.insert(0, run.carrier[0])


@planted("E0", "whose INVITE line is missing")
def an_end_without_its_invite(run):
    run.carrier.remove(run.invite(run.first("reached")["uid"]))


@planted("E0", "a second end")
def an_end_line_twice(run):
    run.carrier.append(run.end(run.first("busy")["uid"]))


@planted("E0", "not in order")
def a_call_that_ended_before_it_began(run):
    run.end(run.first("busy")["uid"])["time"] = T0 - 1


@planted("E0", "ended as")
def an_end_of_another_attempt(run):
    run.end(run.first("busy")["uid"])["uid"] = run.first("declined")["uid"]


@planted("E0", "without what it must hold")
def a_line_without_its_time(run):
    del run.carrier[0]["time"]


@planted("E0", "unknown event")
def a_line_of_another_kind(run):
    run.carrier[1]["event"] = "register"


@planted("E0", "is no column")
def an_acknowledgement_of_no_column(run):
    run.acknowledged.append(Acknowledged(T0 + 50, "campaign_changed", 1, {"colour": "red"}))


@planted("E0", "unknown kind")
def an_acknowledgement_of_no_kind(run):
    run.acknowledged.append(Acknowledged(T0 + 50, "campaign_blessed", 1))


@planted("E0", "nothing says what it was")
def a_change_of_what_nobody_told(run):
    run.acknowledged.append(Acknowledged(T0 + 50, "trunk_changed", 1, {"channels": 3}))


@planted("E0", "of node 9, which the database does not have")
def a_call_of_a_node_that_is_not_there(run):
    run.first("reached")["node_id"] = 9


@planted("E0", "there is no campaign")
def nothing_to_judge(run):
    run.options["campaigns"] = frozenset()


@planted("E0", "the database does not have it")
def a_campaign_to_judge_that_is_not_there(run):
    run.options["campaigns"] = frozenset({1, 7})


@planted("E0", "it is not judged")
def contacts_expected_of_a_campaign_that_is_not_there(run):
    run.expected[7] = 10


@planted("E0", "tells of no call")
def an_event_log_that_says_nothing(run):
    run.events = [{"event": "celery@dial ready."}]


# ---------------------------------------------------------------------- I7: what was acknowledged


@planted("I7", "which the database does not know")
def a_call_of_no_attempt(run):
    line = run.invite(run.first("busy")["uid"])
    run.carrier.append({**line, "call": "x", "uid": "f" * 20})


@planted("I7", "as attempt \\?, which")
def a_call_that_names_no_attempt(run):
    run.carrier.append({**run.invite(run.first("busy")["uid"]), "call": "x", "uid": ""})


@planted("I7", "the event log speaks of")
def a_claim_whose_commit_was_lost(run):
    run.event("calls_claimed", T0 + 50, campaign=1, attempts=["f" * 20])


@planted("I7", "was claimed for campaign 2")
def a_claim_of_another_campaign(run):
    run.events[0]["campaign"] = 2


@planted("I7", "channel_limit of campaign 1 is 3, but 2 was")
def a_change_forgotten(run):
    run.acknowledged.append(Acknowledged(T0 + 50, "campaign_changed", 1, {"channel_limit": 2}))


@planted("I7", "windows of campaign 1")
def changed_windows_forgotten(run):
    other = {"weekly": [{"days": [0], "from": "09:00", "to": "21:00"}], "exceptions": []}
    run.acknowledged.append(Acknowledged(T0 + 50, "campaign_changed", 1, {"windows": other}))


@planted("I7", "campaign 2, acknowledged at .* is gone")
def a_campaign_lost(run):
    run.acknowledged.append(Acknowledged(T0 + 50, "campaign_created", 2, {}))


@planted("I7", "base 7, acknowledged at .* is gone")
def a_base_lost(run):
    run.acknowledged.append(Acknowledged(T0 + 50, "base_uploaded", 7, {}))


@planted("I7", "filename of base 1")
def a_base_with_another_file(run):
    run.base(1)["filename"] = "b.csv"


@planted("I7", "is finished, but paused")
def a_pause_forgotten(run):
    run.acknowledged.append(Acknowledged(T0 + 60, "paused", 1))


@planted("I7", "is running, but stopped")
def a_stop_forgotten(run):
    run.tables["campaign"][0]["state"] = "running"
    run.acknowledged.append(Acknowledged(T0 + 60, "stopped", 1))


@planted("I7", "is draft, but resumed")
def a_start_forgotten(run):
    run.tables["campaign"][0]["state"] = "draft"


@pytest.mark.parametrize("name", planted)
def test_a_planted_breach_is_found(name, tmp_path):
    planted.must_be_found(name, tmp_path)


def test_every_invariant_has_a_planted_breach():
    everything = [*planted.values(), *test_planted_calls.planted.values(), *test_planted_ends.planted.values()]
    assert {invariant for _, invariant, _ in everything} == {f"I{n}" for n in range(1, 8)} | {"E0"}


def test_a_line_torn_in_the_middle(tmp_path):
    evidence = clean().evidence(tmp_path)
    log = evidence.carrier_logs[0]
    lines = log.read_text().splitlines()
    lines[4] = lines[4][:30]
    log.write_text("\n".join(lines) + "\n")
    assert any("torn" in breach.sentence for breach in judge(evidence).breaches)


def test_a_log_that_is_not_there(tmp_path):
    evidence = clean().evidence(tmp_path)
    evidence.carrier_logs[0].unlink()
    assert any("is not there" in breach.sentence for breach in judge(evidence).breaches)


def _planted_lines():
    return range(len(clean().carrier))


@pytest.mark.parametrize("index", _planted_lines())
def test_any_line_of_the_carrier_missing_or_doubled_is_found(index, tmp_path):
    """Nothing taken from the truth or added to it passes."""
    for name, change in (("missing", 0), ("doubled", 2)):
        run = clean()
        line = run.carrier[index]
        run.carrier[index : index + 1] = [line] * change
        found = judge(run.evidence(tmp_path / name)).breaches
        # The unknown attempt's INVITE may as well never have come: its PBX died.
        may_be_missing = name == "missing" and line["uid"] == run.first("unknown")["uid"]
        assert found or may_be_missing, (name, json.dumps(line))


@pytest.mark.parametrize("table", ["attempt", "contact"])
def test_any_row_missing_is_found(table, tmp_path):
    for index in range(len(clean().tables[table])):
        run = clean()
        del run.tables[table][index]
        assert judge(run.evidence(tmp_path / str(index))).breaches, index


def test_any_outcome_changed_is_found(tmp_path):
    """Every attempt, every other disposition."""
    known = ("reached", "answered_not_heard", "busy", "no_answer", "declined", "invalid_number", "unavailable",
             "congestion", "trunk_failure", "not_placed", "unknown", None)  # fmt: skip
    run = clean()
    run.events.clear()  # without what the event log would say
    for row in run.tables["attempt"]:
        right = row["disposition"]
        for other in known:
            row["disposition"] = other
            # Whether a call that never came was refused by the trunk or not placed, the carrier cannot tell.
            if other != right and {other, right} != {"not_placed", "trunk_failure"}:
                assert judge(run.evidence(tmp_path)).breaches, (row["uid"], right, other)
        row["disposition"] = right


def test_faults_of_other_kinds_excuse_nothing(tmp_path):
    run = clean()
    run.faults[1] = Fault(T0 + 21, "kill", "redis")
    assert judge(run.evidence(tmp_path)).breaches
