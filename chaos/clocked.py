"""The product's own command line, with other clocks below it: ``python -m chaos.clocked run``.

``CHAOS_CLOCK`` holds, as JSON, what the Python processes get into their environment.
"""

import dataclasses
import json
import os
import sys

from config.settings import Settings
from config.supervisor import Program
from web import first_start

CLOCK = "CHAOS_CLOCK"
NAMES = ("web", "jobs", "dial", "beat")
_programs = first_start.programs


def programs(settings: Settings) -> list[Program]:
    """Those of the product; the Python ones with a clock of their own."""
    clock = json.loads(os.environ.get(CLOCK, "{}"))
    return [
        dataclasses.replace(program, environment=program.environment | clock) if program.name in NAMES else program
        for program in _programs(settings)
    ]


if __name__ == "__main__":
    from web import cli

    first_start.programs = programs
    sys.exit(cli.main())
