"""Workbooks (xlsx, xls, ods), read by :mod:`campaigns.contacts_file.workbook_process`."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from campaigns.contacts_file import workbook_process
from campaigns.contacts_file.errors import SENTENCES, file_error
from campaigns.contacts_file.layout import LayoutChoice, Row
from campaigns.contacts_file.text import FIELD_LIMIT

#: Address space that reading a workbook may take; a million rows of four columns take 0.4 GB.
MEMORY = 2 << 30
#: Seconds without a row after which the reading is given up.
PATIENCE_S = 300


class WorkbookTable:
    """A sheet opened for reading once, from top to bottom."""

    encoding = ""
    delimiter = ""
    replaced = 0

    def __init__(self, path: Path, kind: str, choice: LayoutChoice, alive: Callable[[], None]) -> None:
        self.format = kind
        self._alive = alive
        self._last = 0
        script = Path(workbook_process.__file__)
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(script), str(path), choice.sheet or "", str(MEMORY)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()
        self._lines: deque[bytes] = deque()
        self._part = b""
        try:
            about = self._receive()
        except BaseException:
            self.close()
            raise
        self.sheets = tuple(about["sheets"])
        self.sheet = str(about["sheet"])
        self._height = max(1, int(about["height"]))

    def _receive(self) -> Any:
        """The next message of the process.

        :raises CampaignError: what the process says, or sheet_too_large when it died.
        """
        while not self._lines:
            self._wait()
            received = os.read(self._output, 1 << 18)
            if not received:  # the library ended the process: it had no memory for the sheet
                raise file_error("sheet_too_large")
            *whole, self._part = (self._part + received).split(b"\n")
            self._lines.extend(whole)
        line = self._lines.popleft()
        message = json.loads(line)
        if isinstance(message, dict) and "error" in message:
            code = message["error"] if message["error"] in SENTENCES else "file_damaged"
            raise file_error(code, **message.get("words", {}))
        return message

    def _wait(self) -> None:
        for _ in range(PATIENCE_S // 2):
            if select.select([self._output], [], [], 2)[0]:
                return
            self._alive()
        raise file_error("sheet_too_large")

    def progress(self) -> float:
        """How much has been read, 0 to 1."""
        return min(1.0, self._last / self._height)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        if self._process.stdout:
            self._process.stdout.close()
        self._process.wait()

    def rows(self) -> Iterator[Row]:
        """Every row that holds anything.

        :raises CampaignError: the process cannot read on.
        """
        while isinstance(message := self._receive(), list):
            for line, cells in message:
                self._last = line
                if max(map(len, cells)) > FIELD_LIMIT:
                    raise file_error("field_too_long", line=line, limit=FIELD_LIMIT)
                yield Row(line, cells)
