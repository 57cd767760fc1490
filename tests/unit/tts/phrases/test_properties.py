"""Properties of every phrase: it means its number, it is words alone, and its noun follows CLDR's plural rule."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from decimal import Decimal

import pytest
from babel import Locale
from babel.numbers import get_currency_name
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.tts.phrases import reader
from tts import phrases
from tts.phrases import LIMIT, ORDINAL_LIMIT, Case, Currency, Gender, Grouping

LANGUAGES = list(phrases.LANGUAGES)
languages = st.sampled_from(LANGUAGES)
genders = st.sampled_from([Gender.MASCULINE, Gender.FEMININE, Gender.NEUTER])
#: Some hundred examples for each language.
many = settings(max_examples=800, deadline=None)
#: Small, round and huge numbers alike.
wholes = st.one_of(
    st.integers(0, 2999),
    st.builds(lambda head, zeros: head * 10**zeros, st.integers(1, 999), st.integers(0, 9)),
    st.integers(0, LIMIT - 1),
)
amounts = st.builds(
    lambda whole, cents, sign: sign * (Decimal(whole) + Decimal(cents) / 100),
    wholes,
    st.integers(0, 99),
    st.sampled_from([1, -1]),
)


def cases(language: str) -> list[Case]:
    return sorted(phrases.language(language).cases)


def check_words(text: str) -> None:
    """Words, single blanks, commas between groups."""
    assert re.fullmatch(r"[^\W\d_]+(?:'[^\W\d_]+)?(?:(?:,? |-)[^\W\d_]+(?:'[^\W\d_]+)?)*", text), text


def all_differ(texts: Iterable[str]) -> None:
    found = list(texts)
    assert len(set(found)) == len(found)
    for text in found:
        check_words(text)


@many
@given(amount=amounts, currency=st.sampled_from(Currency), language=languages, zero_cents=st.booleans(), data=st.data())
@example(Decimal("1251.20"), Currency.RUB, "ru", False, None)
def test_amounts_mean_what_was_given(amount, currency, language, zero_cents, data) -> None:
    """Read back by another program, in every language, currency and case, the amount is the same."""
    case = data.draw(st.sampled_from(cases(language))) if data else Case.NOMINATIVE
    words = phrases.money(amount, currency, language, case, zero_cents=zero_cents)
    check_words(words)
    assert reader.money(words, language) == amount


@given(
    number=wholes, language=languages, gender=st.sampled_from([g for g in Gender if g != Gender.PLURAL]), data=st.data()
)
def test_whole_numbers_mean_what_was_given(number, language, gender, data) -> None:
    """Whole numbers with a word of the user's, in every gender and case."""
    forms = ["xx"] * len(phrases.language(language).noun_example)
    words = phrases.whole(number, language, gender, forms, data.draw(st.sampled_from(cases(language))))
    check_words(words)
    numerals = reader.words_of(words, language)
    assert numerals.pop().startswith("xx")  # Kazakh puts the case's ending on it
    assert reader.number([reader.value_of(word, language) for word in numerals]) == number


@many
@given(number=wholes, currency=st.sampled_from(Currency), language=languages)
@example(111, Currency.RUB, "ru")
@example(22, Currency.CZK, "cs")
@example(112, Currency.UAH, "uk")
def test_plural_of_money_is_the_one_of_cldr(number, currency, language) -> None:
    """Babel, which has CLDR's rules and names, uses the same form of the currency's name behind this number."""
    apart = {("en", "RUB"), ("en", "KZT"), ("de", "UAH")}  # rouble, tenge, Hrywnja: other forms in dictionaries
    if language == "kk" or (language, currency) in apart:
        return  # Kazakh nouns have no plural behind numbers; CLDR has them with the country: Қазақстан теңгесі
    words = phrases.money(number, currency, language).split()
    name = get_currency_name(currency, count=number, locale=language)
    noun = words[-2] if words[-1] in {"стерлингов", "стерлінгів"} else words[-1]
    assert noun in re.split("[ -]", name)


@given(number=wholes, language=languages)
def test_forms_of_a_users_word_follow_cldr(number, language) -> None:
    """The form chosen is the one of CLDR's category: one, few, many (other in Czech), in this order."""
    form = Locale.parse(language).plural_form(number)
    order = {"cs": ["one", "few", "other"], "ru": ["one", "few", "many"], "uk": ["one", "few", "many"]}
    names = order.get(language, ["one", "other"])
    forms = ["aa", "bb", "cc"][: len(phrases.language(language).noun_example)]
    word = phrases.whole(number, language, Gender.MASCULINE, forms).split()[-1]
    assert word == (forms[names.index(form)] if len(forms) > 1 else "aa")


@pytest.mark.parametrize("language", LANGUAGES)
def test_dates_times_and_ordinals_differ(language: str) -> None:
    """No two days, minutes, years or ordinals sound alike."""
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=n) for n in range(366)]
    all_differ(phrases.date(day, language) for day in days)
    all_differ(phrases.date(dt.date(year, 2, 3), language, None, True) for year in range(1000, 2200))
    all_differ(phrases.time(dt.time(minute // 60, minute % 60), language) for minute in range(1440))
    numbers = [*range(400), *range(400, ORDINAL_LIMIT + 1, 7), *range(1000, ORDINAL_LIMIT + 1, 100)]
    for case in cases(language):
        all_differ(phrases.ordinal(n, language, Gender.FEMININE, case) for n in sorted(set(numbers)))


@given(whole=wholes, thousandths=st.integers(0, 999), language=languages, data=st.data())
def test_percentages_are_words_that_differ(whole, thousandths, language, data) -> None:
    """Words alone, and another value sounds otherwise."""
    value = Decimal(whole) + Decimal(thousandths) / 1000
    case = data.draw(st.sampled_from(cases(language)))
    words = phrases.percent(value, language, case)
    check_words(words)
    assert words != phrases.percent(value + Decimal("0.001"), language, case) if value < LIMIT - 1 else True


@given(text=st.from_regex(r"\A[0-9]{1,20}\Z"), language=languages, grouping=st.sampled_from(Grouping))
def test_digits_mean_what_was_given(text, language, grouping) -> None:
    """Every digit is said, in its place, however they are grouped."""
    if grouping is Grouping.PHONE:
        return
    words = phrases.digits(text, language, grouping)
    check_words(words)
    assert reader.digits(words, language) == text


@given(
    number=st.sampled_from(["7916", "7701", "38067", "42060", "4915", "1202", "4479", "37529"]),
    rest=st.from_regex(r"\A[0-9]{7}\Z"),
    language=languages,
)
def test_phones_mean_what_was_given(number, rest, language) -> None:
    """Every digit of a telephone number is said, in its place, whatever the country's grouping."""
    words = phrases.phone(f"+{number}{rest}", language)
    check_words(words)
    assert reader.digits(words, language) == number + rest
