"""``make audit`` says what the registry knows, or plainly that it was not asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from setup import vulnerabilities
from tests.support.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
HOLE = {"id": "PYSEC-1", "summary": "a hole", "fixed_in": ["2.0"], "withdrawn": None}


@contextmanager
def registry(answers: dict[str, object]) -> Iterator[str]:
    """A registry that knows these paths."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_vulnerable_pin_is_named(tmp_path, capsys):
    file = tmp_path / "requirements.txt"
    file.write_text("# pins\nGood==1.0\nbad[extra]==1.5  # reason\n--hash=x\n")
    answers = {"/good/1.0/json": {"vulnerabilities": []}, "/bad/1.5/json": {"vulnerabilities": [HOLE]}}
    with registry(answers) as index:
        assert vulnerabilities.main(index, [file]) == 1
    assert capsys.readouterr().out == "bad 1.5: PYSEC-1: a hole, mended in 2.0\n"


def test_nothing_known_is_said(tmp_path, capsys):
    file = tmp_path / "requirements.txt"
    file.write_text("good==1.0\n")
    withdrawn = {"vulnerabilities": [{**HOLE, "withdrawn": "2026-01-01"}]}
    with registry({"/good/1.0/json": withdrawn}) as index:
        assert vulnerabilities.main(index, [file]) == 0
    assert "Nothing is known against any of the 1" in capsys.readouterr().out


def test_not_being_able_to_ask_is_said_and_no_failure(tmp_path, capsys):
    """A mirror without the service, one that answers something else, and no network at all."""
    file = tmp_path / "requirements.txt"
    file.write_text("good==1.0\n")
    with registry({}) as index:
        assert vulnerabilities.main(index, [file]) == 0
    with registry({"/good/1.0/json": {"info": {}}}) as index:
        assert vulnerabilities.main(index, [file]) == 0
    assert vulnerabilities.main(f"http://127.0.0.1:{free_port()}", [file]) == 0
    assert capsys.readouterr().out.count("Not checked:") == 3


def test_every_direct_dependency_is_pinned():
    """What is checked is what is installed."""
    pinned = dict(vulnerabilities.pins([ROOT / name for name in vulnerabilities.FILES]))
    for name in ("requirements.in", "requirements-dev.in"):
        for line in (ROOT / name).read_text().splitlines():
            wanted = vulnerabilities.PIN.match(line.strip())
            if wanted:
                assert pinned[wanted[1].lower()] == wanted[2]
    assert len(pinned) > 60
