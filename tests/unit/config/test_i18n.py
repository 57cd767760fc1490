"""Translation outside of a request."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from config import i18n


def test_translator_reads_the_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalog(locale="ru")
    catalogue.add("Reached", "Оповещён")
    path = tmp_path / "ru" / "LC_MESSAGES" / "messages.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as out:
        write_mo(out, catalogue)
    monkeypatch.setattr(i18n, "CATALOGUES", tmp_path)
    translate = i18n.translator("ru")
    assert translate("Reached") == "Оповещён"
    assert translate("not in it") == "not in it"


@pytest.mark.parametrize("locale", ["en", "", "xx", "../../etc"])
def test_without_a_catalogue_texts_stay(locale: str) -> None:
    assert i18n.translator(locale)("Reached") == "Reached"
