"""Ukrainian. Own tables: num2words 0.5.14 has "двохста" for двохсот, "двох тисячи" and no declined zero.

Grammar: Ukrainskyi pravopys 2019, chapter Chyslivnyk (declension of cardinals and ordinals).
"""

from __future__ import annotations

import datetime as dt

from tts.phrases.grammar import SIX, Case, Currency, Gender, Noun, forms, noun, row
from tts.phrases.slavic import DIRECT, Slavic, thousands

M, F, N = Gender.MASCULINE, Gender.FEMININE, Gender.NEUTER

ZERO = forms("нуль нуля нулю нуль нулем нулі")
ONE = {
    M: forms("один одного одному один одним одному"),
    F: forms("одна однієї одній одну однією одній"),
    N: forms("одне одного одному одне одним одному"),
}
TWO = {M: forms("два двох двом два двома двох"), F: forms("дві двох двом дві двома двох")}
UNITS = {
    3: forms("три трьох трьом три трьома трьох"),
    4: forms("чотири чотирьох чотирьом чотири чотирма чотирьох"),
    5: forms("п'ять п'яти п'яти п'ять п'ятьма п'яти"),
    6: forms("шість шести шести шість шістьма шести"),
    7: forms("сім семи семи сім сьома семи"),
    8: forms("вісім восьми восьми вісім вісьма восьми"),
    9: forms("дев'ять дев'яти дев'яти дев'ять дев'ятьма дев'яти"),
}


def _teen(stem: str) -> dict[Case, str]:
    return forms(f"{stem}ь {stem}и {stem}и {stem}ь {stem}ьма {stem}и")


TEENS = [
    _teen(stem)
    for stem in row(
        "десят одинадцят дванадцят тринадцят чотирнадцят п'ятнадцят шістнадцят сімнадцят вісімнадцят дев'ятнадцят"
    )
]


def _ten(stem: str) -> dict[Case, str]:
    return forms(f"{stem} {stem}и {stem}и {stem} {stem}ьма {stem}и")


TENS = {
    2: _teen("двадцят"),
    3: _teen("тридцят"),
    4: forms("сорок сорока сорока сорок сорока сорока"),
    5: _ten("п'ятдесят"),
    6: _ten("шістдесят"),
    7: _ten("сімдесят"),
    8: _ten("вісімдесят"),
    9: forms("дев'яносто дев'яноста дев'яноста дев'яносто дев'яноста дев'яноста"),
}
HUNDREDS = {
    1: forms("сто ста ста сто ста ста"),
    2: forms("двісті двохсот двомстам двісті двомастами двохстах"),
    3: forms("триста трьохсот трьомстам триста трьомастами трьохстах"),
    4: forms("чотириста чотирьохсот чотирьомстам чотириста чотирмастами чотирьохстах"),
    5: forms("п'ятсот п'ятисот п'ятистам п'ятсот п'ятьмастами п'ятистах"),
    6: forms("шістсот шестисот шестистам шістсот шістьмастами шестистах"),
    7: forms("сімсот семисот семистам сімсот сьомастами семистах"),
    8: forms("вісімсот восьмисот восьмистам вісімсот вісьмастами восьмистах"),
    9: forms("дев'ятсот дев'ятисот дев'ятистам дев'ятсот дев'ятьмастами дев'ятистах"),
}
POWERS = {
    1: noun(F, "тисяча тисячі тисячі тисячу тисячею тисячі", "тисячі тисяч тисячам тисячі тисячами тисячах"),
    2: noun(
        M,
        "мільйон мільйона мільйону мільйон мільйоном мільйоні",
        "мільйони мільйонів мільйонам мільйони мільйонами мільйонах",
    ),
    3: noun(
        M,
        "мільярд мільярда мільярду мільярд мільярдом мільярді",
        "мільярди мільярдів мільярдам мільярди мільярдами мільярдах",
    ),
}
ORDINAL_STEMS = row(
    "нульов перш друг  четверт п'ят шост сьом восьм дев'ят десят одинадцят дванадцят тринадцят чотирнадцят "
    "п'ятнадцят шістнадцят сімнадцят вісімнадцят дев'ятнадцят"
)
ORDINAL_TENS = row("  двадцят тридцят сороков п'ятдесят шістдесят сімдесят вісімдесят дев'яност")
#: Head of двохсотий and двохтисячний, by the number of hundreds or thousands.
HEADS = row(" двох трьох чотирьох п'яти шести семи восьми дев'яти")
HARD = {
    M: forms("ий ого ому ий им ому"),
    F: forms("а ої ій у ою ій"),
    N: forms("е ого ому е им ому"),
    Gender.PLURAL: forms("і их им і ими их"),
}
THIRD = {
    M: forms("третій третього третьому третій третім третьому"),
    F: forms("третя третьої третій третю третьою третій"),
    N: forms("третє третього третьому третє третім третьому"),
    Gender.PLURAL: forms("треті третіх третім треті третіми третіх"),
}
KOPECK = noun(
    F, "копійка копійки копійці копійку копійкою копійці", "копійки копійок копійкам копійки копійками копійках"
)
CENT = noun(M, "цент цента центу цент центом центі", "центи центів центам центи центами центах")
MONEY = {
    Currency.RUB: (
        noun(M, "рубль рубля рублю рубль рублем рублі", "рублі рублів рублям рублі рублями рублях"),
        KOPECK,
    ),
    Currency.USD: (
        noun(M, "долар долара долару долар доларом доларі", "долари доларів доларам долари доларами доларах"),
        CENT,
    ),
    Currency.EUR: (noun(M, "євро"), CENT),
    Currency.KZT: (
        noun(M, "тенге"),
        noun(M, "тиїн тиїна тиїну тиїн тиїном тиїні", "тиїни тиїнів тиїнам тиїни тиїнами тиїнах"),
    ),
    Currency.UAH: (
        noun(F, "гривня гривні гривні гривню гривнею гривні", "гривні гривень гривням гривні гривнями гривнях"),
        KOPECK,
    ),
    Currency.CZK: (
        noun(F, "крона крони кроні крону кроною кроні", "крони крон кронам крони кронами кронах"),
        noun(M, "гелер гелера гелеру гелер гелером гелері", "гелери гелерів гелерам гелери гелерами гелерах"),
    ),
    Currency.GBP: (
        noun(
            M,
            "фунт_стерлінгів фунта_стерлінгів фунту_стерлінгів фунт_стерлінгів фунтом_стерлінгів фунті_стерлінгів",
            "фунти_стерлінгів фунтів_стерлінгів фунтам_стерлінгів фунти_стерлінгів фунтами_стерлінгів "
            "фунтах_стерлінгів",
        ),
        noun(M, "пенс пенса пенсу пенс пенсом пенсі", "пенси пенсів пенсам пенси пенсами пенсах"),
    ),
}
MONTHS = row("січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня")


def _part(stem: str) -> Noun:
    singular, plural = (" ".join(stem + HARD[gender][case] for case in SIX) for gender in (F, Gender.PLURAL))
    return noun(F, singular, plural, adjective=True)


class Ukrainian(Slavic):
    code = "uk"
    minus = "мінус"
    plus = "плюс"
    noun_example = ("день", "дні", "днів")
    letters = "АБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЬЮЯ"
    money_words = MONEY
    hour = noun(F, "година години годині годину годиною годині", "години годин годинам години годинами годинах")
    minute = noun(
        F, "хвилина хвилини хвилині хвилину хвилиною хвилині", "хвилини хвилин хвилинам хвилини хвилинами хвилинах"
    )
    percent_sign = noun(
        M,
        "відсоток відсотка відсотку відсоток відсотком відсотку",
        "відсотки відсотків відсоткам відсотки відсотками відсотках",
    )
    whole_part = _part("ціл")
    parts = (_part("десят"), _part("сот"), _part("тисячн"))

    def cardinal(self, n: int, gender: Gender = M, case: Case = Case.NOMINATIVE) -> str:
        if n == 0:
            return ZERO[case]
        words = []
        for power, group in thousands(n):
            if power:
                words.append(self.counted(group, POWERS[power], case))
            else:
                words.append(_below_thousand(group, gender, case))
        return " ".join(words)

    def few(self, word: Noun, case: Case) -> str:
        return word.plural[Case.GENITIVE if word.adjective else case]

    def ordinal(self, n: int, gender: Gender = M, case: Case = Case.NOMINATIVE) -> str:
        """Only the last word is declined: дві тисячі двадцять шостого."""
        n, last = _last_ordinal(n)
        end = THIRD[gender][case] if last == "трет" else last + HARD[gender][case]
        if not n:
            return end
        head = self.cardinal(n)
        return f"{head.removeprefix('одна ') if n < 2000 else head} {end}"

    def date(self, day: dt.date, case: Case, with_year: bool) -> str:
        words = f"{self.ordinal(day.day, N, case)} {MONTHS[day.month - 1]}"
        return f"{words} {self.ordinal(day.year, M, Case.GENITIVE)} року" if with_year else words

    def time(self, moment: dt.time, case: Case) -> str:
        """The hour is an ordinal: о чотирнадцятій годині тридцять хвилин."""
        if moment.hour == 0:
            hour = self.counted(0, self.hour, case)
        else:
            hour = f"{self.ordinal(moment.hour, F, case)} {self.hour.singular[case]}"
        if not moment.minute:
            return hour
        minutes = case if case in DIRECT or case is Case.GENITIVE else Case.NOMINATIVE
        return f"{hour} {self.counted(moment.minute, self.minute, minutes)}"


def _below_thousand(n: int, gender: Gender, case: Case) -> str:
    hundreds, rest = divmod(n, 100)
    words = [HUNDREDS[hundreds][case]] if hundreds else []
    if 10 <= rest < 20:
        words.append(TEENS[rest - 10][case])
        return " ".join(words)
    tens, unit = divmod(rest, 10)
    if tens:
        words.append(TENS[tens][case])
    if unit == 1:
        words.append(ONE[gender][case])
    elif unit == 2:
        words.append(TWO[F if gender is F else M][case])
    elif unit:
        words.append(UNITS[unit][case])
    return " ".join(words)


def _last_ordinal(n: int) -> tuple[int, str]:
    """The part that stays a cardinal, and the stem of the last word."""
    rest = n % 100
    if 0 < rest < 20 or n == 0:
        return n - rest, "трет" if rest == 3 else ORDINAL_STEMS[rest]
    if rest:
        tens, unit = divmod(rest, 10)
        if not unit:
            return n - rest, ORDINAL_TENS[tens]
        return n - unit, "трет" if unit == 3 else ORDINAL_STEMS[unit]
    hundreds = n // 100 % 10
    if hundreds:
        return n - 100 * hundreds, HEADS[hundreds - 1].strip() + "сот"
    return n % 1000, HEADS[n // 1000 - 1].strip() + "тисячн"
