"""A message becomes channel variables: pure."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from campaigns.errors import CampaignError
from campaigns.message import flow
from campaigns.message.blocks import Message
from dialer.calls import CallRequest, new_uid
from dialer.gateway import VALUE, originate_headers

WORDS = {"en": [{"kind": "text", "text": "Hello."}]}
STEM = "0123456789abcdef" * 2


def message(**more: Any) -> Message:
    return Message.model_validate({"default_language": "en", "variants": WORDS, **more})


def keys(**actions: Any) -> dict[str, Any]:
    names = {"star": "*", "hash": "#"}
    return {"keys": {names.get(key, key.strip("k")): action for key, action in actions.items()}}


def fields(variables: dict[str, str], step: str) -> list[str]:
    return variables[f"OBZ_S_{step}"].split("|")


def action(variables: dict[str, str], name: str) -> str:
    return variables[f"OBZ_A_{name[:2]}"].split("|")[int(name[2:]) - 1]


def test_the_simplest_message() -> None:
    found = flow.variables(message(), {"main": [STEM, STEM]})
    assert found["OBZ_F_main_1"] == f"o/{STEM}&o/{STEM}"
    assert fields(found, "main")[0] == "plain"
    assert action(found, fields(found, "main")[3]) == "hangup"
    assert found["OBZ_MOST"] == "0"
    assert flow.longest_s(message(), 12.2) == 18


def test_every_key_has_its_place() -> None:
    answers = {
        "k0": {"kind": "repeat"},
        "k9": {"kind": "opt_out"},
        "star": {"kind": "confirm", "then": "bye"},
        "hash": {"kind": "answer", "name": "pays", "value": "yes"},
    }
    choice = keys(**answers) | {"timeout_s": 2.5, "tries": 3, "otherwise": {"kind": "goto", "step": "bye"}}
    found = flow.variables(message(choice=choice, steps={"bye": {"variants": WORDS}}), {})
    row = fields(found, "main")
    assert row[:4] == ["keys", "2.5", "3", ""]
    assert len(row) == 17
    assert action(found, row[4]) == "goto:bye"
    assert [action(found, row[place]) if row[place] else "" for place in (5, 6, 14, 15, 16)] == [
        "repeat",
        "",
        "optout:",
        "confirm:bye",
        "answer::pays:yes",
    ]
    assert found["OBZ_MOST"] == str(flow.KEYS_MOST_S)


def test_an_entered_number_is_typed_while_the_step_is_spoken() -> None:
    enter = {"kind": "enter", "name": "reading", "least": 3, "most": 8, "then": "bye"}
    found = flow.variables(message(after=enter, steps={"bye": {"variants": WORDS}}), {})
    row = fields(found, "main")
    assert row[0] == "enter"
    assert action(found, row[3]) == "enter:bye:reading:3:8"


@pytest.mark.parametrize(
    ("begins", "ends", "begin_s", "length_s"),
    [("09:00", "18:30", 32400, 34200), ("22:00", "06:00", 79200, 28800), ("00:00", "00:00", 0, 86400)],
)
def test_business_hours_are_one_span(begins: str, ends: str, begin_s: int, length_s: int) -> None:
    hours = {"kind": "hours", "days": [4, 0], "begins": begins, "ends": ends, "within": "main", "outside": "bye"}
    zone = ZoneInfo("Asia/Kolkata")
    around = flow.Around(zone=zone, now=dt.datetime(2026, 11, 23, tzinfo=dt.UTC))
    found = flow.variables(message(after=hours, steps={"bye": {"variants": WORDS}}), {}, around)
    assert action(found, fields(found, "main")[3]) == f"hours:15:{begin_s}:{length_s}:main:bye"
    assert found["OBZ_ZONE_S"] == "19800"


TRUNK = flow.Around(
    number="79160000007",
    caller_id="74950000000",
    region="RU",
    trunk="carrier-1",
    template="PJSIP/{number}@{trunk}",
    number_prefix="+",
    allowed_prefixes=("7495",),
    sip_hosts=("pbx.example.net",),
)
NUMBER = {"kind": "number", "number": "+74950000001"}
SIP = {"kind": "sip", "user": "sales", "host": "pbx.example.net", "port": 5062}


def test_hand_overs_within_the_rules() -> None:
    choice = keys(k1={"kind": "transfer"}, k2=NUMBER, k3=SIP)
    found = flow.variables(message(choice=choice), {}, TRUNK)
    row = fields(found, "main")
    assert [action(found, row[place]) for place in (6, 7, 8)] == [
        "queue:operators",
        "number:74950000001:PJSIP/+74950000001@carrier-1",
        "sip:sales:pbx.example.net:5062",
    ]
    assert (found["OBZ_NUMBER"], found["OBZ_CALLER"]) == ("79160000007", "74950000000")
    assert found["OBZ_MOST"] == str(flow.HANDOVER_MOST_S) == str(flow.longest_s(message(choice=choice), 1))
    assert flow.refusal(message(choice=choice), TRUNK) is None
    assert flow.dials_out(message(choice=choice))
    assert not flow.dials_out(message(choice=keys(k1={"kind": "transfer"})))


def test_what_is_said_when_a_hand_over_fails_goes_with_it() -> None:
    otherwise = {"otherwise": "later"}
    choice = keys(k1={"kind": "transfer", **otherwise}, k2=NUMBER | otherwise, k3=SIP | otherwise)
    choice["otherwise"] = NUMBER | {"number": "78090000001"} | otherwise
    what = message(choice=choice, steps={"later": {"variants": WORDS}})
    found = flow.variables(what, {}, TRUNK)
    row = fields(found, "main")
    assert [action(found, row[place]) for place in (6, 7, 8, 4)] == [
        "queue:operators:later",
        "number:74950000001:PJSIP/+74950000001@carrier-1:later",
        "sip:sales:pbx.example.net:5062:later",
        "refused:number:78090000001:later",
    ]
    with pytest.raises(ValueError, match="there is no step later"):
        message(after={"kind": "transfer", **otherwise})


def test_a_message_from_before_is_kept_as_it_was() -> None:
    """Its version is a digest of this."""
    kept = message(choice=keys(k1={"kind": "transfer"})).to_json()
    assert "name_column" not in kept
    assert kept["choice"]["keys"]["1"] == {"kind": "transfer", "queue": "operators"}
    assert kept["choice"]["otherwise"] == {"kind": "hangup"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", ""),
        ("Анна  Петрова ", "Анна Петрова"),
        ("${SHELL(id)}", "${SHELL(id)}"),
        ('a,b"c\\d;e|f^g', "a,b'c/d;e|f^g"),
        ("a\r\nAction: Originate\x00\u2028\u202eb", "a Action: Originate b"),
        ("😀" * 60, "😀" * 30),
        ("\ud800x", "x"),
    ],
)
def test_a_name_is_a_plain_word_on_the_wire(name: str, shown: str) -> None:
    around = dataclasses.replace(TRUNK, name=name)
    found = flow.variables(message(after={"kind": "transfer"}), {}, around)
    encoded = found.get("OBZ_NAME", "")
    assert base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode() == shown
    assert VALUE.fullmatch(encoded)
    originate_headers(request(found), "/sounds")
    assert "OBZ_NAME" not in flow.variables(message(after=NUMBER), {}, around)  # outsiders do not get it


@pytest.mark.parametrize(
    ("forbidden", "code", "words"),
    [
        (NUMBER | {"number": "78120000001"}, "handover_number_refused", "refused:number:78120000001"),
        (NUMBER | {"number": "78090000001"}, "handover_number_refused", "refused:number:78090000001"),
        (NUMBER | {"number": "88090000001"}, "handover_number_refused", "refused:number:88090000001"),  # as at home
        (NUMBER | {"number": "8107800000001"}, "handover_number_refused", "refused:number:8107800000001"),
        (SIP | {"host": "127.0.0.1"}, "handover_sip_refused", "refused:sip:sales@127.0.0.1"),
    ],
)
def test_what_the_rules_forbid_is_not_dialled(forbidden: dict[str, Any], code: str, words: str) -> None:
    around = flow.Around(region="RU", trunk="t", template="PJSIP/{number}@{trunk}")
    around = TRUNK if "812" in words or "sip" in words else around
    said = flow.refusal(message(after=forbidden), around)
    assert said is not None
    assert said.code == code
    found = flow.variables(message(after=forbidden), {}, around)
    assert action(found, fields(found, "main")[3]) == words


def test_a_hand_over_number_is_read_as_in_a_base() -> None:
    """Written as at home it is dialled as everywhere: with its country code, and under the same rules."""
    found = flow.variables(message(after=NUMBER | {"number": "84950000001"}), {}, TRUNK)
    assert action(found, fields(found, "main")[3]) == "number:74950000001:PJSIP/+74950000001@carrier-1"


def request(variables: dict[str, str]) -> CallRequest:
    return CallRequest(
        uid=new_uid(),
        number="79160000007",
        trunk="rehearsal",
        template="PJSIP/{number}@{trunk}",
        caller_id="",
        ring_s=10,
        sound="x",
        variables=variables,
    )


def test_a_large_message_still_fits_the_manager() -> None:
    """Twenty steps of fifty blocks with five keys each: every line under 1,000 bytes."""
    names = [f"step{number}" for number in range(14)]
    step = {
        "variants": {"en": [{"kind": "text", "text": "Hello."}] * 50},
        "choice": keys(
            **{f"k{key}": {"kind": "answer", "name": "n" * 30, "value": f"v{key}", "then": "step1"} for key in range(9)}
        ),
    }
    large = message(steps=dict.fromkeys(names, step))
    stems = {name: [STEM] * 50 for name in ["main", *names]}
    headers = originate_headers(request(flow.variables(large, stems)), "/sounds")
    assert headers["Context"] == "obzvon-flow"
    assert max(len(f"Variable: {line}\r\n") for line in headers["Variable"]) <= 1024
    larger = message(steps={f"step{number}": step for number in range(20)})
    wide = {name: [STEM] * 200 for name in ["main", *larger.steps]}
    with pytest.raises(CampaignError) as refused:
        flow.variables(larger, wide)
    assert refused.value.code == "message_too_large"


@pytest.mark.parametrize(
    "wrong",
    [
        {"OBZ_F_main_1": "o/a,b"},
        {"OBZ_F_main_1": "o/a\r\nAction: x"},
        {"OBZ_F_main_1": "${SHELL(id)}"},
        {"OBZ_F_main_1": 'o/"a'},
        {"CALLERID(num)": "1"},
        {"OBZ_": "1"},
        {"OBZ_F_main_1": "a" * 1000},
        {f"OBZ_{number}": "1" for number in range(101)},
    ],
)
def test_no_variable_can_be_more_than_a_text(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="its message"):
        originate_headers(request(wrong), "/sounds")


def test_a_call_without_steps_goes_as_before() -> None:
    headers = originate_headers(request({"OBZ_AMD": "1"}), "/sounds")
    assert headers["Context"] == "obzvon-message"
    assert "OBZ_AMD=1" in headers["Variable"]
