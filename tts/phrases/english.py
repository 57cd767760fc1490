"""English. Numerals come from num2words, without its commas and "and" (1,251: one thousand two hundred fifty-one).

Currency names: Unicode CLDR, and Oxford for rouble and kopeck.
"""

from __future__ import annotations

import datetime as dt

from num2words import num2words

from tts.phrases.grammar import Case, Currency, Gender, Language, Noun, noun, row

X = Gender.NEUTER


def _word(one: str, other: str = "") -> Noun:
    return noun(X, one, other or one)


CENT = _word("cent", "cents")
MONEY = {
    Currency.RUB: (_word("rouble", "roubles"), _word("kopeck", "kopecks")),
    Currency.USD: (_word("dollar", "dollars"), CENT),
    Currency.EUR: (_word("euro", "euros"), CENT),
    Currency.KZT: (_word("tenge"), _word("tiyn")),
    Currency.UAH: (_word("hryvnia", "hryvnias"), _word("kopiyka", "kopiykas")),
    Currency.CZK: (_word("koruna", "korunas"), _word("haler", "halers")),
    Currency.GBP: (_word("pound", "pounds"), _word("penny", "pence")),
}
MONTHS = row("January February March April May June July August September October November December")


class English(Language):
    """Nouns have no case here, so every case is taken and changes nothing."""

    code = "en"
    cases = frozenset(Case)
    date_case = Case.NOMINATIVE
    minus = "minus"
    plus = "plus"
    groups_as_numbers = False
    noun_example = ("day", "days")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    money_words = MONEY

    def category(self, n: int) -> int:
        return 0 if n == 1 else 1

    def cardinal(self, n: int, gender: Gender = X, case: Case = Case.NOMINATIVE) -> str:
        return _plain(num2words(n, lang="en"))

    def counted(self, n: int, word: Noun, case: Case = Case.NOMINATIVE) -> str:
        return f"{self.cardinal(n)} {(word.singular if n == 1 else word.plural)[Case.NOMINATIVE]}"

    def ordinal(self, n: int, gender: Gender = X, case: Case = Case.NOMINATIVE) -> str:
        return _plain(num2words(n, lang="en", to="ordinal"))

    def date(self, day: dt.date, case: Case, with_year: bool) -> str:
        words = f"the {self.ordinal(day.day)} of {MONTHS[day.month - 1]}"
        return f"{words} {_plain(num2words(day.year, lang='en', to='year'))}" if with_year else words

    def time(self, moment: dt.time, case: Case) -> str:
        """By the twelve-hour clock; 0:00 and 12:00 by their names, which nobody takes for each other."""
        if not moment.minute and moment.hour in (0, 12):
            return "noon" if moment.hour else "midnight"
        words = [self.cardinal(moment.hour % 12 or 12)]
        if moment.minute:
            words.append(f"oh {self.cardinal(moment.minute)}" if moment.minute < 10 else self.cardinal(moment.minute))
        return " ".join([*words, "PM" if moment.hour >= 12 else "AM"])

    def percent(self, whole: int, decimals: str, case: Case) -> str:
        words = self.cardinal(whole)
        if decimals:
            words += " point " + " ".join(self.cardinal(int(digit)) for digit in decimals)
        return f"{words} percent"


def _plain(words: str) -> str:
    return words.replace(",", "").replace(" and ", " ")
