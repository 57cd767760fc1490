"""Breaches of I1 (twice), I4 (limits) and I5 (hours), planted into a clean run, are found and named."""

from dataclasses import replace

import pytest

from chaos.oracle import Acknowledged
from tests.unit.chaos.planting import Plants
from tests.unit.chaos.run import T0, WINDOWS, stored

planted = Plants()


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


@planted("I1", "has the attempt .* twice")
def a_row_of_an_attempt_twice(run):
    run.tables["attempt"].append({**run.first("not_placed"), "id": 99})


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


@planted("I5", "after it was decided")
def an_old_decision_acted_upon(run):
    run.attempts("reached")[2]["claimed_at"] = stored(T0 + 6.6)


@planted("I5", "went out through trunk 2")
def called_through_another_trunk(run):
    run.tables["trunk"].append({**run.of("trunk", 1), "id": 2})
    run.first("reached")["trunk_id"] = 2


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


@pytest.mark.parametrize("name", planted)
def test_a_planted_breach_is_found(name, tmp_path):
    planted.must_be_found(name, tmp_path)
