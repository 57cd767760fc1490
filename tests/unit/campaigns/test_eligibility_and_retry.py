"""Whom to call now, and what an outcome means: N13, N14, the table of dispositions."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from campaigns.eligibility import CampaignRules, ContactFacts, Rule, Verdict, may_call
from campaigns.retry import RetryPolicy, after, disposition_of
from campaigns.states import ContactState, Disposition
from campaigns.windows import CallingWindows
from dialer.calls import CallOutcome, CallResult

NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
ZONE = ZoneInfo("Europe/Moscow")
OPEN = CampaignRules(True, 3, CallingWindows.daily("09:00", "21:00"), ZONE)
DUE = ContactFacts("79005550000", 0, NOW)
POLICY = RetryPolicy(attempts=3, retry_s=900, busy_s=60, no_answer_s=3600)


def rules(**changes):
    return CampaignRules(**{**{f: getattr(OPEN, f) for f in OPEN.__dataclass_fields__}, **changes})


def contact(**changes):
    return ContactFacts(**{**{f: getattr(DUE, f) for f in DUE.__dataclass_fields__}, **changes})


def test_a_due_contact_of_a_running_campaign_may_be_called():
    assert may_call(DUE, OPEN, NOW) == Verdict(True, Rule.OK)


@pytest.mark.parametrize(
    ("facts", "campaign", "verdict"),
    [
        (contact(final=True), OPEN, Verdict(False, Rule.CONTACT_FINAL)),
        (contact(open_attempt=True, due_at=None), OPEN, Verdict(False, Rule.ATTEMPT_OPEN)),
        (DUE, rules(running=False), Verdict(False, Rule.CAMPAIGN_NOT_RUNNING)),
        (contact(due_at=None), OPEN, Verdict(False, Rule.NOT_PUBLISHED)),
        (contact(attempts=3), OPEN, Verdict(False, Rule.ATTEMPTS_USED)),
        (DUE, rules(allowed_prefixes=("7495", "1")), Verdict(False, Rule.PREFIX_NOT_ALLOWED)),
        (contact(number="78095000000"), OPEN, Verdict(False, Rule.COSTLY_NUMBER)),
        (contact(number="78095000000"), rules(costly_allowed=True), Verdict(True, Rule.OK)),
        (
            DUE,
            rules(cap_until=NOW + dt.timedelta(hours=9)),
            Verdict(False, Rule.CAP_REACHED, NOW + dt.timedelta(hours=9)),
        ),
        (
            contact(due_at=NOW + dt.timedelta(seconds=5)),
            OPEN,
            Verdict(False, Rule.NOT_DUE, NOW + dt.timedelta(seconds=5)),
        ),
        (
            contact(zone=ZoneInfo("Asia/Tokyo")),
            rules(windows=CallingWindows.daily("09:00", "20:00")),
            Verdict(False, Rule.WINDOW_CLOSED, dt.datetime(2026, 11, 21, 0, 0, tzinfo=dt.UTC)),
        ),
    ],
)
def test_every_rule_that_says_no_names_itself(facts, campaign, verdict):
    assert may_call(facts, campaign, NOW) == verdict


def answered(listened_s, to_end=False):
    return CallResult("u" * 20, CallOutcome.ANSWERED, listened_s=listened_s, played_to_end=to_end)


@pytest.mark.parametrize(
    ("result", "disposition"),
    [
        (answered(4.0), Disposition.REACHED),
        (answered(3.99), Disposition.NOT_HEARD),
        (answered(2.0, to_end=True), Disposition.REACHED),
        (CallResult("u" * 20, CallOutcome.BUSY), Disposition.BUSY),
        (CallResult("u" * 20, CallOutcome.UNKNOWN), Disposition.UNKNOWN),
    ],
)
def test_n14_reached_means_heard_for_the_notification_time(result, disposition):
    assert disposition_of(result, 4.0) is disposition


def test_every_outcome_has_a_disposition():
    for outcome in CallOutcome:
        assert disposition_of(CallResult("u" * 20, outcome), 4.0) in Disposition


@pytest.mark.parametrize(
    ("disposition", "before", "state", "seconds", "counted"),
    [
        (Disposition.REACHED, 0, ContactState.REACHED, None, True),
        (Disposition.BUSY, 0, ContactState.PENDING, 60, True),
        (Disposition.NO_ANSWER, 1, ContactState.PENDING, 3600, True),
        (Disposition.DECLINED, 1, ContactState.PENDING, 900, True),
        (Disposition.NOT_HEARD, 2, ContactState.NOT_REACHED, None, True),
        (Disposition.INVALID_NUMBER, 0, ContactState.NOT_REACHED, None, True),
        (Disposition.TRUNK_FAILURE, 2, ContactState.PENDING, 900, False),
        (Disposition.NOT_PLACED, 2, ContactState.PENDING, 2, False),
        (Disposition.UNKNOWN, 0, ContactState.UNKNOWN, None, True),
    ],
)
def test_n13_what_follows_an_attempt(disposition, before, state, seconds, counted):
    follows = after(disposition, before, POLICY, NOW)
    assert (follows.state, follows.counted) == (state, counted)
    assert follows.due_at == (None if seconds is None else NOW + dt.timedelta(seconds=seconds))
