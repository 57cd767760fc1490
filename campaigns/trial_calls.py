"""A call to a number of one's own, to hear a message on the telephone before anybody else does.

It is a real call, with all rules of the trunk, but none of the campaign's: it belongs to a campaign of its own that no
list shows, with one contact and one attempt, and which the sweep removes after a day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from campaigns import contacts_file, do_not_call, message_editing, phone_numbers, service
from campaigns.errors import CampaignError
from campaigns.message.blocks import Message
from campaigns.models import Attempt, AttemptStep, Campaign, Contact, ContactBase
from campaigns.states import BaseState, CampaignState, ContactState
from campaigns.store import TRIAL_LATE, trial_is_late
from campaigns.windows import CallingWindows
from config import audit, database
from config.errors import ObzvonError
from config.i18n import N_
from dialer.models import Trunk

SENTENCES = {
    "test_call_busy": N_("Several test calls of this campaign are on their way already: wait until they end."),
    "test_call_missing": N_("There is no such test call: they are kept for a day."),
    "test_call_do_not_call": N_("This number is on the do-not-call list: take it off there before you call it."),
    "test_call_late": N_("The test call was not made in time, and was given up."),
}
#: Test calls of one campaign at the same time.
MOST_AT_ONCE = 3
#: No second attempt within the life of a test call.
NEVER_S = 30 * 86400
#: What the rules of calling and the preparation may be taken from; the rest is a test call's own.
_COPIED = (
    "region",
    "timezone",
    "ring_s",
    "notification_s",
    "machines",
    "machines_doubtful",
    "sound",
    "sound_name",
    "sound_s",
)


@dataclass(frozen=True)
class Trial:
    """How far a test call is. ``stage`` is preparing, waiting, calling, done or failed."""

    id: int
    number: str
    stage: str
    attempt: Attempt | None = None
    steps: Sequence[AttemptStep] = ()
    #: Why it is not made, or was not.
    problem: ObzvonError | None = None
    #: The id of its contact, for the rules of calling.
    contact_id: int = 0

    @property
    def over(self) -> bool:
        return self.stage in ("done", "failed")


def make(
    campaign_id: int,
    number: str,
    *,
    trunk_id: int | None = None,
    message: Message | None = None,
    fields: Mapping[str, str] | None = None,
    by: str = "",
) -> int:
    """Have this number called with a campaign's message, or with one that is not saved yet.

    :param trunk_id: the campaign's trunk when left out.
    :param fields: the row of which the message speaks.
    :returns: the id under which :func:`look` tells how it goes.
    :raises CampaignError: row_too_wide, cell_too_long; test_call_busy; test_call_do_not_call; a number that is none;
        start_refused with every problem of the trunk.
    """
    contacts_file.check_row(fields or {})
    test_id = database.write(lambda session: _insert(session, campaign_id, number, trunk_id, message, fields or {}, by))
    try:
        service.start(test_id)
    except ObzvonError:
        _give_up(test_id)
        raise
    return test_id


def _insert(
    session: Session,
    campaign_id: int,
    number: str,
    trunk_id: int | None,
    message: Message | None,
    fields: Mapping[str, str],
    by: str,
) -> int:
    campaign = session.get(Campaign, campaign_id, with_for_update=True)
    if campaign is None or campaign.state == CampaignState.DELETING or campaign.test_of is not None:
        raise CampaignError("campaign_missing", "There is no such campaign.", status=404)
    # One whose time went by takes no place, though the sweep has not ended it yet.
    is_up = select(Attempt.id).where(Attempt.campaign_id == Campaign.id, Attempt.open_for_contact > 0).exists()
    in_time = Campaign.created_at >= database.utcnow() - TRIAL_LATE
    running = select(func.count()).where(Campaign.test_of == campaign_id, Campaign.state == CampaignState.RUNNING)
    running = running.where(or_(in_time, is_up))
    if (session.scalar(running) or 0) >= MOST_AT_ONCE:
        raise CampaignError("test_call_busy", SENTENCES["test_call_busy"], status=409)
    trunk = session.get(Trunk, trunk_id or campaign.trunk_id) if trunk_id or campaign.trunk_id else None
    found = phone_numbers.normalize(number, campaign.region, costly=trunk is not None and trunk.costly_allowed)
    if not isinstance(found, phone_numbers.Number):
        raise CampaignError(found.code, phone_numbers.SENTENCES[found.code], field="number", status=422)
    if do_not_call.among(session, [found.digits]):
        raise CampaignError("test_call_do_not_call", SENTENCES["test_call_do_not_call"], field="number", status=409)
    test = _campaign(campaign, trunk, message, by)
    session.add(test)
    session.flush()
    base = ContactBase(
        campaign_id=test.id, filename="", path="", sha256="", state=BaseState.READY, rows=1, accepted=1, created_by=by
    )
    session.add(base)
    session.flush()
    due_at = None if test.message is not None else database.utcnow()  # with a message: once it is prepared
    session.add(
        Contact(campaign_id=test.id, base_id=base.id, line=1, number=found.digits, fields=dict(fields), due_at=due_at)
    )
    audit.append(session, "test_call_made", "campaign", campaign_id, number=found.digits)
    return test.id


def _campaign(campaign: Campaign, trunk: Trunk | None, message: Message | None, by: str) -> Campaign:
    own_trunk = trunk is not None and trunk.id == campaign.trunk_id
    kept = campaign.message if message is None else message.to_json()
    made = Campaign(
        **{name: getattr(campaign, name) for name in _COPIED},
        name=campaign.name,
        test_of=campaign.id,
        trunk_id=trunk.id if trunk is not None else None,
        caller_id=campaign.caller_id if own_trunk else "",
        channel_limit=2,  # a hand-over to a number takes a second one
        attempts=1,
        retry_s=NEVER_S,
        windows=CallingWindows.daily("00:00", "24:00").to_json(),
        message=kept,
        created_by=by,
    )
    if made.message is not None:
        made.sound_s = 0.0  # preparing raises it
        made.message_version = message_editing.version_of(Message.model_validate(made.message), campaign.region)
    return made


def look(campaign_id: int, test_id: int) -> Trial:
    """How far it is. One that is late is not claimed any more; the sweep ends it (``removal.end_trials``).

    :raises CampaignError: test_call_missing.
    """
    with database.read() as session:
        test = session.get(Campaign, test_id)
        if test is None or test.test_of != campaign_id:
            raise CampaignError("test_call_missing", SENTENCES["test_call_missing"], status=404)
        contact = session.scalars(select(Contact).where(Contact.campaign_id == test_id)).first()
        attempt = session.scalars(select(Attempt).where(Attempt.campaign_id == test_id)).first()
        taken = select(AttemptStep).where(AttemptStep.campaign_id == test_id).order_by(AttemptStep.position)
        steps = list(session.scalars(taken))
    number = contact.number if contact is not None else ""
    if contact is None or attempt is not None:
        return _of_attempt(test, number, attempt, steps)
    stage, problem = _before(test, contact)
    return Trial(test_id, number, stage, problem=problem, contact_id=contact.id)


def _of_attempt(test: Campaign, number: str, attempt: Attempt | None, steps: Sequence[AttemptStep]) -> Trial:
    if attempt is None:
        error = CampaignError("test_call_missing", SENTENCES["test_call_missing"])
        return Trial(test.id, number, "failed", problem=error)
    if attempt.disposition is None:
        return Trial(test.id, number, "calling", attempt, contact_id=attempt.contact_id)
    return Trial(test.id, number, "done", attempt, steps, contact_id=attempt.contact_id)


def _before(test: Campaign, contact: Contact) -> tuple[str, ObzvonError | None]:
    """No call yet: what it waits for."""
    if contact.prepare_code:
        return "failed", _told(contact.prepare_code, column=contact.prepare_column, field=contact.prepare_column)
    if test.state_code:  # the product paused it, as it would the real one
        return "failed", _told(test.state_code, detail=test.state_detail)
    late = trial_is_late(test, database.utcnow())
    if late or contact.state != ContactState.PENDING or test.state != CampaignState.RUNNING:
        return "failed", CampaignError("test_call_late", SENTENCES["test_call_late"])
    if test.message is not None and contact.prepared != test.message_version:
        progress = message_editing.prepare_progress(test.id)
        return "preparing", _told(progress.problem, **progress.words) if progress.problem else None
    return "waiting", None


def _told(kept: str, **words: object) -> CampaignError:
    """A code that was kept as an error again."""
    return CampaignError(kept, kept, words=words)


def _give_up(test_id: int) -> None:
    def work(session: Session) -> None:
        states = (CampaignState.DRAFT, CampaignState.RUNNING, CampaignState.PAUSED)
        session.execute(
            update(Campaign)
            .where(Campaign.id == test_id, Campaign.test_of.is_not(None), Campaign.state.in_(states))
            .values(state=CampaignState.STOPPED)
        )

    database.write(work)
