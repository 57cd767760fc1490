"""The root of this package's errors."""

from __future__ import annotations

from config.errors import ObzvonError


class CampaignError(ObzvonError):
    """A campaign, base or contact cannot be used as asked."""
