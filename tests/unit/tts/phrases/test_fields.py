"""A cell goes in, words come out, and a refusal names the column."""

from __future__ import annotations

import pytest

from tts.errors import PhraseError
from tts.phrases import Case, Gender, Grouping
from tts.phrases.fields import Field, Kind, say


@pytest.mark.parametrize(
    ("field", "cell", "words"),
    [
        (Field("x", Kind.MONEY, currency="RUB"), "1 251,20", "одна тысяча двести пятьдесят один рубль двадцать копеек"),
        (Field("x", Kind.MONEY, Case.GENITIVE, "RUB"), "-5", "минус пяти рублей"),
        (Field("x", Kind.MONEY, currency="RUB", zero_cents=True), "5,00", "пять рублей ноль копеек"),
        (Field("x", Kind.WHOLE, noun_forms=("день", "дня", "дней")), "22", "двадцать два дня"),
        (Field("x", Kind.ORDINAL, gender=Gender.FEMININE), "3", "третья"),
        (Field("x", Kind.DATE), "12.12.2026", "двенадцатого декабря"),
        (Field("x", Kind.DATE, Case.DATIVE), "12.12.2026", "двенадцатому декабря"),
        (Field("x", Kind.DATE, with_year=True), "12.12.2026", "двенадцатого декабря две тысячи двадцать шестого года"),
        (Field("x", Kind.TIME), "14:30", "четырнадцать часов тридцать минут"),
        (Field("x", Kind.PERCENT), "12,5 %", "двенадцать целых пять десятых процента"),
        (Field("x", Kind.DIGITS), "0071", "ноль ноль семь один"),
        (Field("x", Kind.DIGITS, grouping=Grouping.PAIRS), "0071", "ноль ноль, семьдесят один"),
        (
            Field("x", Kind.PHONE),
            " +79005550000 ",
            "плюс семь, девятьсот, пятьсот пятьдесят пять, ноль ноль, ноль ноль",
        ),
        (Field("x", Kind.TEXT), " Иванов\nПётр ", "Иванов Пётр"),
    ],
)
def test_cells_are_said(field: Field, cell: str, words: str) -> None:
    """Every kind, with its options."""
    assert say(field, cell, "ru", "RU") == words


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.TEXT])
def test_a_refusal_names_the_column(kind: Kind) -> None:
    """So that a person finds the cell."""
    field = Field("Сумма долга", kind, currency="RUB", noun_forms=("день", "дня", "дней"))
    with pytest.raises(PhraseError) as caught:
        say(field, "???", "ru", "RU")
    assert caught.value.field == "Сумма долга"
    assert "Сумма долга" in caught.value.sentence
