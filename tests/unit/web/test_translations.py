"""The Russian catalogue is complete, compiled, and fits the texts in the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from web.sentences_table import SENTENCES

ROOT = Path(__file__).resolve().parents[3]
RU = ROOT / "web" / "translations" / "ru" / "LC_MESSAGES"
RAISED = re.compile(r"(Campaign|Dialer|Sound|Account|Ops)Error|file_error|_error")
PLACES = re.compile(r"%\(\w+\)[sd]|\{\w*\}")


@pytest.fixture(scope="module")
def extracted(tmp_path_factory) -> set[str]:
    """Every text that is marked in the code and the templates now."""
    target = tmp_path_factory.mktemp("texts") / "messages.pot"
    command = [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "babel.cfg"]
    command += ["-k", "N_", "-k", "lazy_gettext", "--omit-header", "-o", str(target), "."]
    subprocess.run(command, cwd=ROOT, check=True)
    with target.open("rb") as handle:
        return {str(message.id) for message in read_po(handle) if message.id}


@pytest.fixture(scope="module")
def russian():
    with (RU / "messages.po").open("rb") as handle:
        return read_po(handle)


def test_every_text_is_translated(extracted, russian):
    known = {message.id for message in russian if message.id and message.string and not message.fuzzy}
    assert sorted(extracted - known) == []


def test_nothing_is_translated_that_is_not_there_any_more(extracted, russian):
    assert sorted({str(message.id) for message in russian if message.id} - extracted) == []


def test_the_compiled_catalogue_is_the_same(russian):
    with (RU / "messages.mo").open("rb") as handle:
        compiled = {message.id: message.string for message in read_mo(handle) if message.id}
    assert compiled == {message.id: message.string for message in russian if message.id}


def test_places_for_words_are_the_same(russian):
    for message in russian:
        if message.id and "PJSIP" not in message.id:
            assert sorted(PLACES.findall(message.id)) == sorted(PLACES.findall(message.string)), message.id


def codes_in(folder: str) -> dict[str, str]:
    """Codes that this package raises: the first argument of an error's call, and keys of SENTENCES tables."""
    found: dict[str, str] = {}
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            value = node.args[0].value
            if isinstance(value, str) and RAISED.fullmatch(name):
                found[value] = str(path.relative_to(ROOT))
    return found


#: Codes that no page or API call meets: they stop the set-up and are told in the terminal.
TERMINAL_ONLY = {"asterisk_missing", "run_dir_foreign", "rtp_range_wrong"}
#: Modules of the command line, whose sentences are English.
COMMAND_LINE = {
    *("web/demo.py", "web/background.py", "web/foreground.py", "web/first_start.py", "web/cli.py", "web/keeping.py"),
    *("ops/backup.py", "ops/backup_file.py", "ops/database_copy.py", "ops/restore.py"),
}


def test_every_code_has_a_sentence():
    codes = codes_in("campaigns") | codes_in("tts") | codes_in("web") | codes_in("dialer") | codes_in("ops")
    inside = {"start_refused", "input_wrong"}  # made of other sentences
    missing = {
        code: place
        for code, place in codes.items()
        if code not in SENTENCES | dict.fromkeys(inside | TERMINAL_ONLY) and place not in COMMAND_LINE
    }
    assert missing == {}
