"""Czech. Own tables: num2words 0.5.14 has "dvěstě", "pětset", "dva miliardy", "dva koruny", no negatives, no ordinals.

Grammar: Internetová jazyková příručka (ÚJČ AV ČR), "Základní číslovky" and "Řadové číslovky". Of the forms that it
allows the ones that fit CLDR's plural rule are taken: behind compounds in 1 to 4 the genitive plural, with jedna and
dva unchanged (dvacet jedna korun, dvacet dva korun).
"""

from __future__ import annotations

import datetime as dt

from tts.phrases.grammar import SIX, Case, Currency, Gender, Noun, forms, noun, row
from tts.phrases.slavic import FEW, MANY, ONE, Slavic, thousands

M, F, N = Gender.MASCULINE, Gender.FEMININE, Gender.NEUTER

ZERO = forms("nula nuly nule nulu nulou nule")
FIRST = {
    M: forms("jeden jednoho jednomu jeden jedním jednom"),
    F: forms("jedna jedné jedné jednu jednou jedné"),
    N: forms("jedno jednoho jednomu jedno jedním jednom"),
}
SECOND = {M: forms("dva dvou dvěma dva dvěma dvou"), F: forms("dvě dvou dvěma dvě dvěma dvou")}


def _oblique(direct: str, other: str) -> dict[Case, str]:
    return forms(f"{direct} {other} {other} {direct} {other} {other}")


UNITS = {
    1: forms("jedna"),
    2: SECOND[M],
    3: forms("tři tří třem tři třemi třech"),
    4: forms("čtyři čtyř čtyřem čtyři čtyřmi čtyřech"),
    9: _oblique("devět", "devíti"),
    10: _oblique("deset", "deseti"),
    **{n: _oblique(word, word + "i") for n, word in zip(range(5, 9), row("pět šest sedm osm"), strict=True)},
    **{
        n: _oblique(word, word + "i")
        for n, word in enumerate(
            row("jedenáct dvanáct třináct čtrnáct patnáct šestnáct sedmnáct osmnáct devatenáct"), start=11
        )
    },
}
TENS = {
    n: _oblique(word, word + "i")
    for n, word in enumerate(row("dvacet třicet čtyřicet padesát šedesát sedmdesát osmdesát devadesát"), start=2)
}
#: sto stays as it is in compounds (bez sto pěti korun); the others decline in both parts.
_STO = {
    "few": forms("sta set stům sta sty stech"),
    "many": forms("set set stům set sty stech"),
}
HUNDREDS = {
    1: forms("sto"),
    2: forms("dvě_stě dvou_set dvěma_stům dvě_stě dvěma_sty dvou_stech"),
    **{n: {case: f"{UNITS[n][case]} {_STO['few' if n < 5 else 'many'][case]}" for case in SIX} for n in range(3, 10)},
}
POWERS = {
    1: noun(M, "tisíc tisíce tisíci tisíc tisícem tisíci", "tisíce tisíc tisícům tisíce tisíci tisících"),
    2: noun(
        M,
        "milion milionu milionu milion milionem milionu",
        "miliony milionů milionům miliony miliony milionech",
    ),
    3: noun(
        F,
        "miliarda miliardy miliardě miliardu miliardou miliardě",
        "miliardy miliard miliardám miliardy miliardami miliardách",
    ),
}
ORDINALS = row(
    "nult první druh třetí čtvrt pát šest sedm osm devát desát jedenáct dvanáct třináct čtrnáct patnáct šestnáct "
    "sedmnáct osmnáct devatenáct"
)
ORDINAL_TENS = row("  dvacát třicát čtyřicát padesát šedesát sedmdesát osmdesát devadesát")
#: Head of dvoustý and dvoutisící, by the number of hundreds or thousands.
HEADS = row(" dvou tří čtyř pěti šesti sedmi osmi devíti")
HARD = {
    M: forms("ý ého ému ý ým ém"),
    F: forms("á é é ou ou é"),
    N: forms("é ého ému é ým ém"),
    Gender.PLURAL: forms("é ých ým é ými ých"),
}
SOFT = {
    M: forms("í ího ímu í ím ím"),
    F: forms("í"),
    N: forms("í ího ímu í ím ím"),
    Gender.PLURAL: forms("í ích ím í ími ích"),
}
KOPECK = noun(
    F, "kopejka kopejky kopejce kopejku kopejkou kopejce", "kopejky kopejek kopejkám kopejky kopejkami kopejkách"
)
CENT = noun(M, "cent centu centu cent centem centu", "centy centů centům centy centy centech")
MONEY = {
    Currency.RUB: (noun(M, "rubl rublu rublu rubl rublem rublu", "rubly rublů rublům rubly rubly rublech"), KOPECK),
    Currency.USD: (
        noun(M, "dolar dolaru dolaru dolar dolarem dolaru", "dolary dolarů dolarům dolary dolary dolarech"),
        CENT,
    ),
    Currency.EUR: (noun(N, "euro eura euru euro eurem euru", "eura eur eurům eura eury eurech"), CENT),
    Currency.KZT: (
        noun(N, "tenge"),
        noun(M, "tiyn tiynu tiynu tiyn tiynem tiynu", "tiyny tiynů tiynům tiyny tiyny tiynech"),
    ),
    Currency.UAH: (
        noun(F, "hřivna hřivny hřivně hřivnu hřivnou hřivně", "hřivny hřiven hřivnám hřivny hřivnami hřivnách"),
        KOPECK,
    ),
    Currency.CZK: (
        noun(F, "koruna koruny koruně korunu korunou koruně", "koruny korun korunám koruny korunami korunách"),
        noun(M, "haléř haléře haléři haléř haléřem haléři", "haléře haléřů haléřům haléře haléři haléřích"),
    ),
    Currency.GBP: (
        noun(F, "libra libry libře libru librou libře", "libry liber librám libry librami librách"),
        noun(F, "pence pence penci penci pencí penci", "pence pencí pencím pence pencemi pencích"),
    ),
}
MONTHS = [
    forms(line)
    for line in (
        "leden ledna lednu leden lednem lednu",
        "únor února únoru únor únorem únoru",
        "březen března březnu březen březnem březnu",
        "duben dubna dubnu duben dubnem dubnu",
        "květen května květnu květen květnem květnu",
        "červen června červnu červen červnem červnu",
        "červenec července červenci červenec červencem červenci",
        "srpen srpna srpnu srpen srpnem srpnu",
        "září září září září zářím září",
        "říjen října říjnu říjen říjnem říjnu",
        "listopad listopadu listopadu listopad listopadem listopadu",
        "prosinec prosince prosinci prosinec prosincem prosinci",
    )
]


class Czech(Slavic):
    code = "cs"
    minus = "mínus"
    plus = "plus"
    noun_example = ("den", "dny", "dní")
    letters = "AÁBCČDĎEÉĚFGHIÍJKLMNŇOÓPQRŘSŠTŤUÚŮVWXYÝZŽ"
    money_words = MONEY
    hour = noun(F, "hodina hodiny hodině hodinu hodinou hodině", "hodiny hodin hodinám hodiny hodinami hodinách")
    minute = noun(F, "minuta minuty minutě minutu minutou minutě", "minuty minut minutám minuty minutami minutách")
    percent_sign = noun(
        N,
        "procento procenta procentu procento procentem procentu",
        "procenta procent procentům procenta procenty procentech",
    )
    whole_part = noun(F, "celá celé celé celou celou celé", "celé celých celým celé celými celých")
    parts = (
        noun(
            F,
            "desetina desetiny desetině desetinu desetinou desetině",
            "desetiny desetin desetinám desetiny desetinami desetinách",
        ),
        noun(F, "setina setiny setině setinu setinou setině", "setiny setin setinám setiny setinami setinách"),
        noun(
            F,
            "tisícina tisíciny tisícině tisícinu tisícinou tisícině",
            "tisíciny tisícin tisícinám tisíciny tisícinami tisícinách",
        ),
    )

    def category(self, n: int) -> int:
        if n == 1:
            return ONE
        return FEW if n in (2, 3, 4) else MANY

    def cardinal(self, n: int, gender: Gender = M, case: Case = Case.NOMINATIVE) -> str:
        if n == 0:
            return ZERO[case]
        if n == 1:
            return FIRST[gender][case]
        if n == 2:
            return SECOND[M if gender is M else F][case]
        words = []
        for power, group in thousands(n):
            if not power:
                words.append(_below_thousand(group, case))
            elif group == 1:
                words.append(POWERS[power].singular[case])
            else:
                words.append(self.counted(group, POWERS[power], case))
        return " ".join(words)

    def few(self, word: Noun, case: Case) -> str:
        return word.plural[case]

    def counting(self, n: int) -> str:
        return "jedna" if n == 1 else self.cardinal(n)

    def ordinal(self, n: int, gender: Gender = M, case: Case = Case.NOMINATIVE) -> str:
        """Tens and units are ordinals both, what stands before them is not: dva tisíce dvacátý šestý."""
        rest = n % 100
        words = []
        if n >= 100 and rest:
            words.append(self.cardinal(n - rest))
        elif n >= 100:
            return self._round_ordinal(n, gender, case)
        if rest >= 20:
            words.append(_adjective(ORDINAL_TENS[rest // 10], gender, case))
            rest %= 10
        if rest or n == 0:
            words.append(_adjective(ORDINALS[rest], gender, case))
        return " ".join(words)

    def _round_ordinal(self, n: int, gender: Gender, case: Case) -> str:
        above, hundreds = divmod(n // 100, 10)
        if not hundreds:
            return _adjective(HEADS[above - 1] + "tisící", gender, case)
        word = _adjective(HEADS[hundreds - 1] + "st", gender, case)
        return f"{self.cardinal(above * 1000)} {word}" if above else word

    def date(self, day: dt.date, case: Case, with_year: bool) -> str:
        words = f"{self.ordinal(day.day, M, case)} {MONTHS[day.month - 1][case]}"
        return f"{words} {self._year(day.year)}" if with_year else words

    def _year(self, year: int) -> str:
        """devatenáct set devadesát devět; from 2000 on, and for round thousands, like any number."""
        hundreds, rest = divmod(year, 100)
        if not 11 <= hundreds <= 19:
            return self.cardinal(year)
        century = f"{self.cardinal(hundreds)} set"
        return f"{century} {_below_thousand(rest, Case.NOMINATIVE)}" if rest else century


def _adjective(stem: str, gender: Gender, case: Case) -> str:
    if stem.endswith("í"):
        return stem[:-1] + SOFT[gender][case]
    return stem + HARD[gender][case]


def _below_thousand(n: int, case: Case) -> str:
    hundreds, rest = divmod(n, 100)
    words = [HUNDREDS[hundreds][case]] if hundreds else []
    if rest >= 20:
        words.append(TENS[rest // 10][case])
        rest %= 10
    if rest:
        words.append(UNITS[rest][case])
    return " ".join(words)
