"""Words back into numbers: a small reader for each language that shares nothing with the program.

It knows stems, so it reads all cases alike, and it knows which nouns are the small units of money.
"""

from __future__ import annotations

import re
from decimal import Decimal

#: Language -> stems; a word belongs to the longest stem that begins it, ``=`` marks a whole word.
STEMS = {
    "ru": """
        0 нол; 1 один одн; 2 два= две= двух= двум= двумя=; 3 три= трёх= трём= тремя=; 4 четыре= четырёх= четырём=
        4 четырьмя=; 5 пять= пяти= пятью=; 6 шесть= шести= шестью=; 7 семь= семи= семью=; 8 восемь= восьми= восемью=
        8 восьмью=
        9 девять= девяти= девятью=; 10 десят; 11 одиннадцат; 12 двенадцат; 13 тринадцат; 14 четырнадцат; 15 пятнадцат
        16 шестнадцат; 17 семнадцат; 18 восемнадцат; 19 девятнадцат; 20 двадцат; 30 тридцат; 40 сорок
        50 пятьдесят пятидесят пятьюдесят; 60 шестьдесят шестидесят шестьюдесят; 70 семьдесят семидесят семьюдесят
        80 восемьдесят восьмидесят восемьюдесят; 90 девяност; 100 сто= ста=; 200 двести двухсот двумст двумяст двухст
        300 триста трёхсот трёмст тремяст трёхст; 400 четырест четырёхсот четырёмст четырьмяст четырёхст
        500 пятьсот пятисот пятист пятьюст; 600 шестьсот шестисот шестист шестьюст; 700 семьсот семисот семист семьюст
        800 восемьсот восьмисот восьмист восемьюст; 900 девятьсот девятисот девятист девятьюст
        1000 тысяч; 1000000 миллион; 1000000000 миллиард""",
    "uk": """
        0 нул; 1 один одн; 2 два= дві= двох= двом= двома=; 3 три= трьох= трьом= трьома=
        4 чотири= чотирьох= чотирьом= чотирма=; 5 п'ять= п'яти= п'ятьма=; 6 шість= шести= шістьма=; 7 сім= семи= сьома=
        8 вісім= восьми= вісьма=; 9 дев'ять= дев'яти= дев'ятьма=; 10 десят; 11 одинадцят; 12 дванадцят; 13 тринадцят
        14 чотирнадцят; 15 п'ятнадцят; 16 шістнадцят; 17 сімнадцят; 18 вісімнадцят; 19 дев'ятнадцят; 20 двадцят
        30 тридцят; 40 сорок; 50 п'ятдесят; 60 шістдесят; 70 сімдесят; 80 вісімдесят; 90 дев'яност; 100 сто= ста=
        200 двісті двохсот двомст двомаст двохст; 300 триста трьохсот трьомст трьомаст трьохст
        400 чотирист чотирьохсот чотирьомст чотирмаст чотирьохст; 500 п'ятсот п'ятисот п'ятист п'ятьмаст
        600 шістсот шестисот шестист шістьмаст; 700 сімсот семисот семист сьомаст; 800 вісімсот восьмисот восьмист
        800 вісьмаст
        900 дев'ятсот дев'ятисот дев'ятист дев'ятьмаст; 1000 тисяч; 1000000 мільйон; 1000000000 мільярд""",
    "cs": """
        0 nul; 1 jeden= jedna= jedno= jedn; 2 dva= dvě= dvou= dvěma=; 3 tři= tří= třem= třemi= třech=
        4 čtyři= čtyř= čtyřem= čtyřmi= čtyřech=; 5 pět; 6 šest= šesti=; 7 sedm= sedmi=; 8 osm= osmi=; 9 devět devít
        10 deset; 11 jedenáct; 12 dvanáct; 13 třináct; 14 čtrnáct; 15 patnáct; 16 šestnáct; 17 sedmnáct; 18 osmnáct
        19 devatenáct; 20 dvacet; 30 třicet; 40 čtyřicet; 50 padesát; 60 šedesát; 70 sedmdesát; 80 osmdesát
        90 devadesát; 100 sto= sta= stě= set= stům= sty= stech=; 1000 tisíc; 1000000 milion; 1000000000 miliard""",
    "en": """
        0 zero=; 1 one=; 2 two=; 3 three=; 4 four=; 5 five=; 6 six=; 7 seven=; 8 eight=; 9 nine=; 10 ten=; 11 eleven=
        12 twelve=; 13 thirteen=; 14 fourteen=; 15 fifteen=; 16 sixteen=; 17 seventeen=; 18 eighteen=; 19 nineteen=
        20 twenty=; 30 thirty=; 40 forty=; 50 fifty=; 60 sixty=; 70 seventy=; 80 eighty=; 90 ninety=; 100 hundred=
        1000 thousand=; 1000000 million=; 1000000000 billion=""",
    "kk": """
        0 нөл=; 1 бір=; 2 екі=; 3 үш=; 4 төрт=; 5 бес=; 6 алты=; 7 жеті=; 8 сегіз=; 9 тоғыз=; 10 он=; 20 жиырма=
        30 отыз=; 40 қырық=; 50 елу=; 60 алпыс=; 70 жетпіс=; 80 сексен=; 90 тоқсан=; 100 жүз=; 1000 мың=
        1000000 миллион=; 1000000000 миллиард=""",
    "de": """
        0 null=; 1 ein= eins= eine= einen= einem= einer= eines=; 2 zwei=; 3 drei=; 4 vier=; 5 fünf=; 6 sechs=; 7 sieben=
        8 acht=; 9 neun=; 10 zehn=; 11 elf=; 12 zwölf=; 13 dreizehn=; 14 vierzehn=; 15 fünfzehn=; 16 sechzehn=
        17 siebzehn=; 18 achtzehn=; 19 neunzehn=; 20 zwanzig=; 30 dreißig=; 40 vierzig=; 50 fünfzig=; 60 sechzig=
        70 siebzig=; 80 achtzig=; 90 neunzig=; 100 hundert=; 1000 tausend=; 1000000 million= millionen=
        1000000000 milliarde= milliarden=""",
}
SMALL_UNITS = ("копе", "копій", "цент", "тиын", "тиїн", "геллер", "гелер", "пенс")
SMALL_UNITS += ("kopeck", "kopiyka", "kopej", "kopeke", "cent", "tiyn", "hal", "heller", "pen")
MINUS = {"минус", "мінус", "mínus", "minus"}
#: Hundreds and thousands multiply what stands before them; elsewhere two hundred is a word of its own.
_GERMAN = sorted(re.findall(r"([a-zäöüß]+)=", STEMS["de"]), key=len, reverse=True)


def _stems(language: str) -> list[tuple[str, int]]:
    found = []
    for value, words in re.findall(r"([0-9]+)((?: [^\s;0-9]+)+)", STEMS[language]):
        found += [(word, int(value)) for word in words.split()]
    return sorted(found, key=lambda stem: -len(stem[0]))


_STEMS = {language: _stems(language) for language in STEMS}


def value_of(word: str, language: str) -> int | None:
    """What a word alone means as a number; None: it is no numeral."""
    for stem, value in _STEMS[language]:
        if word == stem[:-1] if stem.endswith("=") else word.startswith(stem):
            return value
    return None


def words_of(text: str, language: str) -> list[str]:
    """The words; German compounds and English hyphens taken apart."""
    words = text.lower().replace("-", " ").split()
    return [piece for word in words for piece in (_german(word) if language == "de" else [word])]


def _german(word: str) -> list[str]:
    if re.fullmatch(f"(?:und|{'|'.join(_GERMAN)})+", word):
        return [piece for piece in re.findall(f"und|{'|'.join(_GERMAN)}", word) if piece != "und"]
    return [word]


def number(values: list[int]) -> int:
    """The meaning of numerals in a row."""
    total = group = 0
    for value in values:
        if value >= 1000:
            total += (group or 1) * value
            group = 0
        elif value == 100 and 0 < group < 10:
            group *= 100
        else:
            group += value
    return total + group


def money(text: str, language: str) -> Decimal:
    """An amount from its words."""
    words = words_of(text, language)
    negative = words[0] in MINUS
    main, small = 0, 0
    values: list[int] = []
    for word in words[1:] if negative else words:
        value = value_of(word, language)
        if value is not None:
            values.append(value)
        elif values:
            if word.startswith(SMALL_UNITS):
                small = number(values)
            else:
                main = number(values)
            values = []
        else:
            assert word in {"und", "стерлингов", "стерлінгів"} or word.startswith("стерлинг"), word
    assert not values, text
    amount = Decimal(main) + Decimal(small) / 100
    return -amount if negative else amount


def digits(text: str, language: str) -> str:
    """Digits from groups between commas: each group is zeros and at most one number, or single digits."""
    found = ""
    for group in text.split(","):
        values = [value for word in words_of(group, language) if (value := value_of(word, language)) is not None]
        spelled = all(value < 10 for value in values)
        if spelled:
            found += "".join(str(value) for value in values)
            continue
        zeros = 0
        while values[zeros] == 0:
            zeros += 1
        found += "0" * zeros + str(number(values[zeros:]))
    return found
