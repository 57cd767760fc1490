"""Kazakh. Numerals come from num2words; ordinals, dates, fractions and case endings are made here.

Grammar: Balakaev, Baskakov, Kenesbaev, Sovremennyi kazakhskii yazyk (1962), numerals and declension; T. Valyaeva,
Kazakhskii yazyk: grammatika, kaz-tili.kz (numerals, calendar, hours); decimals: алты бүтін оннан бір.
"""

from __future__ import annotations

import datetime as dt

from num2words import num2words

from tts.phrases.grammar import Case, Currency, Gender, Language, Noun, row

X = Gender.NEUTER
FRONT, BACK = "әеіөүэ", "аоұыяё"
VOWELS = FRONT + BACK + "уию"
NASALS = "мнң"
SONORANTS = "лрйу"
BUZZING = "зж"
#: Ending by case: behind vowels, nasals, other sonorants, з ж, and voiceless (б в г д count as such), back row; the
#: front row has е for а, і for ы, г for ғ, к for қ.
ENDINGS = {
    Case.GENITIVE: ("ның", "ның", "дың", "дың", "тың"),
    Case.DATIVE: ("ға", "ға", "ға", "ға", "қа"),
    Case.ACCUSATIVE: ("ны", "ды", "ды", "ды", "ты"),
    Case.PREPOSITIONAL: ("да", "да", "да", "да", "та"),
    Case.ABLATIVE: ("дан", "нан", "дан", "дан", "тан"),
}
#: -мен has no back row.
WITH = ("мен", "мен", "мен", "бен", "пен")
FRONT_ROW = str.maketrans("аығқ", "еігк")
ORDINALS = {
    word: ending
    for ending, words in {
        "ыншы": "тоғыз он отыз алпыс тоқсан мың миллион миллиард",
        "інші": "бір үш төрт бес сегіз жетпіс сексен жүз нөл елу",
        "ншы": "алты",
        "нші": "екі жеті",
        "сыншы": "жиырма",
    }.items()
    for word in words.split()
}
DENOMINATORS = ("оннан", "жүзден", "мыңнан")
MONTHS = row("қаңтар ақпан наурыз сәуір мамыр маусым шілде тамыз қыркүйек қазан қараша желтоқсан")


def _noun(word: str) -> Noun:
    """Behind numbers nouns have no plural."""
    by_case = {case: with_case(word, case) for case in Case}
    return Noun(X, by_case, by_case)


def with_case(words: str, case: Case) -> str:
    """The words with the ending of the case at the last of them."""
    if case is Case.NOMINATIVE:
        return words
    kind = _kind(words[-1])
    if case is Case.INSTRUMENTAL:
        return words + WITH[kind]
    ending = ENDINGS[case][kind]
    return words + (ending.translate(FRONT_ROW) if _front(words) else ending)


def _kind(last: str) -> int:
    if last in VOWELS and last != "у":
        return 0
    for kind, letters in enumerate((NASALS, SONORANTS + "ь", BUZZING), start=1):
        if last in letters:
            return kind
    return 4


def _front(words: str) -> bool:
    """By the last vowel that belongs to one of the rows; ль makes it front: рубльге."""
    if words.endswith("ь"):
        return True
    for letter in reversed(words.rsplit(" ", 1)[-1]):
        if letter in FRONT:
            return True
        if letter in BACK:
            return False
    return False


MONEY = {
    Currency.RUB: (_noun("рубль"), _noun("копейка")),
    Currency.USD: (_noun("доллар"), _noun("цент")),
    Currency.EUR: (_noun("еуро"), _noun("цент")),
    Currency.KZT: (_noun("теңге"), _noun("тиын")),
    Currency.UAH: (_noun("гривна"), _noun("копейка")),
    Currency.CZK: (_noun("крона"), _noun("геллер")),
    Currency.GBP: (_noun("фунт стерлинг"), _noun("пенс")),
}
PERCENT = _noun("пайыз")
MINUTE = _noun("минут")


class Kazakh(Language):
    code = "kk"
    cases = frozenset(Case)
    date_case = Case.NOMINATIVE
    minus = "минус"
    noun_example = ("күн",)
    letters = "АӘБВГҒДЕЁЖЗИЙКҚЛМНҢОӨПРСТУҰҮФХҺЦЧШЩЪЫІЬЭЮЯ"
    money_words = MONEY

    def category(self, n: int) -> int:
        return 0

    def cardinal(self, n: int, gender: Gender = X, case: Case = Case.NOMINATIVE) -> str:
        return with_case(str(num2words(n, lang="kz")), case)

    def counted(self, n: int, word: Noun, case: Case = Case.NOMINATIVE) -> str:
        return f"{self.cardinal(n)} {word.singular[case]}"

    def with_forms(self, n: int, gender: Gender, words: tuple[str, ...], case: Case) -> str:
        """The word is given without ending; the last word carries the case."""
        return f"{self.cardinal(n)} {with_case(words[0], case)}"

    def ordinal(self, n: int, gender: Gender = X, case: Case = Case.NOMINATIVE) -> str:
        head, _, last = self.cardinal(n).rpartition(" ")
        word = "қырқыншы" if last == "қырық" else last + ORDINALS[last]
        return with_case(f"{head} {word}".lstrip(), case)

    def date(self, day: dt.date, case: Case, with_year: bool) -> str:
        """екі мың жиырма алтыншы жылғы он екінші желтоқсан; the month carries the case."""
        words = f"{self.ordinal(day.day)} {with_case(MONTHS[day.month - 1], case)}"
        return f"{self.ordinal(day.year)} жылғы {words}" if with_year else words

    def time(self, moment: dt.time, case: Case) -> str:
        """сағат он төрт отыз минут; the last word carries the case: сағат он төртте."""
        if not moment.minute:
            return f"сағат {self.cardinal(moment.hour, X, case)}"
        return f"сағат {self.cardinal(moment.hour)} {self.counted(moment.minute, MINUTE, case)}"

    def percent(self, whole: int, decimals: str, case: Case) -> str:
        """он екі бүтін оннан бес пайыз: twelve whole, of ten five."""
        words = self.cardinal(whole)
        if decimals:
            words += f" бүтін {DENOMINATORS[len(decimals) - 1]} {self.cardinal(int(decimals))}"
        return f"{words} {PERCENT.singular[case]}"
