"""Logs: one line per event, JSON in files and coloured text in a terminal, telephone numbers masked everywhere.

Where an attempt is the subject, its uid is given as ``attempt``: one id follows a call through all processes.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from config.settings import Settings

#: 9 to 15 digits that stand alone, or more loosely written after a plus. A call's uid has 20 letters and is left.
_PLAIN = re.compile(r"(?<![0-9A-Za-z])\+?\d{9,15}(?![0-9A-Za-z])")
_WRITTEN = re.compile(r"\+\d[\d ().-]{7,20}\d")
#: Under these names a bare integer is a telephone number too.
_NUMBER_KEYS = {"number", "phone", "caller_id", "callee"}


def mask_number(text: str) -> str:
    """``79001234567`` becomes ``7900*****67``: the first four and the last two digits stay."""
    digits = [index for index, letter in enumerate(text) if letter.isdigit()]
    hidden = set(digits[4:-2])
    return "".join("*" if index in hidden else letter for index, letter in enumerate(text))


def mask_text(text: str) -> str:
    """Mask every telephone number in a text."""
    text = _WRITTEN.sub(lambda match: mask_number(match.group()), text)
    return _PLAIN.sub(lambda match: mask_number(match.group()), text)


def _masked(value: object, key: str = "") -> object:
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, int) and key in _NUMBER_KEYS:
        return mask_number(str(value))
    if isinstance(value, Mapping):
        return {name: _masked(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item, key) for item in value]
    if isinstance(value, BaseException):
        return mask_text(repr(value))
    return value


def mask_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: no telephone number leaves this process in full."""
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = _masked(value, key)
    return event


def setup(settings: Settings, stream: Any = None) -> None:
    """Send structlog and the standard library's loggers through the same processors to ``stream`` (stderr)."""
    stream = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        mask_event,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = bool(getattr(stream, "isatty", lambda: False)())
    last: Any = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for chatty in ("celery.worker.strategy", "celery.app.trace", "celery.beat", "alembic", "panoramisk"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))
