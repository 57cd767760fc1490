"""``python3.11 -m setup.install run|check|test``: install what is missing; at once when nothing is."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from setup import asterisk, host, rabbitmq, speech
from setup.say import SetupError, lock, run, say, tail

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
RUNTIME = Path(os.environ.get("OBZVON_RUNTIME") or ROOT / ".runtime").expanduser().absolute()
LOG = RUNTIME / "setup.log"


def main(arguments: list[str]) -> int:
    """Install for the purpose named by the one argument."""
    purpose = arguments[0] if arguments else "run"
    try:
        if sys.version_info[:2] != (3, 11):
            raise SetupError(f"Obzvon needs Python 3.11; this is {sys.version.split()[0]}. Install python3.11.")
        with lock(RUNTIME / ".lock"):
            packages(purpose)
            if purpose != "check":
                asterisk.ensure(RUNTIME, LOG)
                speech.ensure(RUNTIME, LOG)
                link_redis()
            if purpose == "test":
                rabbitmq.ensure(RUNTIME, LOG)
        with lock(ROOT / ".venv.lock"):
            environment(["requirements.txt"] if purpose == "run" else ["requirements.txt", "requirements-dev.txt"])
    except SetupError as exc:
        say(f"Set-up stopped: {exc}")
        return 1
    except KeyboardInterrupt:
        say("Set-up was interrupted; start it again, it goes on where it was.")
        return 130
    return 0


def packages(purpose: str) -> None:
    """The host's own packages."""
    wanted = [] if (VENV / "bin/python").exists() or has_venv() else ["python3-venv"]
    if purpose != "check":
        wanted += host.missing(host.FOR_RUN)
        no_asterisk = not asterisk.works(RUNTIME / "asterisk") and not asterisk.host_is_good()
        if (no_asterisk or not speech.works(RUNTIME / "speech")) and not host.which("mmdebstrap"):
            wanted.append("mmdebstrap")
    if purpose == "test":
        wanted += host.missing(host.FOR_TESTS)
    host.install(wanted, LOG)


def has_venv() -> bool:
    """True when this Python can make a virtual environment with pip in it (Debian splits that off)."""
    return subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True).returncode == 0


def link_redis() -> None:
    """Make ``<runtime>/bin/redis-server``; see ``host.FOR_RUN`` for why it may point to redis-check-rdb."""
    link = RUNTIME / "bin/redis-server"
    program = host.which("redis-server") or host.which("redis-check-rdb")
    if program is None:
        raise SetupError("redis-server is still missing after the installation.")
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(program)


def environment(files: list[str]) -> None:
    """``.venv`` with the pinned packages of ``files``; a stamp with their hash makes later starts instant."""
    python = VENV / "bin/python"
    content = str(VENV.resolve()) + "".join((ROOT / name).read_text() for name in files)
    digest = hashlib.sha256(content.encode()).hexdigest()
    stamp = VENV / (".installed-run" if len(files) == 1 else ".installed-dev")
    if python.exists() and stamp.exists() and stamp.read_text() == digest:
        return
    say("Installing Python packages into .venv")
    if not python.exists() and run([sys.executable, "-m", "venv", str(VENV)], LOG):
        raise SetupError(f"The virtual environment could not be made. The end of {LOG}:\n{tail(LOG)}")
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    for name in files:
        command += ["-r", str(ROOT / name)]
    if run(command, LOG):
        raise SetupError(f"pip could not install the packages. The end of {LOG}:\n{tail(LOG)}")
    stamp.write_text(digest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
