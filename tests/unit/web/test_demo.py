"""What `make demo` says when a file cannot be used, before anything is started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from config import supervisor
from web import demo

UNREADABLE = Path("/proc/self/mem")  # opens, then reading fails, for root too


@pytest.fixture
def words(monkeypatch, tmp_path):
    """Chooses the words of the command; nothing may be started or wiped."""
    monkeypatch.setattr(demo, "_wipe", lambda home: pytest.fail("went on"))

    def choose(**chosen: object) -> None:
        for name, value in ({"REPORT": tmp_path / "out.xlsx"} | chosen).items():
            monkeypatch.setenv(name, str(value))

    return choose


@pytest.mark.parametrize(
    "base", [UNREADABLE, "/tmp/" + "x" * 300, "/nowhere/base.csv", "/tmp", "~nobody-of-this-name/b"]
)
def test_a_base_that_cannot_be_read_is_told_in_one_sentence(words, capsys, base):
    words(BASE=base)
    assert demo.main() == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_report_that_cannot_be_opened_is_told_in_one_sentence(words, capsys, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for report in ("x" * 300 + ".xlsx", "pipe", ".", "missing/out.xlsx"):
        words(REPORT=tmp_path / report)
        assert demo.main() == 1
        assert "REPORT=" in capsys.readouterr().err


def test_looking_whether_the_report_can_be_written_leaves_nothing(tmp_path):
    demo._report_can_be_written(tmp_path / "out.xlsx")
    (tmp_path / "old.xlsx").write_bytes(b"old")
    demo._report_can_be_written(tmp_path / "old.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["old.xlsx"]
    assert (tmp_path / "old.xlsx").read_bytes() == b"old"


@pytest.mark.parametrize("on_the_command_line", [True, False])
def test_make_hands_over_a_name_as_it_is(tmp_path, on_the_command_line):
    """`$`, blanks and quotes mean nothing to us."""
    name = "a $x $(y) 'b'.csv"
    lines = (supervisor.ROOT / "Makefile").read_text().splitlines()
    rules = [line for line in lines if line.startswith("demo: ") and "BASE" in line]
    (tmp_path / "Makefile").write_text("\n".join([*rules, "demo:", "\t@printenv BASE"]) + "\n")
    chosen = {"PATH": os.environ["PATH"]} | ({} if on_the_command_line else {"BASE": name})
    command = ["make", "-s", "-C", str(tmp_path), "demo", *([f"BASE={name}"] if on_the_command_line else [])]
    done = subprocess.run(command, env=chosen, capture_output=True, text=True, check=True)
    assert done.stdout == name + "\n"
