"""What every language implements, and the few words of grammar that they share. Pure."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

#: Numbers are spoken below this: 999 milliard.
LIMIT = 10**12
#: Ordinals are spoken up to this; a year is one.
ORDINAL_LIMIT = 9999


class Case(StrEnum):
    """Grammatical case. Which of them a language has stands in its ``cases``."""

    NOMINATIVE = "nominative"
    GENITIVE = "genitive"
    DATIVE = "dative"
    ACCUSATIVE = "accusative"
    INSTRUMENTAL = "instrumental"
    PREPOSITIONAL = "prepositional"  # locative in Czech, Ukrainian and Kazakh
    ABLATIVE = "ablative"  # Kazakh


#: The order in which tables list the forms of a word.
SIX = (Case.NOMINATIVE, Case.GENITIVE, Case.DATIVE, Case.ACCUSATIVE, Case.INSTRUMENTAL, Case.PREPOSITIONAL)


class Gender(StrEnum):
    MASCULINE = "masculine"
    FEMININE = "feminine"
    NEUTER = "neuter"
    PLURAL = "plural"  # of ordinals only: первые


class Currency(StrEnum):
    RUB = "RUB"
    USD = "USD"
    EUR = "EUR"
    KZT = "KZT"
    UAH = "UAH"
    CZK = "CZK"
    GBP = "GBP"


@dataclass(frozen=True)
class Noun:
    """A counted word: its forms by case. ``adjective``: declined like one (две целых, not две целые)."""

    gender: Gender
    singular: Mapping[Case, str]
    plural: Mapping[Case, str]
    adjective: bool = False


def row(words: str) -> list[str]:
    """The words of a table's line, parted by one blank; two blanks leave one out."""
    return words.split(" ")


def forms(words: str) -> dict[Case, str]:
    """Six forms in the order of :data:`SIX`, parted by blanks; one word stands for all six, and _ is a blank in it."""
    parts = [word.replace("_", " ") for word in words.split()]
    if len(parts) == 1:
        parts *= len(SIX)
    return dict(zip(SIX, parts, strict=True))


def noun(gender: Gender, singular: str, plural: str = "", *, adjective: bool = False) -> Noun:
    """A noun from two lines of forms; without ``plural`` it is the same word in all numbers and cases."""
    return Noun(gender, forms(singular), forms(plural or singular), adjective)


class Language(ABC):
    """One language. Numbers that come in here are whole and 0 <= n < LIMIT; the sign is dealt with outside."""

    code: str
    cases: frozenset[Case]
    #: In which case a date stands when something happens on it: двенадцатого декабря.
    date_case: Case
    minus: str
    #: Between the whole part and the cents of an amount.
    cents_joiner = " "
    #: Groups of digits are said as numbers (916: девятьсот шестнадцать) or digit by digit.
    groups_as_numbers = True
    plus = "плюс"
    #: What a person gives to have his own word counted, in the order of the plural categories.
    noun_example: tuple[str, ...]
    #: Letters that an account number may hold; each is said alone.
    letters: str
    money_words: Mapping[Currency, tuple[Noun, Noun]]

    @abstractmethod
    def cardinal(self, n: int, gender: Gender = Gender.MASCULINE, case: Case = Case.NOMINATIVE) -> str:
        """The number alone: двадцать одна."""

    @abstractmethod
    def counted(self, n: int, word: Noun, case: Case = Case.NOMINATIVE) -> str:
        """The number with what is counted: двадцать одна копейка."""

    @abstractmethod
    def category(self, n: int) -> int:
        """Which of the forms in ``noun_example`` goes with n."""

    @abstractmethod
    def ordinal(self, n: int, gender: Gender = Gender.MASCULINE, case: Case = Case.NOMINATIVE) -> str:
        """The ordinal: двадцать первая; n <= ORDINAL_LIMIT."""

    @abstractmethod
    def date(self, day: dt.date, case: Case, with_year: bool) -> str:
        """The day as it stands in a sentence."""

    @abstractmethod
    def time(self, moment: dt.time, case: Case) -> str:
        """Hour and minute; seconds are not said."""

    @abstractmethod
    def percent(self, whole: int, decimals: str, case: Case) -> str:
        """The percentage; ``decimals`` are the digits behind the point without trailing zeros, at most three."""

    def counting(self, n: int) -> str:
        """The number as in counting, of digits and groups of them."""
        return self.cardinal(n)

    def with_forms(self, n: int, gender: Gender, words: tuple[str, ...], case: Case) -> str:
        """The number with a word whose forms somebody gave, as many as ``noun_example``."""
        return f"{self.cardinal(n, gender, case)} {words[self.category(n)]}"

    def money(self, whole: int, cents: int, currency: Currency, case: Case, zero_cents: bool) -> str:
        """An amount without its sign. Nothing but cents: the whole part is left out, unless zero cents are wanted."""
        main, minor = self.money_words[currency]
        parts = []
        if whole or not cents or zero_cents:
            parts.append(self.counted(whole, main, case))
        if cents or zero_cents:
            parts.append(self.counted(cents, minor, case))
        return self.cents_joiner.join(parts)


def split(amount: Decimal, places: int) -> tuple[bool, int, str] | None:
    """Sign, whole part and ``places`` decimals of an amount; None when it has more of them. -0 has no sign.

    By its digits, not by arithmetic: the decimal context would round long ones. ``amount`` is below LIMIT.
    """
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -100:
        return None
    whole, _, decimals = f"{amount.copy_abs():f}".partition(".")
    decimals = decimals.rstrip("0")
    if len(decimals) > places:
        return None
    return amount < 0, int(whole), decimals.ljust(places, "0")
