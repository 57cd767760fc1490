"""docs/security.md says what is true: each test that it names is there, and no threat is without one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
#: Threats that each row must be about; the words are those of the document.
THREATS = """CR LF, dialplan injection, fraud by a list, inbound call, callback, emergency, caller id, manager user,
agents, formulas, spreadsheet, bombs, hostile audio, path traversal, webhooks, SQL, scripts, another site, fixation,
brute force, enumeration, default secrets, a role sees, recordings of conversations, pickle, audit trail altered, logs,
forgotten"""


def _rows() -> list[tuple[str, str, str]]:
    lines = (ROOT / "docs/security.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [(row[0], row[1], row[2]) for row in cells if row[0] != "threat"]


def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_named_test_exists():
    named = NAMED.findall((ROOT / "docs/security.md").read_text())
    assert len(named) > 50
    missing = [f"{path}::{name}" for path, name in named if name not in _functions(ROOT / path)]
    assert missing == []


def test_every_threat_has_a_test_or_says_with_what_it_comes():
    for threat, defence, tests in _rows():
        assert NAMED.search(tests) or defence.startswith("comes with"), threat
        assert defence, threat


def test_no_threat_is_forgotten():
    told = " ".join(threat for threat, _defence, _tests in _rows())
    assert [word for word in re.split(r",\s+", THREATS) if word not in told] == []


def test_every_exception_from_the_security_rules_has_its_reason():
    """``# noqa: S123 - why``; and the rules are on."""
    assert '"S"' in (ROOT / "pyproject.toml").read_text()
    without = []
    for path in [
        *ROOT.glob("*.py"),
        *(
            p
            for d in ("web", "campaigns", "dialer", "tts", "config", "setup", "inbound")
            for p in (ROOT / d).rglob("*.py")
        ),
    ]:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"#\s*noqa: S\d+", line) and not re.search(r"#\s*noqa: S\d+ - \w", line):
                without.append(f"{path.relative_to(ROOT)}:{number}")
    assert without == []
