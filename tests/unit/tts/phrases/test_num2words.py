"""num2words, which is used where it is right. Where it is wrong it still is; when a newer one is not, drop our own."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from num2words import num2words

from tts import phrases
from tts.phrases import LIMIT, Case, Gender

MASCULINE, FEMININE = Gender.MASCULINE, Gender.FEMININE
numbers = st.one_of(st.integers(0, 5000), st.integers(0, LIMIT - 1))
agree = settings(max_examples=300, deadline=None)


@agree
@given(n=numbers)
def test_agrees_in_plain_numerals(n: int) -> None:
    """Own tables (Ukrainian) and what is added around num2words (all others) give its words where those are right."""
    cardinals = {code: phrases.language(code).cardinal(n, MASCULINE) for code in ("ru", "uk", "kk", "de")}
    assert cardinals["ru"] == num2words(n, lang="ru")
    assert cardinals["uk"] == num2words(n, lang="uk")
    assert cardinals["kk"] == num2words(n, lang="kz")
    assert cardinals["de"] == num2words(n, lang="de")


@agree
@given(n=st.integers(0, 199))
def test_agrees_in_czech_up_to_two_hundred(n: int) -> None:
    """Czech counting, before the hundreds that num2words writes in one word."""
    assert phrases.language("cs").counting(n) == num2words(n, lang="cs")


@agree
@given(n=st.integers(0, 999_999), case=st.sampled_from([*Case][:6]))
def test_agrees_in_russian_cases_under_a_million(n: int, case: Case) -> None:
    """Feminine numerals in every case."""
    expected = num2words(n, lang="ru", gender="f", case=case[0], animate=False)
    assert phrases.language("ru").cardinal(n, FEMININE, case) == expected


@agree
@given(n=st.integers(1, 9999))
def test_agrees_in_ukrainian_ordinals(n: int) -> None:
    """Apart from "одна тисяча перший", which is said without одна."""
    expected = num2words(n, lang="uk", to="ordinal").removeprefix("одна ")
    assert phrases.ordinal(n, "uk") == expected


def _said(n: object, language: str, **choices: object) -> str:
    return str(num2words(n, lang=language, **choices))


@pytest.mark.parametrize(
    ("theirs", "wrong", "ours", "right"),
    [
        (
            _said(1_000_000, "ru", gender="f"),
            "одна миллион",
            phrases.money(1_000_000, "UAH", "ru"),
            "один миллион гривен",
        ),
        (_said(5_020_003, "ru", to="ordinal"), "пять миллионов двадцатый тысяч третий", "", ""),
        (
            _said(Decimal("-0.5"), "ru"),
            "ноль целых пять десятых",
            phrases.percent(Decimal("-0.5"), "ru"),
            "минус ноль целых пять десятых процента",
        ),
        (
            _said(1251, "ru", to="currency", currency="RUB"),
            "двенадцать рублей, пятьдесят одна копейка",
            phrases.money(1251, "RUB", "ru"),
            "одна тысяча двести пятьдесят один рубль",
        ),
        (_said(222, "cs"), "dvěstě dvacet dva", phrases.language("cs").cardinal(222), "dvě stě dvacet dva"),
        (_said(2 * 10**9, "cs"), "dva miliardy", phrases.language("cs").cardinal(2 * 10**9), "dvě miliardy"),
        (
            _said(Decimal(2), "cs", to="currency", currency="CZK"),
            "dva koruny, nula haléřů",
            phrases.money(2, "CZK", "cs"),
            "dvě koruny",
        ),
        (
            _said(200, "uk", case="genitive"),
            "двохста",
            phrases.language("uk").cardinal(200, case=Case.GENITIVE),
            "двохсот",
        ),
        (
            _said(1000, "uk", case="genitive"),
            "однієї тисячи",
            phrases.language("uk").cardinal(1000, case=Case.GENITIVE),
            "однієї тисячі",
        ),
        (
            _said(0, "uk", case="genitive"),
            "нуль",
            phrases.language("uk").cardinal(0, case=Case.GENITIVE),
            "нуля",
        ),
        (
            _said(Decimal("1.05"), "kz"),
            "бір бүтін нөл бес",
            phrases.percent(Decimal("1.05"), "kk"),
            "бір бүтін жүзден бес пайыз",
        ),
        (
            _said(1251, "en"),
            "one thousand, two hundred and fifty-one",
            phrases.language("en").cardinal(1251),
            "one thousand two hundred fifty-one",
        ),
    ],
)
def test_where_it_is_wrong(theirs: str, wrong: str, ours: str, right: str) -> None:
    """What num2words 0.5.14 says (English: what a voice makes a pause at), and what is said instead."""
    assert theirs == wrong
    assert ours == right


@pytest.mark.parametrize(
    ("language", "n", "choices", "error"),
    [
        ("cs", -5, {}, ValueError),
        ("cs", 3, {"to": "ordinal"}, NotImplementedError),
        ("kz", 3, {"to": "ordinal"}, NotImplementedError),
        ("uk", 0, {"to": "ordinal"}, IndexError),
        ("ru", 5, {"to": "currency", "currency": "CZK"}, NotImplementedError),
        ("cs", 5, {"to": "currency", "currency": "USD"}, NotImplementedError),
        ("de", 5, {"to": "currency", "currency": "RUB"}, NotImplementedError),
        ("kz", 5, {"to": "currency", "currency": "EUR"}, NotImplementedError),
    ],
)
def test_what_it_cannot_do(language: str, n: int, choices: dict[str, str], error: type[Exception]) -> None:
    """Why those are made here."""
    with pytest.raises(error):
        num2words(n, lang=language, **choices)
