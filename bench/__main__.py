"""``make bench``: the benchmarks one after another, each in a process of its own, and then the table.

ONLY=name,…  these alone     LONG=1  also those that take many minutes     SMALL=1  small sizes, to see that they work
RECORD=1     write the table into docs/benchmarks.md
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from typing import Any

from bench import table

#: name -> function that measures it; in the order in which they run.
BENCHMARKS = {
    "dial_sqlite": "bench.dial_loop:sqlite",
    "dial_mariadb": "bench.dial_loop:mariadb",
    "channels_sqlite": "bench.channel_use:sqlite",
    "channels_mariadb": "bench.channel_use:mariadb",
    "claim_sqlite": "bench.claim:sqlite",
    "claim_mariadb": "bench.claim:mariadb",
    "start_stop": "bench.start_stop:run",
    "lag_sqlite": "bench.event_lag:sqlite",
    "lag_mariadb": "bench.event_lag:mariadb",
    "jitter": "bench.jitter:run",
    "speech": "bench.speech:run",
    "reconcile": "bench.reconcile:run",
    "machines": "bench.machines:run",
}
#: Some minutes each: only with LONG=1, or by their names.
LONG = {"memory": "bench.memory:run"}


def chosen() -> list[str]:
    """Names of the benchmarks to run. A name may stand for all that begin with it: ``dial``, ``claim``."""
    known = [*BENCHMARKS, *LONG]
    only = [name.strip() for name in os.environ.get("ONLY", "").split(",") if name.strip()]
    if not only:
        return known if os.environ.get("LONG", "") not in ("", "0") else list(BENCHMARKS)
    for name in only:
        if not any(other.startswith(name) for other in known):
            raise SystemExit(f"ONLY={name}: there is no such benchmark; these are there: {', '.join(known)}")
    return [name for name in known if any(name.startswith(prefix) for prefix in only)]


def measure(name: str) -> None:
    """In the process of one benchmark: run it and print its JSON line."""
    module, _, function = (BENCHMARKS | LONG)[name].partition(":")
    result = getattr(importlib.import_module(module), function)()
    print(json.dumps({"benchmark": name} | result.to_json()))


def run(name: str) -> dict[str, Any]:
    """Run one benchmark in a process of its own. One that fails takes none of the others with it."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "bench", name], stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    found = json.loads(lines[-1]) if done.returncode == 0 and lines else {"benchmark": name, "failed": done.returncode}
    return found | {"took_s": round(time.monotonic() - began)}


def main() -> int:
    results = []
    for name in chosen():
        sys.stderr.write(f"{name} …\n")
        results.append(run(name))
        print(json.dumps(results[-1], ensure_ascii=False), flush=True)
    print(table.text(results))
    if os.environ.get("RECORD", "") not in ("", "0"):
        table.record(results)
    return 1 if any("failed" in result for result in results) else 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        sys.exit(main())
