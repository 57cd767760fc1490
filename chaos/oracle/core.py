"""Puts the parts together."""

from __future__ import annotations

from pathlib import Path

from chaos.oracle.evidence import Evidence
from chaos.oracle.judgement import Judgement


def judge(evidence: Evidence) -> Judgement:
    """Every breach found, sorted, and the figures. Reads only."""
    raise NotImplementedError


def keep(evidence: Evidence, folder: Path) -> None:
    """Copy the evidence into a folder: logs as they are, the tables as a SQLite file. ``read_folder`` reads it back."""
    raise NotImplementedError
