"""Input that an endpoint takes for good, for tests that want to get past its validation."""

from __future__ import annotations

import io
from typing import Any

CAMPAIGN = {"name": "x"}


def good_input(endpoint: str) -> dict[str, Any]:
    """Arguments of the test client; files are made anew each time."""
    made: dict[str, Any] = {
        "api.add_base": lambda: {"data": {"file": _file()}},
        "api.preview_base": lambda: {"data": {"file": _file()}},
        "api.put_message": lambda: {"data": {"sound": _file()}},
        "api.replace_campaign": lambda: {"json": CAMPAIGN},
        "api.change_node": lambda: {"json": {"channels": 1, "cps": 1}},
        "api.test_delivery": lambda: {"json": {"channel": "mail"}},
        "pages.change_node": lambda: {"data": {"channels": "1", "cps": "1"}},
        "api.decide_unknown": lambda: {"json": {"redial": False}},
        "api.add_do_not_call": lambda: {"json": {"number": "+79005550097"}},
        "pages.set_active": lambda: {"data": {"active": "0"}},
    }.get(endpoint, dict)
    return made() if callable(made) else made


def _file() -> tuple[io.BytesIO, str]:
    return io.BytesIO(b"79005550003;x\n"), "list.csv"
