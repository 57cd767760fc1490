"""Files on their way from the browser to a base: kept aside under a random name until the choice is made.

``<home>/uploads/incoming/<token>`` holds the bytes, ``<token>.json`` what is known about them. Whatever nobody came
back for is removed after a day.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from werkzeug.datastructures import FileStorage

from campaigns.errors import CampaignError
from config.i18n import N_
from config.settings import Settings

TOKEN = re.compile(r"^[0-9a-f]{32}$")
KEPT_S = 86400


@dataclass(frozen=True)
class Incoming:
    """One uploaded file that waits for its manager's word."""

    token: str
    campaign_id: int
    filename: str
    comment: str
    path: Path


def _folder(settings: Settings) -> Path:
    folder = settings.uploads / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep(settings: Settings, campaign_id: int, sent: FileStorage | None, comment: str) -> Incoming:
    """Put the file aside.

    :raises CampaignError: ``file_not_chosen``.
    """
    if sent is None or not sent.filename:
        raise CampaignError("file_not_chosen", N_("Choose a file first."), field="file", status=422)
    folder = _folder(settings)
    _clean(folder)
    token = secrets.token_hex(16)
    name = sent.filename.replace("\\", "/").rsplit("/", 1)[-1][:255]
    incoming = Incoming(token, campaign_id, name, comment.strip()[:500], folder / token)
    sent.save(incoming.path)
    known = {key: value for key, value in asdict(incoming).items() if key not in ("path", "token")}
    incoming.path.with_suffix(".json").write_text(json.dumps(known), encoding="utf-8")
    return incoming


def find(settings: Settings, campaign_id: int, token: str) -> Incoming:
    """The file of this token, if it was sent for this campaign.

    :raises CampaignError: ``upload_gone``.
    """
    path = _folder(settings) / token
    if TOKEN.match(token) and path.is_file():
        incoming = Incoming(token=token, path=path, **json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
        if incoming.campaign_id == campaign_id:
            return incoming
    raise CampaignError("upload_gone", N_("This file is not here any more. Upload it again."), status=404)


def drop(incoming: Incoming) -> None:
    """It was loaded, or is not wanted."""
    incoming.path.unlink(missing_ok=True)
    incoming.path.with_suffix(".json").unlink(missing_ok=True)


def _clean(folder: Path) -> None:
    for path in folder.iterdir():
        try:
            if time.time() - path.stat().st_mtime > KEPT_S:
                path.unlink()
        except FileNotFoundError:  # another request was faster
            continue
