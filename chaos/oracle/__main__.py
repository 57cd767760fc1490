"""``python -m chaos.oracle FOLDER``: judge kept evidence; breaches on standard output, exit code 1 if there are any."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from chaos.oracle.core import judge
from chaos.oracle.evidence import DESCRIPTION, read_folder
from chaos.oracle.judgement import Judgement

#: Sentences printed of each invariant; ``--all`` prints the rest.
MOST = 20


def told(judgement: Judgement, everything: bool = False) -> str:
    """The judgement for a person."""
    lines, seen = [], Counter[str]()
    for breach in judgement.breaches:
        seen[breach.invariant] += 1
        if everything or seen[breach.invariant] <= MOST:
            lines.append(str(breach))
    lines += [
        f"{key}: {count} breaches, {MOST} of them shown"
        for key, count in seen.items()
        if count > MOST and not everything
    ]
    lines.append(figures(judgement))
    lines.append("no breach" if judgement.clean else f"{len(judgement.breaches)} breaches")
    return "\n".join(lines)


def figures(judgement: Judgement) -> str:
    """One line of figures."""
    seen = judgement.measures
    times = sorted(r.seconds for r in seen.resumes if r.seconds is not None and not r.disturbed)
    resumed = f", resumed after at most {times[-1]:.1f} s" if times else ""
    use = "".join(f", campaign {key} used {share:.2f} of its channels" for key, share in seen.channel_use.items())
    outcomes = " ".join(f"{name}={count}" for name, count in seen.dispositions.items())
    return f"{seen.calls} calls in {seen.span_s:.0f} s, most at once {seen.most_at_once}{use}{resumed}; {outcomes}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos.oracle", description=__doc__)
    parser.add_argument("folder", type=Path, help=f"holds {DESCRIPTION}")
    parser.add_argument("--all", action="store_true", help=f"print more than {MOST} breaches of each kind")
    chosen = parser.parse_args(arguments)
    if not (chosen.folder / DESCRIPTION).exists():
        parser.error(f"{chosen.folder} has no {DESCRIPTION}")
    judgement = judge(read_folder(chosen.folder))
    print(told(judgement, chosen.all))
    return 0 if judgement.clean else 1


if __name__ == "__main__":
    sys.exit(main())
