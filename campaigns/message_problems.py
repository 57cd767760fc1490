"""What is missing for a message of blocks before its campaign may start: recordings, voices, columns of the bases."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import sounds, voices
from campaigns.errors import CampaignError
from campaigns.message import flow
from campaigns.message.blocks import Blocks, FieldBlock, Message, Missing, TextBlock, Transfer
from campaigns.models import Campaign, ContactBase
from campaigns.prepared import around
from campaigns.states import BaseState
from config.database import utcnow
from config.i18n import N_
from config.settings import Settings
from dialer.models import Trunk
from dialer.pbx_config import QUEUES
from tts.engines.chain import Chain
from tts.engines.speech import SpeechError

SENTENCES = {
    "message_column_missing": N_(
        "The message speaks the column {column}, which the base {base} does not have: add it, or change the message."
    ),
    "message_queue_unknown": N_("There is no queue {queue}: choose one of {queues}."),
    "message_voice_unknown": N_(
        "The voice {voice} does not speak the language {language} here: choose one of {voices}, or none for the first."
    ),
    "message_no_voice": N_("No voice speaks the language {language}: choose another, or install one."),
}


def found(session: Session, campaign: Campaign, settings: Settings) -> list[CampaignError]:
    """Everything that would keep all contacts, or those of a base, from hearing the message."""
    message = Message.model_validate(campaign.message)
    return [
        *_lost_sounds(session, campaign, settings),
        *unknown_names(message, voices.chain(session)),
        *voice_problems(session, message),
        *_lacking_columns(session, campaign, message),
        *_forbidden(session, campaign, message),
    ]


def _lost_sounds(session: Session, campaign: Campaign, settings: Settings) -> list[CampaignError]:
    for stem in sorted(sounds.recorded(campaign.message)):
        if not sounds.has(settings.sounds, stem) and not sounds.is_kept(session, stem):
            return [CampaignError("sound_lost", "The message's sound file is gone: upload it again.", field="message")]
    return []


def unknown_names(message: Message, chain: Chain) -> list[CampaignError]:
    """Queues that there are not, and voices that are not those of their language.

    Where nobody at all speaks a language, a message made elsewhere may be kept: Start says what is missing.
    """
    asked = sorted({action.queue for action in message.actions() if isinstance(action, Transfer)} - set(QUEUES))
    problems = [_problem("message_queue_unknown", queue=queue, queues=", ".join(QUEUES)) for queue in asked]
    for language, voice in sorted(message.voices.items()):
        known = [found.name for _engine, found in chain.voices(language)]
        if voice and known and voice not in known:
            words = {"voice": voice, "language": language, "voices": ", ".join(known)}
            problems.append(_problem("message_voice_unknown", **words))
    return problems


def voice_problems(session: Session, message: Message) -> list[CampaignError]:
    """Languages that nobody speaks, or nobody who may say these words."""
    chain = voices.chain(session)
    problems: dict[str, CampaignError] = {}
    for _place, variants in message.spoken():
        for language, blocks in variants.items():
            error = _not_spoken(chain, language, blocks)
            if error is not None:
                problems.setdefault(language, error)
    return list(problems.values())


def _not_spoken(chain: Chain, language: str, blocks: Blocks) -> CampaignError | None:
    personal = any(isinstance(block, FieldBlock) for block in blocks)
    if not personal and not any(isinstance(block, TextBlock) for block in blocks):
        return None
    try:
        chain.choice(language, personal=personal)
    except SpeechError as error:
        if error.code == "speech_no_engine":
            return _problem("message_no_voice", language=language)
        return CampaignError(error.code, error.sentence, field="message", words=error.words)
    return None


def _lacking_columns(session: Session, campaign: Campaign, message: Message) -> list[CampaignError]:
    """Columns that a ready base lacks; a block that may be left out needs none."""
    fields = [block for block in message.blocks() if isinstance(block, FieldBlock)]
    needed = {block.column for block in fields if block.missing is Missing.REFUSE}
    needed |= {message.language_column} - {""}
    query = select(ContactBase.filename, ContactBase.layout)
    bases = session.execute(
        query.where(ContactBase.campaign_id == campaign.id, ContactBase.state == BaseState.READY)
    ).all()
    problems = []
    for column in sorted(needed):
        lacking = next((base.filename for base in bases if _lacks(base.layout, column)), None)
        if lacking is not None:
            problems.append(_problem("message_column_missing", column=column, base=lacking))
    return problems


def _lacks(layout: dict[str, object] | None, column: str) -> bool:
    columns = (layout or {}).get("columns")
    return isinstance(columns, list) and column not in columns


def _forbidden(session: Session, campaign: Campaign, message: Message) -> list[CampaignError]:
    """A hand-over that the trunk's rules forbid."""
    trunk = session.get(Trunk, campaign.trunk_id) if campaign.trunk_id else None
    refused = flow.refusal(message, around(campaign, trunk, "", utcnow())) if trunk is not None else None
    return [refused] if refused is not None else []


def _problem(code: str, **words: object) -> CampaignError:
    return CampaignError(code, SENTENCES[code].format(**words), field="message", words=words)
