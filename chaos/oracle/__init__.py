"""Judges a run by the carrier's own log: I1 to I7 of the promise "never twice, never lost".

It shares no code with the product, so that a mistake there cannot hide itself here; import-linter holds this.

Use: ``judge(Evidence(...))``, or ``python -m chaos.oracle FOLDER`` for evidence that was put there by ``keep``.

How ends are taken: a call is up until the carrier's end line, less ``Tolerance.end_s`` (the carrier writes it after its
last message). What our PBX was killed with ended there: nobody tells the carrier. The same limits are asked of the open
rows, from claim to end, without any tolerance. Only a new call can break a limit: lowering it ends no call.

What it cannot see: a call that is in no log at all; an outcome that was rewritten, where neither the event log nor an
``Observer`` saw the first one; whether a call that never came was refused by the trunk or not placed; by the database's
times, anything while a fault had moved a clock.
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
