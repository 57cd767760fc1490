"""A block says how a column is spoken; the words are the phrases' (N9)."""

import pytest

from campaigns.message.blocks import FieldBlock
from campaigns.message.spelling import speller
from tts.errors import PhraseError


def said(cell, language, region="RU", **how):
    return speller(region)(cell, FieldBlock(column="Поле", **how), language)


@pytest.mark.parametrize(
    ("cell", "language", "how", "words"),
    [
        ("1 251,20", "ru", {"say": "money", "currency": "RUB"},
         "одна тысяча двести пятьдесят один рубль двадцать копеек"),
        ("12.12.2026", "ru", {"say": "date"}, "двенадцатого декабря"),
        ("21", "ru", {"say": "whole", "noun_forms": ("день", "дня", "дней")}, "двадцать один день"),
        ("21", "ru", {"say": "whole", "gender": "feminine"}, "двадцать одна"),
        ("-3", "en", {"say": "whole"}, "minus three"),
        ("8 900 555-00-01", "en", {"say": "phone"}, "plus seven, nine zero zero, five five five, zero zero, zero one"),
        ("Иванов  Иван", "ru", {"say": "text"}, "Иванов Иван"),
        ("305", "en", {"say": "digits"}, "three zero five"),
    ],
)  # fmt: skip
def test_n9_a_column_is_spoken_as_its_block_says(cell, language, how, words):
    assert said(cell, language, **how) == words


@pytest.mark.parametrize("how", [{"say": "money", "currency": "RUB"}, {"say": "date"}, {"say": "phone"}])
def test_what_cannot_be_spoken_names_its_column(how):
    with pytest.raises(PhraseError) as refused:
        said("долг", "ru", **how)
    assert refused.value.field == "Поле"
