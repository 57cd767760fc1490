"""Which encoding a text file has: one pass over all of it, in constant memory."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from charset_normalizer import from_bytes

from campaigns.contacts_file.errors import file_error

CHUNK = 1 << 20
SAMPLE = 64 * 1024
#: Those that customers' programs write; a free guess among all encodings is wrong on short files.
CANDIDATES = ["cp1251", "cp866", "koi8_r", "cp1250"]
_ASCII = bytes(range(128))
_CONTROLS = bytes(set(range(32)) - {0, 9, 10, 12, 13, 26}) + b"\x7f"


@dataclass
class _Scan:
    """What one pass over the bytes counts."""

    size: int = 0
    nul: int = 0
    controls: int = 0
    high: int = 0  # bytes over 127
    not_utf8: int = 0
    sample: bytearray = field(default_factory=bytearray)  # lines with bytes over 127


def find_encoding(path: Path, alive: Callable[[], None]) -> tuple[str, int]:
    """The encoding, and how many letters of the file it cannot read.

    ``alive`` is called now and then.

    :raises CampaignError: file_empty, file_not_text, line_too_long.
    """
    with path.open("rb") as handle:
        head = handle.read(4096)
    if not head:
        raise file_error("file_empty")
    utf16 = _utf16(head)
    if utf16:
        return utf16, 0
    scan = _scan(path, alive)
    if scan.nul + scan.controls > max(scan.size // 100, 8):
        raise file_error("file_not_text")
    if scan.not_utf8 * 10 <= scan.high:  # a few cut letters do not make it another encoding
        return ("utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"), scan.not_utf8
    return _single_byte(bytes(scan.sample)), 0


def _utf16(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(head) >= 4 and head[1::2].count(0) > len(head) // 4 and head[0::2].count(0) == 0:
        return "utf-16-le"
    if len(head) >= 4 and head[0::2].count(0) > len(head) // 4 and head[1::2].count(0) == 0:
        return "utf-16-be"
    return ""


def _scan(path: Path, alive: Callable[[], None]) -> _Scan:
    scan = _Scan()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            alive()
            scan.size += len(chunk)
            scan.nul += chunk.count(0)
            scan.controls += len(chunk) - len(chunk.translate(None, _CONTROLS))
            if len(chunk) == CHUNK and b"\n" not in chunk and b"\r" not in chunk:
                raise file_error("line_too_long", limit_mb=1)
            if chunk.isascii():
                scan.not_utf8 += decoder.decode(chunk).count("\ufffd")
                continue
            scan.high += len(chunk.translate(None, _ASCII))
            scan.not_utf8 += decoder.decode(chunk).count("\ufffd")
            if len(scan.sample) < SAMPLE:
                lines = (line for line in chunk.splitlines() if not line.isascii())
                scan.sample += b"\n".join(lines)[:SAMPLE] + b"\n"
    scan.not_utf8 += decoder.decode(b"", True).count("\ufffd")
    return scan


def _single_byte(sample: bytes) -> str:
    high = len(sample.translate(None, _ASCII))
    if high >= 200:
        best = from_bytes(sample[:SAMPLE], cp_isolation=CANDIDATES).best()
        if best is not None and best.encoding in CANDIDATES:
            return str(best.encoding)
    return max(CANDIDATES, key=lambda name: _word_score(sample.decode(name, "replace")))


_RUSSIAN_WORD = re.compile(r"\b(?:[А-ЯЁ]?[а-яё]+|[А-ЯЁ]+)\b")
_LATIN_WORD = re.compile(r"\b(?:[A-ZÁÄČĎÉĚÍŇÓÖŘŠŤÚŮÜÝŽŁŚŹŻĆŃ]?[a-záäčďéěíňóöřšťúůüýžąęłśźżćńőűßâîăşţđ]+)\b")
_FOREIGN = re.compile(r"[áäčďéěíňóöřšťúůüýžąęłśźżćńőűßâîăşţđ]{3,}", re.IGNORECASE)
#: The commonest letters of Russian text: the wrong Cyrillic encoding gives rare ones.
_COMMON = re.compile(r"[оеаинтсрвл]")


def _word_score(text: str) -> float:
    """How much a short text looks like words: for samples too small for statistics."""
    russian = sum(len(word) for word in _RUSSIAN_WORD.findall(text))
    latin = sum(1 for word in _LATIN_WORD.findall(text) if not word.isascii() and not _FOREIGN.search(word))
    strange = sum(1 for letter in text if ord(letter) > 127 and not letter.isalpha())
    return russian + 0.3 * len(_COMMON.findall(text)) + 2 * latin - 2 * strange - 2 * len(_FOREIGN.findall(text))
