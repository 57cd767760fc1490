"""Blocks of a message are checked, and become what one contact hears (N9, N15)."""

import pytest
from pydantic import ValidationError

from campaigns.errors import CampaignError
from campaigns.message.blocks import FieldBlock, Message, Missing
from campaigns.message.compose import LONGEST_FIELD, Recorded, Silence, Spoken, compose, language_of

STEM = "0123456789abcdef" * 2
MONEY = {"kind": "field", "column": "Сумма", "say": "money", "currency": "RUB"}


def message(*blocks, **more):
    return Message.model_validate({"default_language": "ru", "variants": {"ru": list(blocks)}} | more)


def spell(text, block, language):
    return f"<{block.say.value} {text} {language}>"


def test_n15_sound_words_and_numbers_in_their_order():
    made = message(
        {"kind": "sound", "stem": STEM}, {"kind": "text", "text": "Ваш долг"}, MONEY,
        {"kind": "text", "text": ", оплатите до"}, {"kind": "pause", "seconds": 0.5},
    )  # fmt: skip
    assert compose(made, {"Сумма": "1 251,20"}, spell)["main"] == [
        Recorded(STEM),
        Spoken("Ваш долг", "ru", "", personal=False),
        Spoken("<money 1 251,20 ru>,", "ru", "", personal=True, column="Сумма"),
        Spoken("оплатите до", "ru", "", personal=False),
        Silence(0.5),
    ]


def test_a_full_stop_of_its_own_is_no_piece():
    made = message({"kind": "text", "text": "Долг"}, MONEY, {"kind": "text", "text": "."})
    assert [piece.words for piece in compose(made, {"Сумма": "5"}, spell)["main"]] == ["Долг", "<money 5 ru>."]
    assert compose(message({"kind": "text", "text": "..."}), {}, spell)["main"] == []


def test_empty_column_refuses_the_contact_or_is_left_out():
    with pytest.raises(CampaignError) as refused:
        compose(message(MONEY), {"Сумма": "  "}, spell)
    assert (refused.value.code, refused.value.field) == ("message_field_missing", "Сумма")
    made = message({"kind": "text", "text": "Долг"}, MONEY | {"missing": "skip"})
    assert [piece.words for piece in compose(made, {}, spell)["main"]] == ["Долг"]


def test_a_column_longer_than_anybody_listens_is_refused():
    with pytest.raises(CampaignError, match="more than"):
        compose(message(MONEY | {"say": "text", "currency": None}), {"Сумма": "a" * (LONGEST_FIELD + 1)}, spell)


@pytest.mark.parametrize(
    ("cell", "heard"), [("en", "en"), ("EN-us", "en"), ("fr", "ru"), ("", "ru"), ("русский", "ru")]
)
def test_each_contact_hears_his_language(cell, heard):
    variants = {"ru": [{"kind": "text", "text": "Привет"}], "en": [{"kind": "text", "text": "Hello"}]}
    made = Message.model_validate({"default_language": "ru", "language_column": "Lang", "variants": variants})
    assert language_of(made, {"Lang": cell}) == heard
    assert made.personal
    assert made.columns() == {"Lang"}


@pytest.mark.parametrize(
    "block",
    [
        {"kind": "text", "text": ""},
        {"kind": "text", "text": "a\r\nb"},
        {"kind": "sound", "stem": "../../etc/passwd"},
        {"kind": "pause", "seconds": 60},
        {"kind": "field", "column": "a", "say": "money"},
        {"kind": "field", "column": "a", "say": "whole", "currency": "RUB"},
        {"kind": "field", "column": "a", "shout": True},
        {"kind": "song"},
    ],
)
def test_blocks_that_make_no_sense_are_refused(block):
    with pytest.raises(ValidationError):
        message(block)


def test_default_language_needs_words():
    with pytest.raises(ValidationError, match="default language"):
        message({"kind": "text", "text": "x"}, default_language="en")


def test_message_survives_its_json():
    made = message(MONEY, {"kind": "pause", "seconds": 1})
    assert Message.model_validate(made.to_json()) == made
    assert isinstance(made.variants["ru"][0], FieldBlock)
    assert made.variants["ru"][0].missing is Missing.REFUSE
