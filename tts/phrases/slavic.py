"""What Russian, Ukrainian and Czech have in common: which form of the counted word stands with which number.

In the nominative and accusative 1 takes the singular, 2 to 4 the few form, all else the genitive plural (два рубля,
пять рублей); in the other cases the word agrees with the numeral (двумя рублями). Zero, and numbers that end in the
nouns thousand, million, milliard, govern the genitive plural in every case (к двум тысячам рублей).
"""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod

from tts.phrases.grammar import Case, Gender, Language, Noun

ONE, FEW, MANY = range(3)
DIRECT = (Case.NOMINATIVE, Case.ACCUSATIVE)


class Slavic(Language):
    cases = frozenset({*Case} - {Case.ABLATIVE})
    date_case = Case.GENITIVE
    hour: Noun
    minute: Noun
    percent_sign: Noun
    whole_part: Noun  # целая
    parts: tuple[Noun, Noun, Noun]  # десятая, сотая, тысячная

    def category(self, n: int) -> int:
        if n % 10 == 1 and n % 100 != 11:
            return ONE
        if n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14):
            return FEW
        return MANY

    @abstractmethod
    def few(self, word: Noun, case: Case) -> str:
        """The form with 2, 3 and 4 in the nominative and accusative."""

    def form(self, n: int, word: Noun, case: Case) -> str:
        """The form of the word alone."""
        category = self.category(n)
        if category == ONE:
            return word.singular[case]
        if n % 1000 == 0:
            return word.plural[Case.GENITIVE]
        if case not in DIRECT:
            return word.plural[case]
        return self.few(word, case) if category == FEW else word.plural[Case.GENITIVE]

    def counted(self, n: int, word: Noun, case: Case = Case.NOMINATIVE) -> str:
        return f"{self.cardinal(n, word.gender, case)} {self.form(n, word, case)}"

    def with_forms(self, n: int, gender: Gender, words: tuple[str, ...], case: Case) -> str:
        """The three forms are those of the case asked for; behind whole thousands stands the last one."""
        index = MANY if n % 1000 == 0 else self.category(n)
        return f"{self.cardinal(n, gender, case)} {words[index]}"

    def time(self, moment: dt.time, case: Case) -> str:
        hour = self.counted(moment.hour, self.hour, case)
        return f"{hour} {self.counted(moment.minute, self.minute, case)}" if moment.minute else hour

    def percent(self, whole: int, decimals: str, case: Case) -> str:
        if not decimals:
            return self.counted(whole, self.percent_sign, case)
        part = self.parts[len(decimals) - 1]
        return " ".join(
            (
                self.counted(whole, self.whole_part, case),
                self.counted(int(decimals), part, case),
                self.percent_sign.singular[Case.GENITIVE],
            )
        )


def thousands(n: int) -> list[tuple[int, int]]:
    """The number as (power of 1,000, 1 to 999), the greatest first, without empty ones: 2,000,005 -> (2, 2), (0, 5)."""
    groups = []
    power = 0
    while n:
        n, group = divmod(n, 1000)
        if group:
            groups.append((power, group))
        power += 1
    return groups[::-1]
