"""Everything that the editor's templates show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaigns import sounds
from campaigns.message.blocks import Message
from campaigns.message.compose import language_of
from campaigns.models import Campaign, Contact
from config import database
from config.errors import ObzvonError
from config.settings import Settings
from dialer import trunks
from dialer.pbx_config import QUEUES
from tts import phrases
from web import queries
from web.message import heard, problems, tree, voices, words
from web.message.draft import ACTION_KINDS, AFTER_KINDS, Draft, DraftBlock, of_message, of_sound
from web.message.form import Form, Screen

STEM = re.compile(r"[0-9a-f]{32}\Z")
#: What money is where the campaign is; a choice to begin with.
CURRENCIES = {"US": "USD", "GB": "GBP", "KZ": "KZT", "UA": "UAH", "CZ": "CZK", "DE": "EUR", "AT": "EUR"}
#: Contacts to choose from; others are found by a part of their number.
OFFERED = 30


@dataclass
class Desk:
    """One campaign's message being worked on."""

    campaign: Campaign
    draft: Draft
    screen: Screen
    columns: list[str]
    contacts: list[Contact]
    contact: Contact | None
    examples: dict[str, str]
    checked: problems.Checked = field(default_factory=problems.Checked)
    heard: dict[str, heard.Heard] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, str]:
        """The row that is heard."""
        if self.contact is not None:
            return {str(name): str(value) for name, value in self.contact.fields.items()}
        return self.examples

    @property
    def saved(self) -> bool:
        """Whether the message on the screen is the campaign's."""
        return self.checked.message is not None and self.checked.message.to_json() == self.campaign.message

    @property
    def contact_language(self) -> str:
        """The language in which the chosen contact hears the message; '' when it cannot be told yet."""
        if self.checked.message is None or self.contact is None:
            return ""
        return language_of(self.checked.message, self.fields)


def of_campaign(campaign: Campaign) -> Draft:
    """The campaign's message, or its sound as the only block of one."""
    if campaign.message is not None:
        return of_message(Message.model_validate(campaign.message))
    language = {"CZ": "cs", "UA": "uk", "KZ": "kk", "DE": "de", "AT": "de", "GB": "en", "US": "en"}
    return of_sound(campaign.sound, campaign.sound_name, campaign.sound_s, language.get(campaign.region, "ru"))


def desk(campaign: Campaign, draft: Draft, screen: Screen, form: Form | None, settings: Settings) -> Desk:
    """Look everything up and check it."""
    screen.fit(draft)
    for block in _blocks(draft):
        if block.say == "money":
            block.currency = block.currency or CURRENCIES.get(campaign.region, "RUB")
    columns, has_bases = _columns(campaign.id)
    contacts = list(queries.contacts(campaign.id, number=screen.find, per_page=OFFERED).items)
    contact = _contact(campaign.id, screen.contact, contacts)
    made = Desk(campaign, draft, screen, columns, contacts, contact, _examples(draft, form))
    known = problems.Known(columns, has_bases, voices.names(), _lost(draft, settings))
    made.checked = problems.check(draft, known)
    hear(made)
    return made


def hear(made: Desk) -> None:
    """What is said at the step and in the language on the screen."""
    step, code = made.draft.steps[made.screen.step], made.screen.language
    made.heard = {
        prefix: heard.listen(made.draft, blocks, code, made.fields, made.campaign.region)
        for prefix, blocks in step.lists(code)
    }


def follow_contact(made: Desk, form: Form) -> None:
    """Another contact was chosen: the screen shows the language that he hears."""
    shown = form.get("shown-contact", "")
    if made.contact is not None and shown and shown != str(made.contact.id):
        code = made.contact_language
        if code and code != made.screen.language:
            made.screen.language = code
            hear(made)


def words_of(made: Desk) -> dict[str, Any]:
    """The names that the templates use."""
    return {
        "desk": made,
        "campaign": made.campaign,
        "draft": made.draft,
        "screen": made.screen,
        "step": made.draft.steps[made.screen.step],
        "checked": made.checked,
        "columns": made.columns,
        "words": words,
        "languages": phrases.LANGUAGES,
        "voices": voices.by_language(),
        "tree": tree.rows(made.draft),
        "step_title": tree.step_title,
        "stem_fits": lambda stem: bool(STEM.match(stem)),
        "used_columns": used_columns(made.draft),
        "trunks": trunks.all_trunks(),
        "trial_number": made.screen.trial_number,
        "trial_trunk": made.screen.trial_trunk or str(made.campaign.trunk_id),
        "action_kinds": ACTION_KINDS,
        "queues": QUEUES,
        "after_kinds": AFTER_KINDS,
    }


def used_columns(draft: Draft) -> list[str]:
    """Columns that the message speaks, or that say its language."""
    named = [block.column for block in _blocks(draft) if block.kind == "field"]
    return [name for name in dict.fromkeys([*named, draft.language_column]) if name]


def _blocks(draft: Draft) -> Iterator[DraftBlock]:
    for step in draft.steps.values():
        for code in draft.all_languages():
            for _prefix, blocks in step.lists(code):
                yield from blocks


def _columns(campaign_id: int) -> tuple[list[str], bool]:
    bases = queries.bases(campaign_id)
    names = (name for base in bases for name in (base.layout or {}).get("columns", ()))
    found = list(dict.fromkeys(str(name) for name in names))
    return found, bool(found)


def _contact(campaign_id: int, wanted: int, offered: list[Contact]) -> Contact | None:
    """The one asked for; else the first that there is."""
    for contact in offered:
        if contact.id == wanted:
            return contact
    if wanted and not offered:
        try:
            return queries.contact(campaign_id, wanted)
        except ObzvonError:
            return None
    return offered[0] if offered else None


def _examples(draft: Draft, form: Form | None) -> dict[str, str]:
    """Values that were typed to try the message before there is a base."""
    if form is None:
        return {}
    names, values = form.getlist("x-name"), form.getlist("x-value")
    return {name: value for name, value in zip(names, values, strict=False) if name in used_columns(draft)}


def _lost(draft: Draft, settings: Settings) -> set[str]:
    stems = {block.stem for block in _blocks(draft) if block.kind == "sound" and block.stem}
    return {stem for stem in stems if not STEM.match(stem) or not sound_is_there(settings, stem)}


def sound_is_there(settings: Settings, stem: str) -> bool:
    """Here, or in the database, from which every home fetches it."""
    if sounds.has(settings.sounds, stem):
        return True
    with database.read() as session:
        return sounds.is_kept(session, stem)


def fetch_sound(folder: Path, stem: str) -> bool:
    """Get a sound that another home has taken in."""
    return sounds.fetch(folder, stem)
