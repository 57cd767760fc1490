"""Logs: JSON lines, and no telephone number in full."""

import io
import json
import logging

import pytest
import structlog

from config import logging as obzvon_logging
from config.settings import Settings


@pytest.fixture
def lines(tmp_path):
    """Set logging up on a buffer; call the fixture for what was written so far."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    obzvon_logging.setup(Settings(home=tmp_path, _env_file=None), stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("79001234567", "7900*****67"),
        ("call to 79001234567@trunk", "call to 7900*****67@trunk"),
        ("+7 (900) 123-45-67", "+7 (900) ***-**-67"),
        ("PJSIP/420601000001@t", "PJSIP/4206******01@t"),
        ("uid 019ab3c4d5e6f7a8b9c0", "uid 019ab3c4d5e6f7a8b9c0"),
        ("12345678901234567890", "12345678901234567890"),
        ("486 in 12 ms", "486 in 12 ms"),
        ("2026-11-22", "2026-11-22"),
        ("127.0.0.1:5060", "127.0.0.1:5060"),
    ],
)
def test_numbers_are_masked_and_nothing_else(text, masked):
    """First four and last two digits stay."""
    assert obzvon_logging.mask_text(text) == masked


def test_every_way_into_the_log_masks(lines):
    """Events, values, nested values, integers under a number's name, tracebacks, other libraries' messages."""
    log = structlog.get_logger("dialer")
    log.info("placed 79001234567", number=79001234567, rows=[{"phone": "79001234567"}], attempt="019ab3c4d5e6f7a8b9c0")
    try:
        raise ValueError("bad 79001234567")
    except ValueError:
        log.exception("failed")
    logging.getLogger("other").warning("saw %s", "79001234567")
    first, second, third = lines()
    assert "79001234567" not in json.dumps([first, second, third])
    assert first["number"] == "7900*****67"
    assert first["attempt"] == "019ab3c4d5e6f7a8b9c0"
    assert "ValueError: bad 7900*****67" in second["exception"]
    assert third["event"] == "saw 7900*****67"
    assert third["level"] == "warning"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("key obz_" + "a" * 43, "key obz_***"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer ***"),
        ("mysql+pymysql://root:geheim@db/obzvon", "mysql+pymysql://root:***@db/obzvon"),
        ("redis://:geheim@db/0", "redis://:***@db/0"),
    ],
)
def test_secrets_by_their_look_are_hidden(text, masked):
    assert obzvon_logging.mask_text(text) == masked


def test_secrets_by_their_name_are_hidden_and_every_line_says_who_wrote_it(lines, monkeypatch):
    log = structlog.get_logger("x")
    log.info("saved", mail_password="geheim", deep={"webhook_secret": "geheim", "token": ""}, count=3)
    (line,) = lines()
    assert "geheim" not in json.dumps(line)
    assert line["count"] == 3
    assert (line["role"], line["node"]) == ("cli", "main")
    assert line["pid"] > 0
