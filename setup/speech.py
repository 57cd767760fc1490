"""The speech engines RHVoice and espeak-ng: Debian forky's in a private folder, without the voices not free to use."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from setup import asterisk, host
from setup.say import SetupError, run, say, tail

PACKAGES = (
    "rhvoice",
    "rhvoice-russian",
    "rhvoice-english",
    "rhvoice-czech",
    "rhvoice-ukrainian",
    "espeak-ng",
    "libfakechroot",
)
#: Those that may be used commercially, as ``tts/engines/rhvoice.py`` lists them with their licences.
VOICES = frozenset(
    ["elena", "aleksandr-hq", "anna", "irina", "aleksandr", "slt", "clb", "bdl", "alan", "zdenek", "natalia", "anatol"]
)


def works(root: Path) -> bool:
    """True when all parts that ``tts/engines`` needs are there."""
    libraries = root / "usr/lib" / host.triplet()
    loader = libraries / Path(asterisk.LOADERS.get(platform.machine(), "none")).name
    parts = (
        loader,
        libraries / "fakechroot/libfakechroot.so",
        libraries / "espeak-ng-data",
        root / "usr/bin/RHVoice-test",
        root / "usr/bin/espeak-ng",
        *(root / "usr/share/RHVoice/voices" / voice for voice in VOICES),
    )
    return all(part.exists() for part in parts)


def ensure(runtime: Path, log: Path) -> None:
    """Make ``<runtime>/speech``.

    :raises SetupError: it cannot be built.
    """
    if not works(runtime / "speech"):
        build(runtime / "speech", log)


def build(target: Path, log: Path) -> None:
    """Unpack the packages, without installing them, beside ``target``, and rename the folder when it is complete."""
    if platform.machine() not in asterisk.LOADERS:
        raise SetupError(f"Obzvon brings speech engines for x86_64 and aarch64, not for {platform.machine()}.")
    asterisk.tools(log)
    say(f"Installing the speech engines of Debian {asterisk.SUITE} into {target} (about 300 MB)")
    work = target.with_name(f"speech.building-{os.getpid()}")
    archive = work.with_suffix(".tar")
    try:
        for stale in target.parent.glob("speech.building-*"):
            asterisk.remove(stale) if stale.is_dir() else stale.unlink()
        work.mkdir(parents=True)
        command = asterisk.mmdebstrap(archive, PACKAGES, "extract")
        asterisk.make_archive(archive, log, command, "The speech engines")
        unpack = ["tar", "-C", str(work), "-xf", str(archive), "--no-same-owner", "--no-same-permissions"]
        if run([*unpack, "--exclude=./dev/*"], log):
            raise SetupError(f"The speech engines could not be unpacked. The end of {log}:\n{tail(log)}")
        keep_free_voices(work)
        if not works(work):
            raise SetupError(f"The speech engines were installed but parts are missing; see {log}.")
        asterisk.remove(target)
        work.rename(target)
    finally:
        asterisk.remove(work)
        archive.unlink(missing_ok=True)


def keep_free_voices(root: Path) -> None:
    """Remove what must not be used, so that no mistake can use it."""
    for voice in (root / "usr/share/RHVoice/voices").iterdir():
        if voice.name not in VOICES:
            shutil.rmtree(voice)
