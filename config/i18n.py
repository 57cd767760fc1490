"""Texts for people in packages that know no web framework: marked here, translated where they are shown."""

from __future__ import annotations

import gettext
from collections.abc import Callable
from pathlib import Path

#: The catalogues, ``<locale>/LC_MESSAGES/messages.mo``. A path to data, not an import of the package around it.
CATALOGUES = Path(__file__).resolve().parent.parent / "web" / "translations"


def N_(text: str) -> str:
    """Return ``text`` unchanged; it is collected for translation and translated where it is shown."""
    return text


def translator(locale: str) -> Callable[[str], str]:
    """The function that translates a marked text, for work outside of a request, such as an exported report.

    A locale without a catalogue, English among them, gives texts back as they are. Catalogues are read once.
    """
    catalogue = gettext.translation("messages", CATALOGUES, [locale or "en"], fallback=True)
    return catalogue.gettext
