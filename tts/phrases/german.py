"""German. Numerals come from num2words; the last word one, articles and cases are added here.

Grammar: Duden, Die Grammatik (Zahladjektive); Duden, Die deutsche Rechtschreibung, entries "hundert" and "Euro".
"""

from __future__ import annotations

import datetime as dt

from num2words import num2words

from tts.phrases.grammar import Case, Currency, Gender, Language, Noun, row

M, F, N = Gender.MASCULINE, Gender.FEMININE, Gender.NEUTER
FOUR = (Case.NOMINATIVE, Case.GENITIVE, Case.DATIVE, Case.ACCUSATIVE)


def _four(words: str) -> dict[Case, str]:
    return dict(zip(FOUR, words.split(), strict=True))


def _noun(gender: Gender, one: str, genitive: str, other: str = "") -> Noun:
    """Units of money keep their form behind numbers: zwei Euro, mit zwei Euro; feminine ones do not: zwei Kronen."""
    singular = _four(f"{one} {genitive} {one} {one}")
    return Noun(gender, singular, dict.fromkeys(FOUR, other or one))


EIN = {
    M: _four("ein eines einem einen"),
    F: _four("eine einer einer eine"),
    N: _four("ein eines einem ein"),
}
CENT = _noun(M, "Cent", "Cents")
KOPECK = _noun(F, "Kopeke", "Kopeke", "Kopeken")
MONEY = {
    Currency.RUB: (_noun(M, "Rubel", "Rubels"), KOPECK),
    Currency.USD: (_noun(M, "Dollar", "Dollars"), CENT),
    Currency.EUR: (_noun(M, "Euro", "Euros"), CENT),
    Currency.KZT: (_noun(M, "Tenge", "Tenge"), _noun(M, "Tiyn", "Tiyns")),
    Currency.UAH: (_noun(F, "Hrywnja", "Hrywnja"), KOPECK),
    Currency.CZK: (_noun(F, "Krone", "Krone", "Kronen"), _noun(M, "Heller", "Hellers")),
    Currency.GBP: (_noun(N, "Pfund", "Pfunds"), _noun(M, "Penny", "Pennys", "Pence")),
}
MONTHS = row("Januar Februar März April Mai Juni Juli August September Oktober November Dezember")
#: Weak endings, as behind the definite article: die dritte, der dritten, zum dritten.
WEAK = {
    M: _four("e en en en"),
    F: _four("e en en e"),
    N: _four("e en en e"),
    Gender.PLURAL: _four("en en en en"),
}


class German(Language):
    code = "de"
    cases = frozenset(FOUR)
    #: Behind am, zum, bis zum, vom: zwölften Dezember.
    date_case = Case.DATIVE
    minus = "minus"
    plus = "plus"
    cents_joiner = " und "
    groups_as_numbers = False
    noun_example = ("Tag", "Tage")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ"
    money_words = MONEY

    def category(self, n: int) -> int:
        return 0 if n == 1 else 1

    def cardinal(self, n: int, gender: Gender = M, case: Case = Case.NOMINATIVE) -> str:
        return str(num2words(n, lang="de"))

    def with_forms(self, n: int, gender: Gender, words: tuple[str, ...], case: Case) -> str:
        return f"{self._before_noun(n, gender, case)} {words[self.category(n)]}"

    def counted(self, n: int, word: Noun, case: Case = Case.NOMINATIVE) -> str:
        form = word.singular if n == 1 else word.plural
        return f"{self._before_noun(n, word.gender, case)} {form[case]}"

    def _before_noun(self, n: int, gender: Gender, case: Case) -> str:
        """Only one itself is declined; behind hundreds stands ein, and the plural: hundertein Kronen (Duden)."""
        if n == 1:
            return EIN[gender][case]
        words = self.cardinal(n)
        return words.removesuffix("s") if words.endswith("eins") else words

    def ordinal(self, n: int, gender: Gender = M, case: Case = Case.NOMINATIVE) -> str:
        """As behind the definite article."""
        stem = str(num2words(n, lang="de", to="ordinal")).removesuffix("e")
        return stem + WEAK[gender][case]

    def date(self, day: dt.date, case: Case, with_year: bool) -> str:
        """Without the article, which the message's text has: am zwölften Dezember, der zwölfte Dezember."""
        words = f"{self.ordinal(day.day, M, case)} {MONTHS[day.month - 1]}"
        return f"{words} {num2words(day.year, lang='de', to='year')}" if with_year else words

    def time(self, moment: dt.time, case: Case) -> str:
        words = f"{self._before_noun(moment.hour, M, Case.NOMINATIVE)} Uhr"
        return f"{words} {self.cardinal(moment.minute)}" if moment.minute else words

    def percent(self, whole: int, decimals: str, case: Case) -> str:
        if not decimals:
            return f"{self._before_noun(whole, N, case)} Prozent"
        digits = " ".join(self.cardinal(int(digit)) for digit in decimals)
        return f"{self.cardinal(whole)} Komma {digits} Prozent"
