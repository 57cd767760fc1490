"""Each way to break a promise, planted into a clean run, is found and named."""

import json
import re
from dataclasses import replace

import pytest

from chaos.oracle import Acknowledged, Fault, judge
from tests.unit.chaos.run import T0, WINDOWS, clean, stored

PLANTED = {}


def planted(invariant, sentence):
    """A way to tamper with a run, and what the oracle must say to it."""

    def remember(tamper):
        PLANTED[tamper.__name__] = (tamper, invariant, sentence)
        return tamper

    return remember


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


# ---------------------------------------------------------------------- I1: at most one call per attempt


@planted("I1", "was called 2 times")
def the_same_attempt_called_again(run):
    line = run.invite(run.first("busy")["uid"])
    run.carrier.append({**line, "call": "again", "time": line["time"] + 0.5})
    run.carrier.append(
        {"event": "end", "call": "again", "time": line["time"] + 0.6, "uid": line["uid"], "answered": None}
    )


@planted("I1", "was called 2 times")
def an_attempt_called_again_in_another_carriers_log(run):
    run.carrier.append({**run.invite(run.first("declined")["uid"]), "call": "obzvon-carrier2-1.1"})


@planted("I1", "while the call of")
def a_contact_called_while_its_first_call_is_up(run):
    first = run.attempts("answered_not_heard")[0]
    run.end(first["uid"])["time"] = T0 + 9


@planted("I1", "while attempt .* was open")
def a_second_claim_while_the_first_is_open(run):
    run.attempts("declined")[1]["claimed_at"] = stored(T0 + 12.1)
    run.attempts("declined")[0]["ended_at"] = stored(T0 + 12.8)


@planted("I1", "Originate of .* was written 2 times")
def an_originate_written_twice(run):
    run.event("calls_sent", T0 + 30, attempts=[run.first("busy")["uid"]])


@planted("I1", "was claimed 2 times")
def a_claim_committed_twice(run):
    run.event("calls_claimed", T0 + 30, campaign=1, attempts=[run.first("busy")["uid"]])


@planted("I1", "not the contact's number")
def somebody_else_called(run):
    run.invite(run.first("reached")["uid"])["number"] = "79005550199"


@planted("I1", "not the contact's number")
def a_trunks_prefix_left_out(run):
    run.tables["trunk"][0]["number_prefix"] = "9810"


# ---------------------------------------------------------------------- I2: nobody lost


@planted("I2", "has lost its contact")
def a_contact_lost(run):
    del run.tables["contact"][0]


@planted("I2", "11 were loaded")
def a_contact_never_made(run):
    run.expected[1] = 11


@planted("I2", "nobody loaded")
def a_contact_from_nowhere(run):
    run.expected[1] -= {run.tables["contact"][0]["number"]}


@planted("I2", "2 times")
def a_contact_twice(run):
    run.tables["contact"].append({**run.tables["contact"][0], "id": 99})


@planted("I2", "base 1 took 12 contacts")
def a_base_that_lost_rows(run):
    run.tables["base"][0]["accepted"] = 12


@planted("I2", "not every one was taken or rejected")
def a_base_with_rows_that_nobody_rejected(run):
    run.base(1)["rows"] += 1


@planted("I2", "has a contact of campaign 1")
def an_attempt_of_another_campaigns_contact(run):
    run.second_campaign()
    run.first("busy")["campaign_id"] = 2


@planted("I2", "still pending")
def a_contact_still_pending(run):
    run.of_contact(3)["state"] = "pending"


@planted("I2", "finished, though")
def a_campaign_finished_too_soon(run):
    run.of_contact(3)["state"] = "pending"


@planted("I2", "none of its contacts is pending")
def a_campaign_that_never_finishes(run):
    run.tables["campaign"][0]["state"] = "running"


@planted("I2", "in no state that there is")
def a_contact_in_a_state_of_its_own(run):
    run.of_contact(3)["state"] = "lost"


@planted("I2", "due again")
def a_final_contact_due_again(run):
    run.of_contact(1)["due_at"] = stored(T0 + 99)


@planted("I2", "has no outcome")
def an_attempt_left_open(run):
    run.first("busy").update(disposition=None, ended_at=None)


@planted("I2", "still holds its slot")
def a_slot_never_given_back(run):
    run.first("busy")["open_for_contact"] = 2


@planted("I2", "is lost or twice there")
def an_attempts_row_lost(run):
    run.tables["attempt"].remove(run.first("not_placed"))


@planted("I2", "by its own count, but has")
def a_wrong_count_of_tries(run):
    run.of_contact(1)["tries"] = 3


@planted("I2", "of its attempts count")
def a_wrong_count_of_attempts(run):
    run.of_contact(2)["attempts"] = 1


@planted("I2", "says that its last attempt was")
def a_wrong_last_disposition(run):
    run.of_contact(1)["last_disposition"] = "busy"


@planted("I2", "its campaign allows 1")
def called_more_often_than_allowed(run):
    run.tables["campaign"][0]["attempts"] = 1
    run.acknowledged[0].fields["attempts"] = 1


@planted("I2", "was tried again after")
def called_again_after_being_reached(run):
    run.call(1, 50.0, "reached")


@planted("I2", "was tried again after")
def called_again_though_there_is_no_such_number(run):
    run.call(3, 50.0, "invalid_number")


@planted("I2", "given up after 1 of 2")
def given_up_too_soon(run):
    run.contact("79005550201", state="not_reached", tries=0)
    run.call(11, 50.0, "busy")
    run.of_contact(11)["state"] = "not_reached"


@planted("I2", "given up after 0 of 2")
def given_up_without_a_call(run):
    run.contact("79005550201", state="not_reached", due_at=None)


@planted("I2", "is reached, but its last attempt was busy")
def reached_by_a_busy_call(run):
    run.of_contact(2)["state"] = "reached"


@planted("I2", "is reached, but its last attempt was None")
def reached_without_a_call(run):
    run.contact("79005550201", state="reached", due_at=None)


@planted("I2", "is not reached, but its last attempt was reached")
def reached_and_given_up(run):
    run.of_contact(1)["state"] = "not_reached"


@planted("I2", "is unknown, but its last attempt was")
def unknown_without_an_unknown_attempt(run):
    run.of_contact(1)["state"] = "unknown"


@planted("I2", "no trunk refuses its number")
def blocked_though_allowed(run):
    run.contact("79005550201", state="not_reached", due_at=None, last_disposition="blocked")


@planted("I2", "windows open every week")
def expired_though_windows_open(run):
    run.contact("79005550201", state="not_reached", due_at=None, last_disposition="expired")


@planted("I2", "was connected for 0.4 s of 2.5 s")
def reached_without_having_heard(run):
    line = run.end(run.first("reached")["uid"])
    line["answered"] = line["time"] - 0.4


# ---------------------------------------------------------------------- I3: one outcome, the one the carrier saw


@planted("I3", "different outcomes: busy, reached")
def two_outcomes_of_one_attempt(run):
    run.event("outcomes_recorded", T0 + 30, outcomes={run.first("busy")["uid"]: "reached"})


@planted("I3", "was written 2 times")
def the_same_outcome_written_twice(run):
    run.event("outcomes_recorded", T0 + 30, outcomes={run.first("busy")["uid"]: "busy"})


@planted("I3", "is busy, but declined was committed")
def an_outcome_rewritten_in_the_table(run):
    line = next(e for e in run.events if run.first("busy")["uid"] in e.get("outcomes", {}))
    line["outcomes"] = {run.first("busy")["uid"]: "declined"}


@planted("I3", "the carrier saw no call")
def an_outcome_without_a_call(run):
    uid = run.first("busy")["uid"]
    run.carrier = [line for line in run.carrier if line["uid"] != uid]


@planted("I3", "but the carrier was called")
def not_placed_but_called(run):
    run.first("busy").update(disposition="not_placed", counted=0)


@planted("I3", "but the carrier was called")
def a_trunk_failure_that_rang(run):
    run.first("declined").update(disposition="trunk_failure", counted=0)


@planted("I3", "nobody picked up")
def reached_though_nobody_picked_up(run):
    run.end(run.first("reached")["uid"])["answered"] = None


@planted("I3", "had picked up")
def no_answer_though_somebody_picked_up(run):
    line = run.end(run.first("no_answer")["uid"])
    line["answered"] = line["time"] - 2


@planted("I3", "the carrier's answer was busy")
def busy_called_declined(run):
    run.first("busy")["disposition"] = "declined"


@planted("I3", "s were heard")
def heard_longer_than_connected(run):
    run.first("reached")["listened_s"] = 30.0


@planted("I3", "s were heard")
def heard_less_than_connected(run):
    run.first("reached")["listened_s"] = 0.5


@planted("I3", "needed were heard")
def heard_it_all_and_called_not_heard(run):
    attempt = run.first("answered_not_heard")
    attempt["listened_s"] = 5.0
    attempt["ended_at"] = stored(T0 + 6)
    run.end(attempt["uid"]).update(time=T0 + 6, answered=T0 + 1.1)


@planted("I3", "is reached, but 2.0 s of the 2.5 s")
def reached_without_enough_by_its_own_count(run):
    run.first("reached")["listened_s"] = 2.0


@planted("I3", "has the SIP code 503, the carrier sent 486")
def another_code_than_the_carrier_sent(run):
    run.first("busy")["sip_code"] = 503


@planted("I3", "is busy, but was seen as declined")
def an_outcome_that_a_page_showed_otherwise(run):
    run.event("outcomes_seen", T0 + 10, outcomes={run.first("busy")["uid"]: "declined"})


@planted("I3", "it was to ring for 4 s")
def given_up_ringing_too_soon(run):
    uid = run.first("no_answer")["uid"]
    run.end(uid)["time"] = run.invite(uid)["time"] + 0.5


@planted("I3", "counts as one")
def not_placed_counted(run):
    run.first("not_placed")["counted"] = 1


@planted("I3", "does not count as one")
def busy_not_counted(run):
    run.first("busy")["counted"] = 0


@planted("I3", "an outcome that there is not")
def an_outcome_of_its_own(run):
    run.first("busy")["disposition"] = "quiet"


@planted("I3", "before its row")
def called_before_its_row(run):
    run.first("busy")["claimed_at"] = stored(T0 + 3)


@planted("I3", "after it had been closed")
def called_after_it_was_closed(run):
    uid = run.first("declined")["uid"]
    run.first("declined")["ended_at"] = run.first("declined")["claimed_at"]
    for line in (run.invite(uid), run.end(uid)):
        line["time"] += 2


@planted("I3", "died with the PBX")
def an_outcome_for_a_call_that_died_with_the_pbx(run):
    run.first("unknown").update(disposition="answered_not_heard", listened_s=2.0)


# ---------------------------------------------------------------------- I4: limits


@planted("I4", "campaign 1 had 3 calls up at the carrier at .* its limit is 2")
def over_the_campaigns_limit(run):
    run.tables["campaign"][0]["channel_limit"] = 2
    run.acknowledged[0].fields["channel_limit"] = 2


@planted("I4", "trunk 1 had 3 calls up")
def over_the_trunks_limit(run):
    run.tables["trunk"][0]["channels"] = 2


@planted("I4", "node 1 had 3 calls up")
def over_the_nodes_limit(run):
    run.tables["node"][0]["channels"] = 2


@planted("I4", "campaign 1 had 4 open attempts")
def more_open_rows_than_the_limit_though_the_calls_are_short(run):
    for tail in (31, 32, 33, 34):
        contact = run.contact(f"790055502{tail - 30:02d}")
        run.call(contact, 50.0 + tail / 1000, "busy")
        run.tables["attempt"][-1]["ended_at"] = stored(T0 + 50.2)


@planted("I4", "was closed with its end at .* was up until")
def a_slot_freed_before_the_call_ended(run):
    run.attempts("reached")[1]["ended_at"] = stored(T0 + 8)


@planted("I4", "is still up")
def a_call_that_never_ends(run):
    run.carrier.remove(run.end(run.attempts("reached")[2]["uid"]))


@planted("I4", "trunk 1 had 5 calls up")
def over_the_trunks_limit_by_two_campaigns(run):
    """Each campaign keeps its own limit of three."""
    run.second_campaign()
    for tail in (41, 42, 43):
        run.call(run.contact(f"790055502{tail}", campaign=2), 2.7 + tail / 1000, "reached")


# ---------------------------------------------------------------------- I5: hours, pauses, retries


@planted("I5", "outside of its calling windows")
def called_outside_of_the_window(run):
    closed = {"weekly": [{"days": [4], "from": "09:00", "to": "12:59"}], "exceptions": []}
    run.tables["campaign"][0]["windows"] = closed
    run.acknowledged[0] = replace(run.acknowledged[0], fields={})


@planted("I5", "outside of its calling windows")
def called_on_a_closed_date(run):
    closed = {**WINDOWS, "exceptions": [{"date": "2026-11-20", "windows": []}]}
    run.tables["campaign"][0]["windows"] = closed
    run.acknowledged[0] = replace(run.acknowledged[0], fields={})


@planted("I5", "outside of its calling windows")
def called_outside_of_the_contacts_own_hours(run):
    run.of_contact(1)["timezone"] = "Asia/Kamchatka"  # 22:00 there


@planted("I5", "while its campaign did not run")
def called_after_the_pause(run):
    run.call(run.contact("79005550251"), 31.7, "reached")


@planted("I5", "while its campaign did not run")
def called_before_the_start(run):
    run.acknowledged[2] = Acknowledged(T0 + 3.0, "started", 1, {}, asked=T0 + 2.5)


@planted("I5", "outside of its calling windows")
def called_in_the_old_window_after_it_was_changed(run):
    evening = {"weekly": [{"days": [4], "from": "18:00", "to": "21:00"}], "exceptions": []}
    run.tables["campaign"][0]["windows"] = evening
    run.acknowledged.insert(3, Acknowledged(T0 + 5, "campaign_changed", 1, {"windows": evening}, asked=T0 + 4.9))


@planted("I5", "which its trunk may not dial")
def called_to_a_forbidden_country(run):
    run.tables["trunk"][0]["allowed_prefixes"] = ["7495"]


@planted("I5", "its campaign waits 5 s")
def called_again_before_it_was_due(run):
    run.tables["campaign"][0]["retry_busy_s"] = 5
    uid = run.attempts("busy")[2]["uid"]
    for line in (run.invite(uid), run.end(uid)):
        line["time"] -= 3


@planted("I5", "its campaign waits 4 s")
def not_placed_again_in_a_hot_loop(run):
    """The pause doubles with each try that came to nothing."""
    contact = run.contact("79005550251")
    run.call(contact, 50, "not_placed")
    run.call(contact, 52.1, "not_placed")
    run.call(contact, 54.2, "reached")


# ---------------------------------------------------------------------- I6: unknown


@planted("I6", "its PBX never died")
def unknown_without_a_kill_of_the_pbx(run):
    run.faults.pop()


@planted("I6", "when no PBX died")
def unknown_long_after_the_kill(run):
    run.faults[1] = replace(run.faults[1], time=T0 + 10)


@planted("I6", "when no PBX died")
def unknown_though_it_had_ended_long_before_the_kill(run):
    uid = run.first("unknown")["uid"]
    run.carrier.append(
        {"event": "end", "call": run.invite(uid)["call"], "time": T0 + 20.5, "uid": uid, "answered": None}
    )
    run.faults[1] = replace(run.faults[1], time=T0 + 24)


@planted("I6", "when no PBX died")
def unknown_never_called_and_claimed_after_the_kill(run):
    run.call(run.contact("79005550251"), 50, "unknown", until=51)
    run.carrier.pop()


@planted("I6", "its contact is not_reached")
def unknown_not_shown_as_such(run):
    run.of_contact(7)["state"] = "not_reached"


@planted("I6", "was tried again")
def unknown_called_again(run):
    run.call(7, 50, "reached")


@planted("I6", "its PBX never died")
def unknown_on_the_node_that_lived(run):
    run.faults[1] = replace(run.faults[1], node="pbx2")


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


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_breach_is_found(name, tmp_path):
    tamper, invariant, sentence = PLANTED[name]
    run = clean()
    tamper(run)
    found = judge(run.evidence(tmp_path)).breaches
    assert any(b.invariant == invariant and re.search(sentence, b.sentence) for b in found), [str(b) for b in found]


def test_every_invariant_has_a_planted_breach():
    assert {invariant for _, invariant, _ in PLANTED.values()} == {f"I{n}" for n in range(1, 8)} | {"E0"}


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
