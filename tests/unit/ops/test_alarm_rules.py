"""When something is an alarm, and that nothing flutters."""

import datetime as dt
from dataclasses import replace

import pytest

from config.i18n import translator
from ops import alarm_rules, alarm_texts
from ops.alarm_rules import Do, Finding, Severity, Standing
from ops.facts import BrokerFact, CampaignFact, DiskFact, Facts, FolderFact, NodeFact, SignFact, TrunkFact

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
FINE = Facts(
    now=NOW,
    nodes=(NodeFact("main", True, NOW, running_campaigns=1),),
    signs=(
        SignFact("dial.main", "dial", "a", 1, NOW),
        SignFact("jobs@a", "jobs", "a", 0, NOW),
        SignFact("beat@a", "beat", "a", 3, NOW),
    ),
    trunks=(TrunkFact("t1", "Carrier", "main", "sip", True, True, "Registered", True),),
    broker=BrokerFact(True, lengths={"jobs": 3}),
    disks=(DiskFact("home", "/x", 1000, 500),),
    folders=(FolderFact("sounds", "/x/sounds"),),
)


def ago(seconds):
    return NOW - dt.timedelta(seconds=seconds)


def sign(name, role, seconds, **facts):
    return SignFact(name, role, "a", 1, ago(seconds), facts)


CASES = {
    "pbx_away": {"nodes": (NodeFact("main", False, NOW, running_campaigns=2),)},
    "node_problem": {
        "nodes": (NodeFact("main", True, NOW, running_campaigns=2, problem="node_lacks_sound", problem_detail="7"),)
    },
    "dial_silent": {"signs": (sign("dial.main", "dial", 60),)},
    "jobs_silent": {"signs": (sign("jobs@a", "jobs", 90),)},
    "beat_silent": {"signs": (sign("beat@a", "beat", 60),)},
    "broker_away": {"broker": BrokerFact(False, "ConnectionError")},
    "queue_growing": {"broker": BrokerFact(True, lengths={"jobs": 100})},
    "disk_low": {"disks": (DiskFact("home", "/x", 1000, 99),)},
    "disk_full": {"disks": (DiskFact("home", "/x", 1000, 19),)},
    "trunk_unreachable": {"trunks": (TrunkFact("t1", "Carrier", "main", "sip", True, False),)},
    "trunk_not_registered": {"trunks": (TrunkFact("t1", "Carrier", "main", "sip", True, True, "Rejected", True),)},
    "folder_unwritable": {"folders": (FolderFact("sounds", "/x/sounds", "Read-only file system"),)},
    "unknown_waiting": {"unknown": (CampaignFact(7, "Debts", 3),)},
    "campaign_paused": {"paused": (CampaignFact(7, "Debts", 0, "trunk_failure", "no such endpoint"),)},
    "backup_old": {"backup_at": ago(49 * 3600)},
    "journal_not_emptied": {
        "signs": (sign("dial.main", "dial", 0, journal=4, journal_oldest=ago(90).timestamp()),)
    },
    "clock_jump": {"signs": (sign("dial.main", "dial", 0, clock_jump={"seconds": -3600, "at": NOW.timestamp()}),)},
    "clock_skew": {"database_skew_s": -7.5},
}  # fmt: skip


def test_when_all_is_well_there_is_no_alarm():
    assert alarm_rules.findings(FINE) == []


@pytest.mark.parametrize("code", sorted(CASES))
def test_each_condition_is_found_and_has_words_in_full(code):
    found = alarm_rules.findings(replace(FINE, **CASES[code]))
    assert [finding.code for finding in found] == [code]
    text = alarm_texts.text_of(code, found[0].subject, found[0].words, str)
    assert "{" not in text.what + text.todo
    assert "…" not in text.what + text.todo
    assert text.todo


def test_the_rehearsal_carrier_has_its_name_in_the_readers_language():
    named = {"Rehearsal carrier": "Учебный оператор", "A & B": "A & B"}
    for title, shown in named.items():
        words = {"title": title, "node": "main"}
        assert shown in alarm_texts.text_of("trunk_unreachable", "x@main", words, translator("ru")).what


def test_every_alarm_has_a_case_here():
    assert set(CASES) == set(alarm_texts.TEXTS)


@pytest.mark.parametrize(
    "changes",
    [
        {"nodes": (NodeFact("main", False, NOW, running_campaigns=0),)},  # nobody waits for it
        {"nodes": (NodeFact("main", False, NOW, running_campaigns=1, draining=True),)},  # a person took it out
        {"signs": (sign("dial.gone", "dial", 600),)},  # a node that was removed
        {"signs": (sign("jobs@a", "jobs", 600), sign("jobs@b", "jobs", 1))},  # another one does the work
        {"trunks": (TrunkFact("t1", "C", "main", "sip", False, False, "Rejected", False),)},  # switched off
        {"trunks": (TrunkFact("t1", "C", "main", "sip", True, None, "", True),)},  # nobody knows
        {"backup_at": None},  # never made one
        {"signs": (sign("dial.main", "dial", 0, journal=400, journal_oldest=ago(1).timestamp()),)},  # just busy
        {"signs": (sign("dial.main", "dial", 0, clock_jump={"seconds": 9, "at": ago(1000).timestamp()}),)},
    ],
)
def test_what_looks_like_an_alarm_and_is_none(changes):
    assert alarm_rules.findings(replace(FINE, **changes)) == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"disks": (DiskFact("home", "/x", 1000, 110),)}, "disk_low:home"),
        ({"disks": (DiskFact("home", "/x", 1000, 25),)}, "disk_full:home"),
        ({"broker": BrokerFact(True, lengths={"jobs": 30})}, "queue_growing:jobs"),
    ],
)
def test_the_way_back_has_a_threshold_of_its_own(changes, key):
    facts = replace(FINE, **changes)
    assert key not in {finding.key for finding in alarm_rules.findings(facts)}
    assert key in {finding.key for finding in alarm_rules.findings(facts, {key})}


def held(code, **more):
    values = {"since": ago(10), **more}
    return Standing(f"{code}:x", code, **values)


def do(found, standing, now=NOW):
    return [decision.do for decision in alarm_rules.decide(found, standing, now)]


def test_a_condition_must_last_before_it_is_told():
    found = [Finding("pbx_away", "x", Severity.CRITICAL)]
    assert do(found, []) == [Do.OPEN]
    assert do(found, [held("pbx_away")]) == [Do.KEEP]
    assert do(found, [held("pbx_away", since=ago(15))]) == [Do.RAISE]
    assert do([Finding("disk_full", "x", Severity.CRITICAL)], []) == [Do.RAISE]


def test_a_condition_that_was_never_told_is_forgotten():
    assert do([], [held("pbx_away")]) == [Do.FORGET]


def test_it_ends_only_when_it_is_gone_for_a_while():
    assert do([], [held("pbx_away", raised_at=ago(5))]) == [Do.FADE]
    assert do([], [held("pbx_away", raised_at=ago(50), gone_since=ago(5))]) == [Do.FADE]
    assert do([], [held("pbx_away", raised_at=ago(50), gone_since=ago(10))]) == [Do.END]
    back = [Finding("pbx_away", "x", Severity.CRITICAL)]
    assert do(back, [held("pbx_away", raised_at=ago(50), gone_since=ago(5))]) == [Do.KEEP]


def test_a_clock_that_went_back_delays_neither_the_alarm_nor_its_end():
    found = [Finding("pbx_away", "x", Severity.CRITICAL)]
    assert do(found, [held("pbx_away", since=ago(-3600))]) == [Do.RAISE]
    assert do([], [held("pbx_away", raised_at=ago(-3600), gone_since=ago(-3600))]) == [Do.END]


def test_reminders_come_once_an_hour_until_somebody_takes_care():
    found = [Finding("disk_full", "x", Severity.CRITICAL)]
    old = {"since": ago(9000), "raised_at": ago(9000)}
    assert do(found, [held("disk_full", **old, notified_at=ago(3599))]) == [Do.KEEP]
    assert do(found, [held("disk_full", **old, notified_at=ago(3600))]) == [Do.REMIND]
    assert do(found, [held("disk_full", **old, notified_at=ago(9000), acknowledged=True)]) == [Do.KEEP]
