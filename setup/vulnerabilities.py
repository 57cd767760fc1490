"""``make audit``: are any of the pinned packages known to be vulnerable? Asks the registry, where it tells.

The answer is one of three: nothing known, these are, or *not checked* with the reason. Not being able to ask (no
network, a mirror without this service) is no failure: it is said, and the exit code is 0.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILES = ("requirements.txt", "requirements-dev.txt")
INDEX = "https://pypi.org/pypi"
PATIENCE_S = 15
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([A-Za-z0-9.!+_-]+)")


class NotOffered(Exception):
    """The registry cannot be asked; the text says why."""


def pins(files: Sequence[Path]) -> list[tuple[str, str]]:
    """Names and versions, each once."""
    found = {}
    for path in files:
        for line in path.read_text().splitlines():
            match = PIN.match(line.strip())
            if match:
                found[match[1].lower()] = match[2]
    return sorted(found.items())


def known(name: str, version: str, index: str) -> list[str]:
    """What is known against this version: ``id: summary, mended in …``.

    :raises NotOffered: the registry does not answer, or has no such service.
    """
    url = f"{index}/{name}/{version}/json"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:  # noqa: S310 - the address begins with INDEX
            told: dict[str, Any] = json.load(answer)
        listed = told["vulnerabilities"]
    except urllib.error.HTTPError as exc:
        exc.close()
        raise NotOffered(f"{url} answers {exc.code}") from exc
    except (OSError, ValueError, KeyError) as exc:
        raise NotOffered(f"{url}: {type(exc).__name__}") from exc
    return [
        f"{item.get('id')}: {item.get('summary') or item.get('details', '')[:100]}, "
        f"mended in {', '.join(item.get('fixed_in') or ['no version yet'])}"
        for item in listed
        if not item.get("withdrawn")
    ]


def main(index: str = INDEX, files: Sequence[Path] = tuple(ROOT / name for name in FILES)) -> int:
    """Print what was found; 1 when a pin is known to be vulnerable."""
    wanted, bad = pins(files), 0
    for name, version in wanted:
        try:
            found = known(name, version, index)
        except NotOffered as exc:
            sys.stdout.write(f"Not checked: the registry tells nothing about vulnerabilities ({exc}).\n")
            return 1 if bad else 0
        for text in found:
            bad += 1
            sys.stdout.write(f"{name} {version}: {text}\n")
    if not bad:
        sys.stdout.write(f"Nothing is known against any of the {len(wanted)} pinned packages.\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
