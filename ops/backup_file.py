"""The file of a backup: a compressed archive whose last member is a manifest with the checksum of every other member.

Reading checks everything before anything is used: a file that is cut off, altered, or not ours is refused as a whole.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ops.errors import OpsError

FORMAT = 1
MANIFEST = "manifest.json"
#: Names that a backup may hold: ours, below known folders, without a way out.
SAFE = re.compile(
    r"(?:secrets\.json|obzvon\.env|(?:database|sounds|uploads|exports)(?:/[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*)+)"
)
LONGEST_MANIFEST = 64 * 1024 * 1024
CHUNK = 1024 * 1024
DAMAGE = (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, ValueError, KeyError, TypeError, UnicodeError)


def damaged(path: Path) -> OpsError:
    """What is said of a file that cannot be trusted."""
    sentence = "{path} is damaged, incomplete, or not a backup of Obzvon. Nothing was changed."
    return OpsError("backup_damaged", sentence.format(path=path), status=422, words={"path": path})


class Writer:
    """Writes a backup beside its final name, and gives it that name when everything is on the disk."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._temporary = target.with_name(f".{target.name}.{os.getpid()}.new")
        descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._raw = os.fdopen(descriptor, "wb")
        self._tar = tarfile.open(fileobj=self._raw, mode="w:gz", compresslevel=3, format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._files: dict[str, dict[str, Any]] = {}

    def add(self, path: Path, name: str) -> bool:
        """Add one file; False when it is gone (deleted since it was listed)."""
        if not SAFE.fullmatch(name):
            raise ValueError(f"{name} is no name of a backup")
        try:
            with path.open("rb") as handle:
                status = os.fstat(handle.fileno())
                info = tarfile.TarInfo(name)
                info.size, info.mtime, info.mode = status.st_size, int(status.st_mtime), 0o600
                hashing = _Hashing(handle)
                self._tar.addfile(info, hashing)
        except FileNotFoundError:
            return False
        self._files[name] = {"size": info.size, "sha256": hashing.digest.hexdigest()}
        return True

    def finish(self, about: dict[str, Any]) -> None:
        """Write the manifest, and everything to the disk."""
        text = json.dumps({"format": FORMAT, **about, "files": self._files}, indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = len(text), 0o600
        self._tar.addfile(info, io.BytesIO(text))
        self._tar.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()
        self._temporary.replace(self._target)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._raw.close()
        self._temporary.unlink(missing_ok=True)


class _Hashing(io.RawIOBase):
    """Reads a file and knows the checksum of what was read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._source.read(size)
        self.digest.update(chunk)
        return chunk


def unpack(path: Path, into: Path) -> dict[str, Any]:
    """Unpack into an empty folder and check every checksum. :returns: the manifest.

    :raises OpsError: backup_missing, backup_damaged, backup_disk; the folder may then hold a part.
    """
    seen: dict[str, dict[str, Any]] = {}
    try:
        with _reading(path) as (archive, rest):
            manifest: dict[str, Any] = {}
            for member in archive:
                if member.name == MANIFEST and not manifest and member.size < LONGEST_MANIFEST:
                    manifest = _manifest(archive, member)
                else:
                    seen[member.name] = _member(archive, member, into)
            while rest.read(CHUNK):  # the checksum of the compressed stream stands at its very end
                pass
        if manifest.get("format") != FORMAT or manifest["files"] != seen:
            raise ValueError("the contents are not what the manifest says")
    except DAMAGE as exc:
        raise damaged(path) from exc
    return manifest


@contextmanager
def _reading(path: Path) -> Iterator[tuple[tarfile.TarFile, IO[bytes]]]:
    try:
        raw = path.open("rb")
    except OSError as exc:
        sentence = "{path} cannot be read: {reason}."
        words = {"path": path, "reason": exc.strerror}
        raise OpsError("backup_missing", sentence.format(**words), status=404, words=words) from exc
    with raw, gzip.GzipFile(fileobj=raw) as plain, tarfile.open(fileobj=plain) as archive:
        yield archive, plain  # type: ignore[misc]


def _manifest(archive: tarfile.TarFile, member: tarfile.TarInfo) -> dict[str, Any]:
    source = archive.extractfile(member)
    found = json.loads(source.read()) if source is not None else None
    if not isinstance(found, dict):
        raise ValueError("no manifest")
    return found


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> dict[str, Any]:
    if not member.isreg() or not SAFE.fullmatch(member.name):
        raise ValueError(f"{member.name!r} has no place in a backup")
    if member.size > shutil.disk_usage(into).free:
        sentence = "There is not enough room on the disk to restore this backup. Nothing was changed."
        raise OpsError("backup_disk", sentence, status=507)
    source = archive.extractfile(member)
    assert source is not None
    target = into / member.name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            handle.write(chunk)
    os.utime(target, (member.mtime, member.mtime))
    return {"size": member.size, "sha256": digest.hexdigest()}
