"""What looks like a breach and is none, and how little it takes to make it one."""

import datetime as dt
import re
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from chaos.oracle import Acknowledged, Fault, Tolerance, judge
from chaos.oracle.hours import is_open
from tests.unit.chaos.run import T0, WINDOWS, clean, stored


@pytest.fixture
def run():
    return clean()


@pytest.fixture
def breaches(tmp_path):
    """The sentences about a run."""
    return lambda run: [str(breach) for breach in judge(run.evidence(tmp_path)).breaches]


def moved(run, uid, seconds):
    """The carrier saw this call later."""
    for line in run.carrier:
        if line["uid"] == uid:
            line["time"] += seconds
            if line.get("answered"):
                line["answered"] += seconds


# ---------------------------------------------------------------------- I5


def test_a_call_on_its_way_when_the_pause_came(run, breaches):
    """Claimed before, its INVITE arrives within a second."""
    contact = run.contact("79005550251")
    run.call(contact, 29.9, "reached")
    moved(run, run.tables["attempt"][-1]["uid"], 1.1)  # 1.05 s after the pause
    assert breaches(run) == []


def test_a_call_held_up_by_a_frozen_pbx_comes_after_the_pause(run, breaches):
    contact = run.contact("79005550251")
    uid = run.call(contact, 29.9, "reached")
    moved(run, uid, 6.0)
    run.tables["attempt"][-1]["ended_at"] = stored(run.end(uid)["time"])
    assert any("did not run" in sentence for sentence in breaches(run))
    run.faults.append(Fault(T0 + 29.95, "freeze", "pbx", until=T0 + 35.5))
    assert breaches(run) == []
    run.faults[-1] = Fault(T0 + 29.95, "freeze", "redis", until=T0 + 35.5)
    assert any("did not run" in sentence for sentence in breaches(run))


def test_two_freezes_that_overlap_hold_up_a_call_for_their_union(run, breaches):
    uid = run.call(run.contact("79005550251"), 29.9, "reached")
    moved(run, uid, 6.0)
    run.tables["attempt"][-1]["ended_at"] = stored(run.end(uid)["time"])
    run.faults.append(Fault(T0 + 29.95, "freeze", "pbx", until=T0 + 35.5))
    run.faults.append(Fault(T0 + 31.0, "freeze", "dial", until=T0 + 32.0))
    assert breaches(run) == []


def test_a_resume_without_an_answer_may_be_in_force(run, breaches):
    run.call(run.contact("79005550251"), 35.0, "reached")
    assert any("did not run" in sentence for sentence in breaches(run))
    run.acknowledged.insert(4, Acknowledged(None, "resumed", 1, {}, asked=T0 + 34.5))
    assert breaches(run) == []


def test_a_pause_without_an_answer_forbids_nothing(run, breaches):
    run.acknowledged.insert(3, Acknowledged(None, "paused", 1, {}, asked=T0 + 2.0))
    assert breaches(run) == []


def test_a_call_of_the_last_second_of_its_window(run, breaches):
    """The window closes at 13:00:00, T0 itself."""
    until = {"weekly": [{"days": [4], "from": "09:00", "to": "13:00"}], "exceptions": []}
    last = dt.datetime.fromtimestamp(T0, dt.UTC)
    assert not is_open(until, T0, ZoneInfo("Europe/Moscow"))
    assert is_open(until, T0 - 0.001, ZoneInfo("Europe/Moscow"))
    run.tables["campaign"][0]["windows"] = until
    run.acknowledged[0] = replace(run.acknowledged[0], fields={})
    outside = [sentence for sentence in breaches(run) if "outside" in sentence]
    late = [line for line in run.carrier if line["event"] == "invite" and line["time"] > last.timestamp() + 1.5]
    assert len(outside) == len(late) > 0


def test_windows_by_a_clock_that_was_moved(run, breaches):
    """The dial worker cannot know better than its clock."""
    evening = {"weekly": [{"days": [4], "from": "16:00", "to": "21:00"}], "exceptions": []}
    run.tables["campaign"][0]["windows"] = evening
    run.acknowledged[0] = replace(run.acknowledged[0], fields={})
    assert any("outside" in sentence for sentence in breaches(run))
    run.faults.append(Fault(T0 - 60, "clock", "dial", until=T0 + 100, shift_s=3 * 3600.0))
    assert breaches(run) == []


@pytest.mark.parametrize(
    ("moment", "opened"),
    [
        ("2026-03-29T00:59:00+00:00", True),  # 01:59, the last minute before the gap in Prague
        ("2026-03-29T01:00:00+00:00", False),  # 03:00: the window from 02:00 to 03:00 never was
        ("2026-10-25T00:30:00+00:00", True),  # 02:30 for the first time
        ("2026-10-25T01:30:00+00:00", True),  # 02:30 for the second time
        ("2026-10-25T02:00:00+00:00", False),
    ],
)
def test_windows_where_clocks_are_changed(moment, opened):
    windows = {"weekly": [{"days": [6], "from": "01:30", "to": "03:00"}]}
    at = dt.datetime.fromisoformat(moment).timestamp()
    assert is_open(windows, at, ZoneInfo("Europe/Prague")) is opened


def test_the_contacts_own_zone_rules(run, breaches):
    """13:00 in Moscow is 15:00 in Yekaterinburg."""
    narrow = {"weekly": [{"days": [4], "from": "15:00", "to": "15:10"}], "exceptions": []}
    run.tables["campaign"][0]["windows"] = narrow
    run.acknowledged[0] = replace(run.acknowledged[0], fields={})
    for contact in run.tables["contact"]:
        contact["timezone"] = "Asia/Yekaterinburg"
    assert breaches(run) == []


def test_congestion_that_was_given_back_is_due_at_once(run, breaches):
    contact = run.contact("79005550305")
    run.call(contact, 50, "congestion", counted=0)
    run.call(contact, 51, "congestion")
    run.call(contact, 57, "congestion")
    run.of_contact(contact)["attempts"] = 2
    assert breaches(run) == []


# ---------------------------------------------------------------------- I4


def test_a_limit_that_was_lowered_ends_no_call(run, breaches):
    run.tables["campaign"][0]["channel_limit"] = 2
    change = Acknowledged(T0 + 3.5, "campaign_changed", 1, {"channel_limit": 2}, asked=T0 + 3.4)
    run.acknowledged.insert(3, change)
    assert breaches(run) == []
    run.acknowledged[3] = replace(change, time=T0 + 0.5, asked=T0 + 0.4)
    assert any(re.search("I4: campaign 1 had 3 .* limit is 2", sentence) for sentence in breaches(run))


def test_an_end_that_the_carrier_wrote_a_moment_late(run, breaches):
    """The next call has taken the slot by then."""
    run.tables["campaign"][0]["channel_limit"] = 2
    run.acknowledged[0].fields["channel_limit"] = 2
    third = run.first("no_answer")
    moved(run, third["uid"], 0.4)
    third["claimed_at"] = stored(T0 + 3.1)
    third["ended_at"] = stored(T0 + 7.1)
    run.end(third["uid"])["time"] += 0.05
    run.end(run.first("answered_not_heard")["uid"])["time"] = T0 + 3.3
    assert breaches(run) == []
    run.options["tolerance"] = Tolerance(end_s=0.0)
    assert any("I4: campaign 1 had 3 calls up" in sentence for sentence in breaches(run))


def test_an_end_that_a_frozen_pbx_sent_when_it_ran_on(run, breaches):
    """The hangup handler had written the time; the CANCEL went out after the freeze."""
    given_up = run.first("no_answer")
    ended = run.end(given_up["uid"])["time"]
    run.end(given_up["uid"])["time"] += 2.0
    sentence = "was closed with its end at"
    assert any(sentence in breach for breach in breaches(run))
    run.faults.append(Fault(ended - 0.2, "freeze", "pbx", until=ended + 1.95))
    assert breaches(run) == []
    run.faults[-1] = Fault(ended + 0.1, "freeze", "pbx", until=ended + 1.95)
    assert any(sentence in breach for breach in breaches(run))
    run.faults[-1] = Fault(ended - 0.2, "freeze", "pbx", until=ended + 0.3)
    assert any(sentence in breach for breach in breaches(run))


def test_a_call_orphaned_by_the_pbx_takes_no_channel_after_the_kill(run, breaches):
    """Contact 7's call hangs on at the carrier until the end of the run."""
    run.tables["trunk"][0]["channels"] = 3
    for tail, time in ((51, 45.0), (52, 45.1), (53, 45.2)):
        run.call(run.contact(f"790055502{tail}"), time, "reached")
    assert breaches(run) == []
    run.faults[1] = Fault(T0 + 21.0, "kill", "pbx", node="another")
    assert any("trunk 1 had 4 calls up" in sentence for sentence in breaches(run))


def test_a_carrier_that_was_killed_writes_no_ends(run, breaches):
    run.carrier.remove(run.end(run.attempts("reached")[2]["uid"]))
    assert any("is still up" in sentence for sentence in breaches(run))
    run.faults.append(Fault(T0 + 13.0, "kill", "carrier"))
    assert breaches(run) == []


# ---------------------------------------------------------------------- I3, I6


def test_an_answer_that_crossed_our_cancel(run, breaches):
    line = run.end(run.first("no_answer")["uid"])
    line["answered"] = line["time"] - 0.2
    assert breaches(run) == []


def test_a_call_of_the_next_pbx_did_not_die_with_the_last_one(run, breaches):
    """It may be up again, and called through, a third of a second after the kill."""
    run.call(run.contact("79005550251"), 24.0, "reached")
    run.faults.append(Fault(T0 + 23.7, "kill", "pbx"))
    assert breaches(run) == []
    run.faults[-1] = Fault(T0 + 24.5, "kill", "pbx")
    assert any("died with the PBX" in sentence for sentence in breaches(run))


def test_a_frozen_pbx_hears_a_busy_tone_too_late(run, breaches):
    attempt = run.first("busy")
    attempt.update(disposition="no_answer", sip_code=None)
    run.events = [event for event in run.events if attempt["uid"] not in event.get("outcomes", ())]
    assert any("the carrier's answer was busy" in sentence for sentence in breaches(run))
    run.faults.append(Fault(T0, "freeze", "pbx", until=T0 + 20))
    assert breaches(run) == []


def test_an_end_that_the_journal_had_not_kept_yet(run, breaches):
    """AstDB is written once a second: what ended in the last moment may be unknown, and is counted apart."""
    uid = run.first("unknown")["uid"]
    end = {"event": "end", "call": run.invite(uid)["call"], "time": T0 + 20.5, "uid": uid, "answered": None}
    run.carrier.append(end)
    assert breaches(run) == []
    run.faults[1] = replace(run.faults[1], time=T0 + 22.6)
    assert any("I6" in sentence for sentence in breaches(run))


def test_claimed_for_the_life_that_had_just_ended(run, breaches):
    """The dial worker had not noticed the PBX's death, and then died as well."""
    uid = run.call(run.contact("79005550251"), 21.5, "unknown", until=25)
    run.carrier.remove(run.invite(uid))
    assert breaches(run) == []


def test_an_outcome_told_just_before_the_pbx_died(run, breaches):
    """The handset heard nothing of our hanging up, the journal did."""
    attempt = run.first("unknown")
    attempt.update(disposition="answered_not_heard", ended_at=stored(T0 + 20.9), listened_s=0.5, sip_code=200)
    run.of_contact(7).update(state="not_reached", last_disposition="answered_not_heard", attempts=2, tries=2)
    uid = run.call(7, 52, "reached")
    run.of_contact(7).update(tries=2, attempts=2)
    run.tables["attempt"][-1]["number_of_attempt"] = 2
    run.events = [event for event in run.events if attempt["uid"] not in event.get("outcomes", ())]
    end = {"event": "end", "call": run.invite(attempt["uid"])["call"], "time": T0 + 50, "uid": attempt["uid"]}
    run.carrier.append({**end, "answered": T0 + 20.3, "keys": "", "recording": ""})
    assert uid
    assert breaches(run) == []


def test_rows_of_a_moved_clock_are_not_compared_with_the_carrier(run, breaches):
    attempt = run.attempts("declined")[1]
    attempt["claimed_at"], attempt["ended_at"] = stored(T0 + 3640), stored(T0 + 3640.4)
    assert any("before its row" in sentence for sentence in breaches(run))
    run.faults.append(Fault(T0 + 39.5, "clock", "dial", until=T0 + 42, shift_s=3600.0))
    assert breaches(run) == []


# ---------------------------------------------------------------------- I2, I7


def test_a_stopped_campaign_keeps_its_pending_contacts(run, breaches):
    run.contact("79005550251")
    run.tables["campaign"][0]["state"] = "stopped"
    run.acknowledged.append(Acknowledged(T0 + 60, "stopped", 1))
    assert breaches(run) == []


def test_a_draft_that_nobody_started(run, breaches):
    """Made by a request whose answer was lost: nothing was acknowledged, and nothing is wrong with it."""
    run.second_campaign()
    run.of("campaign", 2)["state"] = "draft"
    run.acknowledged.append(Acknowledged(None, "campaign_created", 0, {"name": "Debts 2"}, asked=T0 + 5))
    assert breaches(run) == []
    run.contact("79005550251", campaign=2)
    assert breaches(run) == []


def test_a_change_without_an_answer_may_be_there_or_not(run, breaches):
    run.acknowledged.append(Acknowledged(None, "campaign_changed", 1, {"name": "Loans"}, asked=T0 + 50))
    assert breaches(run) == []
    run.tables["campaign"][0]["name"] = "Loans"
    assert breaches(run) == []
    run.tables["campaign"][0]["name"] = "Else"
    assert any("name of campaign 1" in sentence for sentence in breaches(run))


def test_windows_that_mean_the_same_are_the_same(run, breaches):
    apart = [{"days": [day], "from": "09:00", "to": "21:00"} for day in (4, 3, 2, 1, 0)]
    run.tables["campaign"][0]["windows"] = {"weekly": apart, "exceptions": []}
    assert breaches(run) == []
    assert WINDOWS["weekly"] != apart


def test_a_contact_whose_number_is_blocked(run, breaches):
    run.contact("74955550251", state="not_reached", due_at=None, last_disposition="blocked")
    assert breaches(run) == []


def test_a_contact_whose_windows_are_over(run, breaches):
    never = {"weekly": [], "exceptions": [{"date": "2026-11-20", "windows": [{"from": "9:00", "to": "24:00"}]}]}
    run.tables["campaign"][0]["windows"] = never
    run.acknowledged[0] = replace(run.acknowledged[0], fields={})
    run.contact("79005550251", state="not_reached", due_at=None, last_disposition="expired")
    assert breaches(run) == []
