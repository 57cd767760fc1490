"""Logs: one line per event, JSON in files and coloured text in a terminal, telephone numbers masked everywhere.

Where an attempt is the subject, its uid is given as ``attempt`` (or stands in ``attempts``, ``outcomes``): one id
follows a call through all processes, and ``python -m web.cli trace <uid>`` prints its lines from all files. Every line
says which process wrote it (``role``, ``node``, ``pid``); what a request caused bears its ``request_id``, also in the
tasks that it sent, and a task's lines its ``task_id``.
"""

from __future__ import annotations

import logging
import os
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
#: What stands under such a name is a secret, whatever it looks like.
_SECRET_KEY = re.compile(r"(?i)(passw|secret|token|api_?key|authori[sz]ation|cookie)")
#: Secrets by their look: our API keys, a bearer's token, a password inside an address.
_SECRETS = (
    (re.compile(r"obz_[A-Za-z0-9_-]{20,}"), "obz_***"),
    (re.compile(r"(?i)\b(bearer|basic) [A-Za-z0-9._~+/=-]{8,}"), r"\1 ***"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), r"\1***@"),
)


def mask_number(text: str) -> str:
    """``79001234567`` becomes ``7900*****67``: the first four and the last two digits stay."""
    digits = [index for index, letter in enumerate(text) if letter.isdigit()]
    hidden = set(digits[4:-2])
    return "".join("*" if index in hidden else letter for index, letter in enumerate(text))


def mask_text(text: str) -> str:
    """Mask every telephone number in a text, and what looks like a secret."""
    for pattern, hidden in _SECRETS:
        text = pattern.sub(hidden, text)
    text = _WRITTEN.sub(lambda match: mask_number(match.group()), text)
    return _PLAIN.sub(lambda match: mask_number(match.group()), text)


def _masked(value: object, key: str = "") -> object:
    if _SECRET_KEY.search(key) and value:
        return "***"
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


def _of_this_process(settings: Settings) -> Any:
    """structlog processor: which process wrote this."""
    role = os.environ.get("OBZVON_ROLE") or "cli"

    def add(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {**event, "role": role, "node": settings.node_name, "pid": os.getpid()}

    return add


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
        _of_this_process(settings),
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
