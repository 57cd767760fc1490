"""N17: calls are made inside the calling windows only, also where clocks change."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import CampaignError
from campaigns.windows import CallingWindows, Window

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
WORKDAYS = {"weekly": [{"days": [0, 1, 2, 3, 4], "from": "09:00", "to": "21:00"}], "exceptions": []}


def utc(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_n17_inside_and_outside_of_the_hours():
    windows = CallingWindows.from_json(WORKDAYS)
    assert not windows.is_open(utc("2026-11-20T05:59:59"), MOSCOW)
    assert windows.is_open(utc("2026-11-20T06:00:00"), MOSCOW)
    assert windows.is_open(utc("2026-11-20T17:59:59"), MOSCOW)
    assert not windows.is_open(utc("2026-11-20T18:00:00"), MOSCOW)


def test_n17_weekend_waits_until_monday():
    windows = CallingWindows.from_json(WORKDAYS)
    assert windows.next_open(utc("2026-11-20T18:00:00"), MOSCOW) == utc("2026-11-23T06:00:00")


def test_the_same_moment_differs_by_zone():
    windows = CallingWindows.daily("09:00", "21:00")
    now = utc("2026-11-20T18:30:00")
    assert not windows.is_open(now, MOSCOW)
    assert windows.is_open(now, ZoneInfo("America/New_York"))


def test_several_windows_a_day():
    windows = CallingWindows.from_json(
        {"weekly": [{"days": [4], "from": "09:00", "to": "12:00"}, {"days": [4], "from": "14:00", "to": "24:00"}]}
    )
    assert windows.next_open(utc("2026-11-20T09:30:00"), MOSCOW) == utc("2026-11-20T11:00:00")
    assert windows.is_open(utc("2026-11-20T20:59:59"), MOSCOW)
    assert not windows.is_open(utc("2026-11-20T21:00:00"), MOSCOW)


def test_exception_closes_a_date_and_another_opens_a_sunday():
    windows = CallingWindows.from_json(
        WORKDAYS
        | {
            "exceptions": [
                {"date": "2026-11-23", "windows": []},
                {"date": "2026-11-22", "windows": [{"from": "10:00", "to": "15:00"}]},
            ]
        }
    )
    assert windows.is_open(utc("2026-11-22T08:00:00"), MOSCOW)
    assert windows.next_open(utc("2026-11-22T12:00:00"), MOSCOW) == utc("2026-11-24T06:00:00")


def test_gap_a_window_that_begins_in_the_skipped_hour_opens_right_after_it():
    windows = CallingWindows.daily("02:30", "05:00")  # 29 March 2026: 02:00 to 03:00 does not happen in Berlin
    opens = windows.next_open(utc("2026-03-29T00:00:00"), BERLIN)
    assert opens == utc("2026-03-29T01:00:00")


def test_overlap_the_hour_that_happens_twice_is_open_twice():
    windows = CallingWindows.daily("02:30", "02:45")  # 25 October 2026: 02:00 to 03:00 happens twice in Berlin
    first = windows.next_open(utc("2026-10-24T22:00:00"), BERLIN)
    assert first == utc("2026-10-25T00:30:00")
    assert windows.next_open(utc("2026-10-25T00:45:00"), BERLIN) == utc("2026-10-25T01:30:00")


def test_without_any_window_there_is_no_next_opening():
    assert CallingWindows.from_json({"weekly": []}).next_open(utc("2026-11-20T00:00:00"), MOSCOW) is None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"weekly": [{"days": [0], "from": "9", "to": "10:00"}]}, "window_time_wrong"),
        ({"weekly": [{"days": [0], "from": "09:00", "to": "24:30"}]}, "window_time_wrong"),
        ({"weekly": [{"days": [0], "from": "21:00", "to": "09:00"}]}, "window_order_wrong"),
        ({"weekly": [{"days": [7], "from": "09:00", "to": "10:00"}]}, "window_day_wrong"),
        ({"exceptions": [{"date": "31.12.2026", "windows": []}]}, "window_date_wrong"),
    ],
)
def test_wrong_windows_are_named(data, code):
    with pytest.raises(CampaignError) as refused:
        CallingWindows.from_json(data)
    assert refused.value.code == code


minutes = st.integers(0, 1439)
windows_of_day = st.lists(
    st.tuples(minutes, st.integers(1, 400)).map(lambda pair: Window(pair[0], min(1440, pair[0] + pair[1]))), max_size=2
).map(lambda windows: tuple(sorted(set(windows))))
YEARS = (dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 31))  # noqa: DTZ001 - hypothesis adds the zone
moments = st.datetimes(*YEARS, timezones=st.just(dt.UTC))


@given(st.tuples(*[windows_of_day] * 7), moments, st.sampled_from([MOSCOW, BERLIN, ZoneInfo("America/New_York")]))
def test_next_open_is_open_and_nothing_before_it_is(weekly, now, zone):
    windows = CallingWindows(weekly)
    opens = windows.next_open(now, zone)
    if opens is None:
        assert not any(weekly)
        return
    assert opens >= now
    assert windows.is_open(opens, zone)
    if opens > now:
        assert not windows.is_open(now, zone)
        assert not windows.is_open(opens - dt.timedelta(seconds=1), zone) or opens - dt.timedelta(seconds=1) < now


@given(st.tuples(*[windows_of_day] * 7))
def test_json_round_trip(weekly):
    windows = CallingWindows(weekly)
    assert CallingWindows.from_json(windows.to_json()).weekly == weekly


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"weekly": 5},
        {"weekly": None},
        {"weekly": [1]},
        {"weekly": "ab"},
        {"weekly": [{"days": 1, "from": "09:00", "to": "10:00"}]},
        {"weekly": [{"days": [1], "from": "09:00", "to": "10:00", "until": "11:00"}]},
        {"exceptions": ["x"]},
        {"exceptions": [{"date": "2026-12-31", "windows": [1]}]},
        {"exceptions": [{"date": "2026-12-31", "windows": None}]},
        {"monthly": []},
    ],
)
def test_another_shape_is_refused(data):
    with pytest.raises(CampaignError) as caught:
        CallingWindows.from_json(data)
    assert (caught.value.code, caught.value.field) == ("window_shape_wrong", "windows")


def test_a_day_named_twice_counts_once():
    windows = CallingWindows.from_json({"weekly": [{"days": [1, 0, 1], "from": "09:00", "to": "10:00"}]})
    assert windows.to_json()["weekly"] == [{"days": [0, 1], "from": "09:00", "to": "10:00"}]


@pytest.mark.parametrize("day", [True, 1.0, "1", None, 7])
def test_days_are_whole_numbers(day):
    with pytest.raises(CampaignError) as caught:
        CallingWindows.from_json({"weekly": [{"days": [day], "from": "09:00", "to": "10:00"}]})
    assert caught.value.code == "window_day_wrong"
