"""Judges a run by the carrier's own log: I1 to I7 of the promise "never twice, never lost".

It shares no code with the product, so that a mistake there cannot hide itself here; import-linter holds this.

Use: ``judge(Evidence(...))``, or ``python -m chaos.oracle FOLDER`` for evidence that was kept by ``keep``.
"""

from chaos.oracle.core import judge
from chaos.oracle.evidence import Acknowledged, Evidence, Fault, Tolerance, read_folder
from chaos.oracle.judgement import Breach, Judgement, Measures, Resume
from chaos.oracle.keeping import keep
from chaos.oracle.observer import Observer

__all__ = [
    "Acknowledged",
    "Breach",
    "Evidence",
    "Fault",
    "Judgement",
    "Measures",
    "Observer",
    "Resume",
    "Tolerance",
    "judge",
    "keep",
    "read_folder",
]
