"""``make chaos``."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from chaos import report
from chaos.options import OptionError, Options
from chaos.run import run


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def main() -> int:
    """Exit code 0: nothing was breached; 1: something was, or the run could not be ended; 2: a wrong option."""
    try:
        options = Options.of(os.environ)
    except OptionError as exc:
        say(str(exc))
        return 2
    folder = Path(tempfile.mkdtemp(prefix="obzvon-chaos-"))
    keep = True
    try:
        result = run(options, folder, say)
        keep = options.keep or not result.clean
        say(report.table(result))
        print(json.dumps(report.summary(result)), flush=True)
        return 0 if result.clean else 1
    except KeyboardInterrupt:
        say("Interrupted.")
        keep = options.keep
        return 130
    finally:
        if keep:
            say(f"The evidence is kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
