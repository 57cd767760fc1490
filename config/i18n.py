"""Marks texts for translation in packages that know no web framework."""

from __future__ import annotations


def N_(text: str) -> str:
    """Return ``text`` unchanged; it is collected for translation and translated where it is shown."""
    return text
