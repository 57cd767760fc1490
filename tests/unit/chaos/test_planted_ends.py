"""Breaches of I2 (lost), I3 (outcomes) and I6 (unknown), planted into a clean run, are found and named."""

from dataclasses import replace

import pytest

from tests.unit.chaos.planting import Plants
from tests.unit.chaos.run import T0, stored

planted = Plants()


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


@planted("I2", "base 1 is loading, though its campaign is finished")
def a_base_left_behind(run):
    run.base(1)["state"] = "loading"


@planted("I2", "is busy, but has no end")
def an_outcome_without_its_time(run):
    run.first("busy")["ended_at"] = None


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


@planted("I3", "is unavailable, but the callee had picked up")
def refused_though_somebody_picked_up_for_a_moment(run):
    attempt = run.first("no_answer")
    attempt["disposition"] = "unavailable"
    line = run.end(attempt["uid"])
    line["answered"] = line["time"] - 0.2


@planted("I3", "is no_answer, but the callee had picked up")
def no_answer_though_somebody_picked_up_early_and_was_cut(run):
    uid = run.first("no_answer")["uid"]
    begin = run.invite(uid)["time"]
    run.end(uid).update(time=begin + 1.5, answered=begin + 1.0)


@planted("I3", "is busy, but 1.0 s were heard")
def a_busy_line_that_was_listened_to(run):
    run.first("busy")["listened_s"] = 1.0


@planted("I3", "by its row, but its call at")
def an_end_long_after_the_call(run):
    run.attempts("reached")[2]["ended_at"] = stored(T0 + 22)


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


@pytest.mark.parametrize("name", planted)
def test_a_planted_breach_is_found(name, tmp_path):
    planted.must_be_found(name, tmp_path)
