"""Every line of tests/data/phrases/<language>.tsv: written by hand from the grammars named at the top of each file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tts import phrases
from tts.phrases import Case, Gender, Grouping

TABLES = Path(__file__).parents[3] / "data" / "phrases"


def lines(language: str) -> Iterator[tuple[str, str, str, str]]:
    for line in (TABLES / f"{language}.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            kind, value, how, words = line.split("\t")
            yield kind, value, how, words


def case_of(how: list[str]) -> Case | None:
    found = [Case(word) for word in how if word in set(Case)]
    return found[0] if found else None


def say(language: str, kind: str, value: str, how: str) -> str:
    """What the product says for a line of a table."""
    options = how.split()
    case = case_of(options) or Case.NOMINATIVE
    if kind == "money":
        return phrases.money(Decimal(value), options[0], language, case, zero_cents="zero_cents" in options)
    if kind == "whole":
        return phrases.whole(int(value), language, Gender(options[0]), options[1].split("/"), case)
    if kind == "ordinal":
        return phrases.ordinal(int(value), language, Gender(options[0]), case)
    if kind == "date":
        return phrases.date(dt.date.fromisoformat(value), language, case_of(options), "year" in options)
    if kind == "time":
        return phrases.time(dt.time.fromisoformat(value), language, case)
    if kind == "percent":
        return phrases.percent(Decimal(value), language, case)
    if kind == "digits":
        return phrases.digits(value, language, Grouping(how))
    assert kind == "phone"
    return phrases.phone(value, language)


@pytest.mark.parametrize(
    ("language", "kind", "value", "how", "words"),
    [(language, *line) for language in phrases.LANGUAGES for line in lines(language)],
)
def test_says_what_the_grammar_says(language: str, kind: str, value: str, how: str, words: str) -> None:
    """The line's value is said in the line's words."""
    assert say(language, kind, value, how) == words


@pytest.mark.parametrize("language", phrases.LANGUAGES)
def test_every_table_is_long_enough_and_names_its_sources(language: str) -> None:
    """At least 60 lines, all currencies, all kinds, and where the grammar comes from."""
    table = list(lines(language))
    assert len(table) >= 60
    assert len(set(table)) == len(table)
    assert {how.split()[0] for kind, _, how, _ in table if kind == "money"} == set(phrases.Currency)
    assert {kind for kind, *_ in table} == {"money", "whole", "ordinal", "date", "time", "percent", "digits", "phone"}
    assert "Sources:" in (TABLES / f"{language}.tsv").read_text(encoding="utf-8").split("\n\n")[0]
