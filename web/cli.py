"""``python -m web.cli prepare | run | process NAME | demo | backup | restore | trace``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from config import logging as obzvon_logging
from config import settings, supervisor
from web import first_start, foreground

NAMES = ("redis", "pbx", "carrier", "web", "jobs", "dial", "beat")


def parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    found = argparse.ArgumentParser(prog="obzvon", description="Obzvon, an outbound notification dialer.")
    commands = found.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare", help="make the home ready and stop")
    run = commands.add_parser("run", help="start everything in the foreground; Ctrl-C ends it")
    commands.add_parser("demo", help="a whole campaign through the rehearsal carrier (options: see make help)")
    process = commands.add_parser("process", help="become one process of a prepared home: for systemd and containers")
    process.add_argument("name", choices=NAMES)
    run.add_argument("--first-block", type=int, default=0, help="where the search for free ports begins")
    run.add_argument("--json", action="store_true", help="tell on stdout in one JSON object when it is ready")
    _add_keeping(commands)
    forget = commands.add_parser("erase", help="forget a telephone number: contacts, rejected rows, uploads, reports")
    forget.add_argument("number")
    trail = commands.add_parser("audit", help="verify: follow the audit trail's chain, name the first broken entry")
    trail.add_argument("what", choices=("verify",))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; its exit code."""
    options = parser().parse_args(arguments)
    # Every process below reads the same home, whatever folder it works in.
    os.environ["OBZVON_HOME"] = str(Path(os.environ.get("OBZVON_HOME") or "var").expanduser().absolute())
    try:
        if options.command == "prepare":
            return _prepare()
        if options.command == "run":
            return _run(options)
        if options.command in KEEPING:
            from web import keeping

            return keeping.main(options)
        if options.command == "process":
            return _process(options.name)
        if options.command == "erase":
            return _erase(options.number)
        if options.command == "audit":
            return _verify_audit()
        from web import demo

        return demo.main()
    except first_start.TOLD as exc:
        print(exc, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


#: Commands of an operator, in ``web.keeping``.
KEEPING = ("backup", "restore", "trace")


def _add_keeping(commands: Any) -> None:
    backup = commands.add_parser("backup", help="one file with everything; also while it runs")
    backup.add_argument("--to", default=os.environ.get("TO", ""), help="the file; by default in <home>/backups")
    restore = commands.add_parser("restore", help="back to what a backup holds; nothing may run on this home")
    restore.add_argument("--from", dest="source", default=os.environ.get("FROM", ""), help="the file")
    trace = commands.add_parser("trace", help="what all logs say about one attempt, in order of time")
    trace.add_argument("uid", help="the attempt's id of 20 letters and digits, as in reports and logs")
    trace.add_argument("--json", action="store_true", help="whole log lines")


def _prepare() -> int:
    prepared = first_start.prepare()
    _print_administrator(prepared)
    prepared.release()
    return 0


def _run(options: argparse.Namespace) -> int:
    obzvon_logging.setup(settings.load())
    prepared = first_start.prepare(options.first_block)
    told = []

    def ready() -> None:
        told.append(True)
        if options.json:
            name, password = prepared.administrator or ("", "")
            address = foreground.address(prepared.settings) if prepared.settings.runs("web") else ""
            print(json.dumps({"address": address, "name": name, "password": password}), flush=True)
            return
        what = foreground.address(prepared.settings) if prepared.settings.runs("web") else prepared.settings.processes
        print(f"\nObzvon is ready: {what}", flush=True)
        _print_administrator(prepared)
        print(f"Logs are in {prepared.settings.logs}. Ctrl-C ends everything.", flush=True)

    code = foreground.run(prepared, ready)
    if not told:
        _print_administrator(prepared)  # it is shown only once in the life of a home
    prepared.release()
    return code


def _process(name: str) -> int:
    """What supervisord would start under ``make run``, in this process's place."""
    current = settings.load()
    try:
        program = next(found for found in first_start.programs(current) if found.name == name)
    except StopIteration:
        print(f"OBZVON_PROCESSES and the other settings leave no process {name} here.", file=sys.stderr)
        return 1
    os.chdir(supervisor.ROOT)
    os.execvpe(program.command[0], list(program.command), os.environ | program.environment)  # noqa: S606 - our own


def _erase(number: str) -> int:
    from campaigns import erasure
    from config import audit
    from config.app import create_base_app

    with create_base_app(settings.get()).app_context(), audit.acting("command line"):
        erased = erasure.erase(number)
    print(
        f"Erased: contacts {erased.contacts}, rejected rows {erased.rejected_rows}, uploads {erased.uploads}, "
        f"reports {erased.reports}, recordings {erased.recordings}."
    )
    return 0


def _verify_audit() -> int:
    from config import audit
    from config.app import create_base_app
    from web.audit_trail import FAULTS

    with create_base_app(settings.load()).app_context():
        verdict = audit.verify_all()
    if verdict.fault is None:
        print(f"The audit trail is whole: {verdict.entries} entries.")
        return 0
    print(f"The audit trail is broken at entry {verdict.number}: {FAULTS[verdict.fault]}", file=sys.stderr)
    return 1


def _print_administrator(prepared: first_start.Prepared) -> None:
    if prepared.administrator:
        name, password = prepared.administrator
        print(f"Sign in as {name} with the password {password} (shown only now; change it after signing in).")


if __name__ == "__main__":
    sys.exit(main())
