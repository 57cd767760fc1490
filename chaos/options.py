"""What the caller of the rig may choose, from the environment of ``make chaos``."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

DATABASES = ("sqlite", "mariadb")


class OptionError(Exception):
    """An option cannot be used; the sentence names it."""


@dataclass(frozen=True)
class Options:
    """One run. The seed decides numbers, plan and user; the machine decides the moments."""

    contacts: int = 10_000
    kills: int = 200
    seed: int = 0
    database: str = "sqlite"
    keep: bool = False
    #: Faults that kill nothing; None: a fixed part of the kills.
    others: int | None = None
    #: No fault lasts longer than this.
    longest_s: float = 12.0
    #: The campaign must be finished so long after the last fault.
    finish_s: float = 300.0
    #: Free ports are looked for from this block on.
    first_block: int = 60

    @property
    def channels(self) -> int:
        """Most calls at once, of the campaign, its trunk and the node: 60, fewer where the list would be too short."""
        return max(5, min(60, self.contacts // 12))

    @classmethod
    def of(cls, words: Mapping[str, str]) -> Options:
        """Read the words of the command.

        :raises OptionError: one of them cannot be used.
        """
        database = words.get("DB") or "sqlite"
        if database not in DATABASES:
            raise OptionError(f"DB={database} cannot be used: give sqlite or mariadb.")
        return cls(
            contacts=_number(words, "CONTACTS", 10_000, 100, 90_000),
            kills=_number(words, "KILLS", 200, 0, 10_000),
            seed=_number(words, "SEED", secrets.randbelow(1_000_000), 0, 2**63 - 1),
            database=database,
            keep=words.get("KEEP", "") not in ("", "0"),
        )


def _number(words: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = words.get(name) or str(default)
    if not text.isdecimal() or not least <= int(text) <= most:
        raise OptionError(f"{name}={text} cannot be used: give a whole number from {least} to {most}.")
    return int(text)
