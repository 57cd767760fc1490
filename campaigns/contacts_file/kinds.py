"""What a file is, by its content, and whether it is safe to open; its name says nothing."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from campaigns.contacts_file.errors import file_error

#: Limits of what a zipped workbook may unpack to. A million rows of twelve columns are about 600 MB of XML.
MAX_UNPACKED = 1 << 30
MAX_ENTRIES = 5_000
MAX_RATIO = 400
SMALL_ENTRY = 16 << 20

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_KINDS = (
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"RIFF", "a sound or a film"),
    (b"ID3", "a sound"),
    (b"OggS", "a sound"),
    (b"fLaC", "a sound"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3", "a database"),
    (b"{\\rtf", "a text document"),
)
_MARKUP = (b"<!doctype html", b"<html", b"<?xml", b"<table", b"<head", b"<meta")


def find_kind(path: Path, alive: Callable[[], None]) -> str:
    """``text``, ``xlsx``, ``xls`` or ``ods``.

    :raises CampaignError: file_empty, file_kind_unknown, file_password_protected, file_damaged,
        file_unpacks_too_large, file_unsafe.
    """
    with path.open("rb") as handle:
        head = handle.read(4096)
    if not head:
        raise file_error("file_empty")
    if head.startswith(b"PK"):
        return _zip_kind(path, alive)
    if head.startswith(_OLE):
        return _ole_kind(path)
    for signature, kind in _KINDS:
        if head.startswith(signature):
            raise file_error("file_kind_unknown", kind=kind)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_MARKUP):
        raise file_error("file_kind_unknown", kind="a web page or an XML document")
    return "text"


def _ole_kind(path: Path) -> str:
    """An old workbook, or the envelope in which Excel puts an encrypted one."""
    encrypted, book = "EncryptedPackage".encode("utf-16-le"), ("Workbook", "Book")
    with path.open("rb") as handle:
        found, tail = set(), b""
        while chunk := handle.read(1 << 20):
            text = tail + chunk
            if encrypted in text:
                raise file_error("file_password_protected")
            found |= {name for name in book if name.encode("utf-16-le") in text}
            tail = chunk[-64:]
    if not found:
        raise file_error("file_kind_unknown", kind="a document of another program")
    return "xls"


def _zip_kind(path: Path, alive: Callable[[], None]) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            kind = _workbook_kind(archive, names)
            _check_sizes(archive)
            for entry in archive.infolist():
                _check_entry(archive, entry, alive)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as exc:
        raise file_error("file_damaged") from exc
    return kind


def _workbook_kind(archive: zipfile.ZipFile, names: set[str]) -> str:
    if any(entry.flag_bits & 1 for entry in archive.infolist()):
        raise file_error("file_password_protected")
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
        return "xlsx"
    if "content.xml" in names and "mimetype" in names:
        with archive.open("mimetype") as handle:
            mimetype = handle.read(100)
        if b"opendocument.spreadsheet" in mimetype:
            if "META-INF/manifest.xml" in names:
                with archive.open("META-INF/manifest.xml") as handle:
                    if b"encryption-data" in handle.read(1 << 20):
                        raise file_error("file_password_protected")
            return "ods"
    raise file_error("file_kind_unknown", kind="a zip archive or a document")


def _check_sizes(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise file_error("file_unpacks_too_large")
    for entry in entries:
        if entry.file_size > SMALL_ENTRY and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise file_error("file_unpacks_too_large")


def _check_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, alive: Callable[[], None]) -> None:
    """Unpack it once: a size that lies fails its checksum; and no spreadsheet program declares entities."""
    markup = entry.filename.endswith((".xml", ".rels"))
    first = True
    with archive.open(entry) as handle:
        while chunk := handle.read(1 << 20):
            alive()
            if markup and first and (b"<!DOCTYPE" in chunk or b"<!ENTITY" in chunk):
                raise file_error("file_unsafe")
            first = False
