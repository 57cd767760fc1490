"""The root of this package's errors."""

from __future__ import annotations

from config.errors import ObzvonError


class OpsError(ObzvonError):
    """An alarm, its delivery, a backup or a restore cannot be done as asked."""
