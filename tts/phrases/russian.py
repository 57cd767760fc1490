"""Russian. Numerals come from num2words; where it is wrong they are put together here from its right pieces.

Grammar: D. E. Rosental, Spravochnik po pravopisaniyu i literaturnoi pravke, chapter on the forms of numerals
(одной тысячей рублей: thousand behind a numeral governs the genitive); Russkaya grammatika, AN SSSR 1980, §§ 1366-1383.
"""

from __future__ import annotations

import datetime as dt

from num2words import num2words

from tts.phrases.grammar import Case, Currency, Gender, Noun, noun, row
from tts.phrases.slavic import Slavic

M, F, N = Gender.MASCULINE, Gender.FEMININE, Gender.NEUTER

KOPECK = noun(
    F, "копейка копейки копейке копейку копейкой копейке", "копейки копеек копейкам копейки копейками копейках"
)
CENT = noun(M, "цент цента центу цент центом центе", "центы центов центам центы центами центах")
MONEY = {
    Currency.RUB: (
        noun(M, "рубль рубля рублю рубль рублём рубле", "рубли рублей рублям рубли рублями рублях"),
        KOPECK,
    ),
    Currency.USD: (
        noun(
            M,
            "доллар доллара доллару доллар долларом долларе",
            "доллары долларов долларам доллары долларами долларах",
        ),
        CENT,
    ),
    Currency.EUR: (noun(M, "евро"), CENT),
    Currency.KZT: (
        noun(M, "тенге"),
        noun(M, "тиын тиына тиыну тиын тиыном тиыне", "тиыны тиынов тиынам тиыны тиынами тиынах"),
    ),
    Currency.UAH: (
        noun(F, "гривна гривны гривне гривну гривной гривне", "гривны гривен гривнам гривны гривнами гривнах"),
        KOPECK,
    ),
    Currency.CZK: (
        noun(F, "крона кроны кроне крону кроной кроне", "кроны крон кронам кроны кронами кронах"),
        noun(
            M, "геллер геллера геллеру геллер геллером геллере", "геллеры геллеров геллерам геллеры геллерами геллерах"
        ),
    ),
    Currency.GBP: (
        noun(
            M,
            "фунт_стерлингов фунта_стерлингов фунту_стерлингов фунт_стерлингов фунтом_стерлингов фунте_стерлингов",
            "фунты_стерлингов фунтов_стерлингов фунтам_стерлингов фунты_стерлингов фунтами_стерлингов "
            "фунтах_стерлингов",
        ),
        noun(M, "пенс пенса пенсу пенс пенсом пенсе", "пенсы пенсов пенсам пенсы пенсами пенсах"),
    ),
}
MONTHS = row("января февраля марта апреля мая июня июля августа сентября октября ноября декабря")


def _part(stem: str) -> Noun:
    return noun(
        F,
        f"{stem}ая {stem}ой {stem}ой {stem}ую {stem}ой {stem}ой",
        f"{stem}ые {stem}ых {stem}ым {stem}ые {stem}ыми {stem}ых",
        adjective=True,
    )


class Russian(Slavic):
    code = "ru"
    minus = "минус"
    noun_example = ("день", "дня", "дней")
    letters = "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"
    money_words = MONEY
    hour = noun(M, "час часа часу час часом часе", "часы часов часам часы часами часах")
    minute = noun(F, "минута минуты минуте минуту минутой минуте", "минуты минут минутам минуты минутами минутах")
    percent_sign = noun(
        M,
        "процент процента проценту процент процентом проценте",
        "проценты процентов процентам проценты процентами процентах",
    )
    whole_part = _part("цел")
    parts = (_part("десят"), _part("сот"), _part("тысячн"))

    def cardinal(self, n: int, gender: Gender = M, case: Case = Case.NOMINATIVE) -> str:
        # num2words 0.5.14 lets the counted word's gender into the millions: "одна миллион копеек".
        high, low = n - n % 1_000_000, n % 1_000_000
        parts = [_cardinal(high, M, case)] if high else []
        if low or not high:
            parts.append(_cardinal(low, gender, case))
        return " ".join(parts)

    def few(self, word: Noun, case: Case) -> str:
        return word.plural[Case.GENITIVE] if word.adjective else word.singular[Case.GENITIVE]

    def ordinal(self, n: int, gender: Gender = M, case: Case = Case.NOMINATIVE) -> str:
        # Only the last word is an ordinal; num2words says "двухсотый тысяч третий" for 200 003, so the head is a
        # cardinal of our own, and 1 000 at the head is "тысяча" alone: тысяча девятьсот девяносто девятый.
        head, tail = n - n % 1000, n % 1000
        words = num2words(tail or n, lang="ru", to="ordinal", **_choices(gender, case))
        if head and tail:
            return f"{'тысяча' if head == 1000 else self.cardinal(head)} {words}"
        return str(words)

    def date(self, day: dt.date, case: Case, with_year: bool) -> str:
        words = f"{self.ordinal(day.day, N, case)} {MONTHS[day.month - 1]}"
        return f"{words} {self.ordinal(day.year, M, Case.GENITIVE)} года" if with_year else words


def _choices(gender: Gender, case: Case) -> dict[str, object]:
    return {"gender": gender[0], "plural": gender is Gender.PLURAL, "case": case[0], "animate": False}


def _cardinal(n: int, gender: Gender, case: Case) -> str:
    return str(num2words(n, lang="ru", **_choices(gender, case)))
