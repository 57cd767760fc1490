"""The root of this package's errors."""

from __future__ import annotations

from config.errors import ObzvonError


class DialerError(ObzvonError):
    """A call, trunk or node cannot be used as asked."""
