"""The PBX: the host's own Asterisk 20 or newer, otherwise Debian forky's in a private folder."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from setup import host
from setup.say import SetupError, run, say, tail

SUITE = "forky"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SOUNDS = ("asterisk-core-sounds-ru-wav", "asterisk-core-sounds-en-wav", "asterisk-moh-opsound-wav")
LOADERS = {"x86_64": "lib64/ld-linux-x86-64.so.2", "aarch64": "lib/ld-linux-aarch64.so.1"}
OLDEST = 20


def version(text: str) -> int:
    """Major version out of ``asterisk -V``; 0 when there is none."""
    found = re.search(r"Asterisk (\d+)\.", text)
    return int(found.group(1)) if found else 0


def works(root: Path) -> bool:
    """True when the Asterisk under ``root`` starts through its own loader and has its modules and sounds."""
    loader = root / LOADERS.get(platform.machine(), "none")
    libraries = root / "usr/lib" / host.triplet()
    sounds = root / "usr/share/asterisk/sounds"
    parts = (root / "usr/sbin/asterisk", loader, libraries / "asterisk/modules/chan_pjsip.so")
    if not all(part.exists() for part in parts) or not any(sounds.glob("ru_*")):
        return False
    command = [str(loader), "--library-path", str(libraries), str(root / "usr/sbin/asterisk"), "-V"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return version(answer.stdout) >= OLDEST


def host_is_good() -> bool:
    """True when the host has an Asterisk of its own that we can use."""
    program = host.which("asterisk")
    modules = Path("/usr/lib") / host.triplet() / "asterisk/modules/chan_pjsip.so"
    if program is None or not modules.exists():
        return False
    answer = subprocess.run([program, "-V"], capture_output=True, text=True, check=False)
    return version(answer.stdout) >= OLDEST


def ensure(runtime: Path, log: Path) -> None:
    """Make ``<runtime>/asterisk`` the root of a working Asterisk, unless the host has a good one itself.

    :raises SetupError: it cannot be built.
    """
    target = runtime / "asterisk"
    if not works(target) and not host_is_good():
        build(target, log)


def remove(path: Path) -> None:
    """Take away a folder or a link."""
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def build(target: Path, log: Path) -> None:
    """Install Debian forky's Asterisk into ``target``.

    It is built beside it and renamed when it works, so that a broken build never counts. mmdebstrap writes an
    archive, which is unpacked as the user at hand: the folder is the user's own, whatever rights the build needed.
    """
    if platform.machine() not in LOADERS:
        raise SetupError(f"Obzvon brings an Asterisk for x86_64 and aarch64, not for {platform.machine()}.")
    tools(log)
    say(f"Installing Asterisk of Debian {SUITE} into {target} (about 400 MB, nothing of the host changes)")
    work = target.with_name(f"asterisk.building-{os.getpid()}")
    archive = work.with_suffix(".tar")
    try:
        for stale in target.parent.glob("asterisk.building-*"):
            remove(stale) if stale.is_dir() else stale.unlink()
        work.mkdir(parents=True)
        make_archive(archive, log)
        unpack = ["tar", "-C", str(work), "-xf", str(archive), "--no-same-owner", "--no-same-permissions"]
        if run([*unpack, "--exclude=./dev/*", "--exclude=./proc/*", "--exclude=./sys/*"], log):
            raise SetupError(f"The Asterisk archive could not be unpacked. The end of {log}:\n{tail(log)}")
        if not works(work):
            raise SetupError(f"Asterisk was installed but does not start; see {log}.")
        remove(target)
        work.rename(target)
    finally:
        remove(work)
        archive.unlink(missing_ok=True)


def tools(log: Path) -> None:
    """What :func:`make_archive` needs of the host."""
    wanted = ["mmdebstrap"] if not host.which("mmdebstrap") else []
    if not Path(KEYRING).exists():
        wanted.append("debian-archive-keyring")
    host.install(wanted, log)


def make_archive(archive: Path, log: Path, command: list[str] | None = None, what: str = "Asterisk") -> None:
    """Have mmdebstrap write the system into ``archive``, if need be from a mirror whose lists are past their date."""
    for options in ((), ('--aptopt=Acquire::Check-Valid-Until "false"',)):
        if options:
            say(
                "The mirror's package lists are past their date (a snapshot or an old mirror); "
                "trying once more without the check of the date. Signatures are still checked."
            )
        before = log.stat().st_size if log.exists() else 0
        if not run([*(command or mmdebstrap(archive)), *options], log):
            return
        with log.open("rb") as handle:
            handle.seek(before)
            answer = handle.read().decode(errors="replace")
        if not re.search(r"expired|Valid-Until|not valid", answer):
            break
    raise SetupError(f"{what} could not be installed. The end of {log}:\n{tail(log)}")


def mmdebstrap(archive: Path, packages: tuple[str, ...] = ("asterisk", *SOUNDS), variant: str = "minbase") -> list[str]:
    """The command that writes the archive to ``archive``: as root or through sudo, else in a user namespace."""
    prefix, mode = ([], "auto") if os.geteuid() == 0 or not host.which("sudo") else (["sudo"], "root")
    command = [
        *prefix,
        "mmdebstrap",
        f"--mode={mode}",
        f"--variant={variant}",
        "--format=tar",
        "--components=main,non-free",
        f"--keyring={KEYRING}",
        "--include=" + ",".join(packages),
        "--aptopt=Acquire::Languages none",
        SUITE,
        "-",
        host.debian_mirror(),
    ]
    # The shell opens the file, so that it belongs to the user also when mmdebstrap runs through sudo.
    return ["sh", "-c", 'target="$1"; shift; exec "$@" > "$target"', "sh", str(archive), *command]
