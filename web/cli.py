"""``python -m web.cli prepare | run | demo``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from config import logging as obzvon_logging
from config import settings
from web import first_start, foreground


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; its exit code."""
    parser = argparse.ArgumentParser(prog="obzvon", description="Obzvon, an outbound notification dialer.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare", help="make the home ready and stop")
    run = commands.add_parser("run", help="start everything in the foreground; Ctrl-C ends it")
    commands.add_parser("demo", help="a whole campaign through the rehearsal carrier (options: see make help)")
    trail = commands.add_parser("audit", help="verify: follow the audit trail's chain, name the first broken entry")
    trail.add_argument("what", choices=("verify",))
    forget = commands.add_parser("erase", help="forget a telephone number: contacts, rejected rows, uploads, reports")
    forget.add_argument("number")
    for command in (run,):
        command.add_argument("--first-block", type=int, default=0, help="where the search for free ports begins")
        command.add_argument("--json", action="store_true", help="tell on stdout in one JSON object when it is ready")
    options = parser.parse_args(arguments)
    # Every process below reads the same home, whatever folder it works in.
    os.environ["OBZVON_HOME"] = str(Path(os.environ.get("OBZVON_HOME") or "var").expanduser().absolute())
    try:
        if options.command == "prepare":
            return _prepare()
        if options.command == "run":
            return _run(options)
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
            address = foreground.address(prepared.settings)
            print(json.dumps({"address": address, "name": name, "password": password}), flush=True)
            return
        print(f"\nObzvon is ready: {foreground.address(prepared.settings)}", flush=True)
        _print_administrator(prepared)
        print(f"Logs are in {prepared.settings.logs}. Ctrl-C ends everything.", flush=True)

    code = foreground.run(prepared, ready)
    if not told:
        _print_administrator(prepared)  # it is shown only once in the life of a home
    prepared.release()
    return code


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
