"""What pages and API do with a campaign's message: set it, listen to it, see how far its preparation is.

``campaigns.service`` offers all of this under its own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from campaigns.message.blocks import MAIN, Message
from tts.sound_files import Sound


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the contacts still to be called have their sound, and what is in the way."""

    #: Contacts still to be called.
    pending: int = 0
    #: Of these, with the sound of the present message.
    ready: int = 0
    #: Given up since their own data cannot be said; each has its ``prepare_code`` and ``prepare_column``.
    not_prepared: int = 0
    #: Sound is being made now.
    working: bool = False
    #: Why nothing can be made at present (an error's code and its words), else ''.
    problem: str = ""
    words: Mapping[str, object] | None = None


def set_message(campaign_id: int, message: Message | None) -> None:
    """Make this the campaign's message; None: every callee hears ``campaign.sound`` again.

    Contacts are prepared anew; calls that are up go on with what they have.

    :raises CampaignError: campaign_missing.
    """
    raise NotImplementedError


def add_sound(source: Path, filename: str) -> Sound:
    """Take in a recorded sound for a ``SoundBlock``.

    :raises SoundError: it cannot be used in a message.
    """
    raise NotImplementedError


def preview(
    campaign_id: int,
    contact_id: int | None = None,
    fields: Mapping[str, str] | None = None,
    place: str = MAIN,
    message: Message | None = None,
) -> Path:
    """One wav with what a contact hears at ``place``: a contact of the campaign, or any row of fields.

    :param message: one that is not saved yet; None: the campaign's.
    :raises CampaignError, SoundError: it cannot be said; ``field`` is the column at fault.
    """
    raise NotImplementedError


def preview_text(
    campaign_id: int,
    contact_id: int | None = None,
    fields: Mapping[str, str] | None = None,
    message: Message | None = None,
) -> dict[str, str]:
    """What a contact hears in words, by place, without making a sound.

    :raises CampaignError, SoundError: as :func:`preview`.
    """
    raise NotImplementedError


def prepare_progress(campaign_id: int) -> Progress:
    """How far the sounds of a campaign's contacts are; all zero without a message of blocks."""
    raise NotImplementedError
