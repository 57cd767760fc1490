"""What cannot be said is refused with a code; a wrong word is never said instead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest

from tts import phrases
from tts.errors import PhraseError, SoundError
from tts.phrases import LIMIT, Case, Gender, Grouping

DAY = ("день", "дня", "дней")


@pytest.mark.parametrize(
    ("say", "code"),
    [
        (lambda: phrases.money(1, "RUB", "fr"), "language_not_spoken"),
        (lambda: phrases.money(1, "RUB", ""), "language_not_spoken"),
        (lambda: phrases.money(1, "JPY", "ru"), "currency_not_spoken"),
        (lambda: phrases.money(1, "rub", "ru"), "currency_not_spoken"),
        (lambda: phrases.money(Decimal("1.001"), "RUB", "ru"), "amount_too_fine"),
        (lambda: phrases.money(Decimal("1.0000000000000000000000000000001"), "RUB", "ru"), "amount_too_fine"),
        (lambda: phrases.money(Decimal("1E-999999"), "RUB", "ru"), "amount_too_fine"),
        (lambda: phrases.money(LIMIT, "RUB", "ru"), "number_too_large"),
        (lambda: phrases.money(Decimal(-LIMIT), "RUB", "ru"), "number_too_large"),
        (lambda: phrases.money(Decimal("1E+999999"), "RUB", "ru"), "number_too_large"),
        (lambda: phrases.money(Decimal("NaN"), "RUB", "ru"), "number_too_large"),
        (lambda: phrases.money(Decimal("-Infinity"), "RUB", "ru"), "number_too_large"),
        (lambda: phrases.money(1, "RUB", "ru", Case.ABLATIVE), "case_not_spoken"),
        (lambda: phrases.money(1, "EUR", "de", Case.INSTRUMENTAL), "case_not_spoken"),
        (lambda: phrases.date(dt.date(2026, 1, 1), "de", Case.PREPOSITIONAL), "case_not_spoken"),
        (lambda: phrases.date(dt.date(999, 1, 1), "ru", None, True), "date_wrong"),
        (lambda: phrases.whole(LIMIT, "ru", Gender.MASCULINE, DAY), "number_too_large"),
        (lambda: phrases.whole(1, "ru", Gender.MASCULINE, DAY[:2]), "noun_forms_wrong"),
        (lambda: phrases.whole(1, "ru", Gender.MASCULINE, ("день", " ", "дней")), "noun_forms_wrong"),
        (lambda: phrases.ordinal(-1, "ru"), "ordinal_wrong"),
        (lambda: phrases.ordinal(10_000, "ru"), "ordinal_wrong"),
        (lambda: phrases.percent(Decimal("0.0001"), "ru"), "percent_too_fine"),
        (lambda: phrases.percent(LIMIT, "ru"), "number_too_large"),
        (lambda: phrases.digits("", "ru"), "digits_wrong"),
        (lambda: phrases.digits(" - ", "ru"), "digits_wrong"),
        (lambda: phrases.digits("12$", "ru"), "digits_wrong"),
        (lambda: phrases.digits("AB1", "ru"), "digits_wrong"),
        (lambda: phrases.digits("АБ1", "en"), "digits_wrong"),
        (lambda: phrases.digits("٣", "ru"), "digits_wrong"),
        (lambda: phrases.digits("1\n2<break/>", "ru"), "digits_wrong"),
        (lambda: phrases.digits("1" * 61, "ru"), "digits_wrong"),
        (lambda: phrases.digits("12", "ru", Grouping.PHONE), "phone_wrong"),
        (lambda: phrases.phone("", "ru"), "phone_wrong"),
        (lambda: phrases.phone("+0000000000", "ru"), "phone_wrong"),
        (lambda: phrases.phone("8 916 123-45-67", "ru"), "phone_wrong"),
        (lambda: phrases.phone("+79161234567,1", "ru"), "phone_wrong"),
        (lambda: phrases.text("x" * 501), "text_too_long"),
    ],
)
def test_is_refused(say: Callable[[], str], code: str) -> None:
    """The code, and a sentence with all its words in place."""
    with pytest.raises(PhraseError) as caught:
        say()
    error = caught.value
    assert isinstance(error, SoundError)
    assert error.code == code
    assert error.sentence == phrases.SENTENCES[code].format(**error.words)


def test_numbers_of_any_length_are_exact() -> None:
    """The decimal context's 28 digits do not round an amount."""
    amount = Decimal("999999999999.990000000000000000000000000000")
    assert phrases.money(amount, "USD", "en").endswith("nine hundred ninety-nine dollars ninety-nine cents")


def test_locales_are_languages() -> None:
    """A contact's language column may say ru-RU or cs_CZ."""
    assert phrases.money(2, "CZK", "cs_CZ") == "dvě koruny"
    assert phrases.money(2, "RUB", "ru-RU") == "два рубля"
    assert phrases.money(2, "RUB", "RU") == "два рубля"


def test_text_stays_data() -> None:
    """Blanks are made single, what cannot be seen is dropped; markup stays letters, which the engine escapes."""
    assert phrases.text("  Иванов \n\t Пётр\u200b\x00\x1b ") == "Иванов Пётр"
    assert phrases.text('<speak>$(rm -rf /) & "x"</speak>') == '<speak>$(rm -rf /) & "x"</speak>'
    assert phrases.text("") == ""
    assert phrases.text("x" * 500) == "x" * 500


@pytest.mark.parametrize("language", phrases.LANGUAGES)
def test_examples_of_nouns_are_complete(language: str) -> None:
    """The example that a person sees can be counted with."""
    example = phrases.language(language).noun_example
    assert phrases.whole(5, language, Gender.MASCULINE, example).endswith(example[-1])


@pytest.mark.parametrize("language", phrases.LANGUAGES)
def test_letters_of_the_language_are_spelled(language: str) -> None:
    """Each letter alone, small or capital."""
    letters = phrases.language(language).letters
    assert phrases.digits(letters[:10].lower(), language) == ", ".join(letters[:10])
