"""Contacts have their sound before they are called, on both databases: N9, N15, and nobody is lost on the way (I2)."""

import datetime as dt

import pytest
from sqlalchemy import func, select, update

from campaigns import erasure, jobs, piece_store, prepared, preparing, service, sounds, speaking, voices
from campaigns.message.blocks import Message
from campaigns.message.prompts import Prompts
from campaigns.models import Attempt, Campaign, Contact, ContactBase, Preparation, SoundFile
from campaigns.states import BaseState, CampaignState, ContactState, Disposition
from config import database, messages, settings
from config.database import utcnow
from dialer.calls import CallOutcome
from dialer.models import Node, Trunk
from tests.integration.calling.rig import claim, contact_rows, ended, make, one
from tests.support.speech import Hummer

pytestmark = pytest.mark.usefixtures("app")

MONEY = {"kind": "field", "column": "Debt", "say": "money", "currency": "USD"}


def message(*blocks, **more):
    return Message.model_validate({"default_language": "en", "variants": {"en": list(blocks)}} | more)


def text(words):
    return {"kind": "text", "text": words}


DEBT = message(text("Your debt is"), MONEY)


@pytest.fixture(autouse=True)
def hummer(monkeypatch):
    """The only engine. Nothing is sent to a broker; the tests run what would run."""
    engine = Hummer()
    _only(monkeypatch, engine)
    return engine


def _only(monkeypatch, engine):
    monkeypatch.setattr(voices, "_made", {})
    monkeypatch.setattr(voices, "_engines", lambda *_: [engine])
    monkeypatch.setattr(messages, "send", lambda *_args, **_more: True)


def campaign(amounts, said=DEBT, **more):
    """A running campaign whose contacts have these amounts. :returns: its id."""
    campaign_id = make(contacts=len(amounts), channel_limit=50, **more)

    def work(session):
        contacts = session.scalars(select(Contact).where(Contact.campaign_id == campaign_id).order_by(Contact.id))
        for contact, amount in zip(contacts, amounts, strict=True):
            contact.fields = {} if amount is None else {"Debt": amount}

    database.write(work)
    if said is not None:
        service.set_message(campaign_id, said)
    return campaign_id


def prepare(campaign_id):
    """Until nothing is left to do. :returns: campaigns woken."""
    woken = []
    for _ in range(10):
        if not preparing.run(campaign_id, woken.append):
            return woken
    raise AssertionError("it never ends")


def called(campaign_id):
    """A claim until there is no more, with the files of this home. :returns: requests by number."""
    requests, found = [], None
    while found is None or found.more:
        found = claim(campaign_id)
        requests += found.requests
    return {request.number: request for request in requests}


def test_n15_nobody_is_called_before_his_sound_is_there():
    campaign_id = campaign(["7", "8"])
    assert called(campaign_id) == {}
    assert {contact.due_at for contact in contact_rows(campaign_id)} == {None}
    assert prepare(campaign_id)
    requests = called(campaign_id)
    assert sorted(requests) == ["79005550000", "79005550001"]
    files = [request.variables["OBZ_F_main_1"].split("&") for request in requests.values()]
    assert files[0][0] == files[1][0]
    assert files[0][1] != files[1][1]
    for name in {name for of_call in files for name in of_call}:
        assert piece_store.pieces().has(name.removeprefix("o/"))


def test_n9_shared_words_are_spoken_once(hummer):
    prepare(campaign(["7", "8", "7", "1251.20"]))
    assert sorted(hummer.said) == [
        "Your debt is",
        "eight dollars",
        "one thousand two hundred fifty-one dollars twenty cents",
        "seven dollars",
    ]


def test_who_cannot_be_spoken_to_ends_visibly_and_the_rest_is_called():
    campaign_id = campaign(["7", None, "a lot", "9"])
    prepare(campaign_id)
    contacts = contact_rows(campaign_id)
    assert [contact.state for contact in contacts] == ["pending", "not_reached", "not_reached", "pending"]
    assert [contact.prepare_code for contact in contacts] == ["", "message_field_missing", "number_wrong", ""]
    assert [contact.prepare_column for contact in contacts] == ["", "Debt", "Debt", ""]
    assert contacts[1].last_disposition == Disposition.NOT_PREPARED
    nobody = campaign([None, "a lot"])
    prepare(nobody)
    codes = {problem.code for problem in service.start_problems(nobody)}
    assert codes & {"no_contacts", "no_contacts_prepared"} == {
        "no_contacts_prepared"
    }  # it is the message, not the base
    progress = service.prepare_progress(campaign_id)
    assert (progress.pending, progress.ready, progress.not_prepared) == (2, 2, 2)
    assert (progress.working, progress.problem) == (False, "")
    assert len(called(campaign_id)) == 2


def test_a_changed_message_is_prepared_anew_and_gives_the_refused_another_chance():
    campaign_id = campaign(["7", None])
    prepare(campaign_id)
    old = Prompts.from_json(contact_rows(campaign_id)[0].prompts)
    service.set_message(campaign_id, message(text("You owe"), MONEY | {"missing": "skip"}))
    assert called(campaign_id) == {}
    prepare(campaign_id)
    contacts = contact_rows(campaign_id)
    assert [contact.state for contact in contacts] == ["pending", "pending"]
    new = Prompts.from_json(contacts[0].prompts)
    assert new.main[0] != old.main[0]
    assert new.main[1] == old.main[1]
    assert len(Prompts.from_json(contacts[1].prompts).main) == 1
    assert len(called(campaign_id)) == 2


def test_back_to_the_message_before_is_prepared_too():
    """The version is the same as before; nobody may be left waiting for a sound that he has."""
    campaign_id = campaign(["7"])
    prepare(campaign_id)
    service.set_message(campaign_id, message(text("Hello")))
    called(campaign_id)
    service.set_message(campaign_id, DEBT)
    prepare(campaign_id)
    assert len(called(campaign_id)) == 1


def test_a_call_that_is_up_keeps_what_it_plays():
    campaign_id = campaign(["7"], attempts=3)
    prepare(campaign_id)
    request = called(campaign_id)["79005550000"]
    before = contact_rows(campaign_id)[0].prompts
    service.set_message(campaign_id, message(text("Hello")))
    prepare(campaign_id)
    assert contact_rows(campaign_id)[0].prompts == before
    assert set(Prompts.from_json(before).stems()) <= piece_store.needed()
    ended([request], CallOutcome.BUSY)
    prepare(campaign_id)
    again = contact_rows(campaign_id)[0]
    assert again.prompts != before
    assert again.due_at > utcnow()


def test_a_retry_is_due_when_it_was_and_is_not_prepared_twice(hummer):
    campaign_id = campaign(["7"], attempts=3)
    prepare(campaign_id)
    ended(called(campaign_id).values(), CallOutcome.BUSY)
    due = contact_rows(campaign_id)[0].due_at
    hummer.said.clear()
    prepare(campaign_id)
    assert contact_rows(campaign_id)[0].due_at == due
    assert hummer.said == []


def test_contacts_of_a_base_that_is_not_ready_wait():
    campaign_id = campaign(["7"])
    for state in (BaseState.LOADING, BaseState.READY):
        database.write(lambda session, state=state: session.execute(update(ContactBase).values(state=state)))
        prepare(campaign_id)
        assert len(called(campaign_id)) == (state == BaseState.READY)


@pytest.mark.parametrize("state", [CampaignState.STOPPED, CampaignState.FINISHED, CampaignState.DELETING])
def test_nothing_is_prepared_for_a_campaign_that_is_over(state, hummer):
    campaign_id = campaign(["7"])
    database.write(lambda session: session.execute(update(Campaign).values(state=state)))
    assert campaign_id not in preparing.waiting()
    prepare(campaign_id)
    assert hummer.said == []


def test_an_engine_that_is_ill_keeps_its_contacts_and_tells_why(hummer):
    campaign_id = campaign(["7"])
    hummer.dead = True
    assert not preparing.run(campaign_id, lambda _campaign_id: None)
    progress = service.prepare_progress(campaign_id)
    assert (progress.problem, progress.pending, progress.ready) == ("speech_no_engine", 1, 0)
    assert campaign_id in preparing.waiting()
    hummer.dead = False
    prepare(campaign_id)
    assert service.prepare_progress(campaign_id).problem == ""
    assert len(called(campaign_id)) == 1


def test_words_that_no_engine_can_say_end_their_contact_alone(hummer):
    campaign_id = campaign(["7", "8"])
    hummer.broken = {"seven dollars"}
    prepare(campaign_id)
    first, second = contact_rows(campaign_id)
    assert (first.state, first.prepare_code, first.prepare_column) == ("not_reached", "speech_no_engine", "Debt")
    assert second.prompts


@pytest.mark.parametrize("where", ["plan", "sound"])
def test_a_slip_of_ours_with_one_contact_holds_up_no_other(hummer, monkeypatch, where):
    """It would end each run at him, with nothing said to anybody, and all behind him would wait for ever."""
    campaign_id = campaign(["7", "8", "9"])
    place, name = (speaking, "plan") if where == "plan" else (hummer, "synthesize")
    real = getattr(place, name)

    def slips(words, *more, **named):
        if "eight dollars" in (words, *more) or {"Debt": "8"} in more:
            raise RuntimeError("a slip")
        return real(words, *more, **named)

    monkeypatch.setattr(place, name, slips)
    prepare(campaign_id)
    assert [bool(row.prompts) for row in contact_rows(campaign_id)] == [True, False, True]
    assert service.prepare_progress(campaign_id).problem == "speech_no_engine"


def test_two_at_once_do_not_prepare_the_same_and_a_dead_one_is_taken_over(hummer):
    campaign_id = campaign(["7"])
    hold = {"holder": "another", "beat_at": utcnow()}
    database.write(lambda session: session.add(Preparation(campaign_id=campaign_id, **hold)))
    prepare(campaign_id)
    assert hummer.said == []
    assert campaign_id not in preparing.waiting()
    old = {"beat_at": utcnow() - preparing.DEAD_AFTER * 2}
    database.write(lambda session: session.execute(update(Preparation).values(**old)))
    assert campaign_id in preparing.waiting()
    prepare(campaign_id)
    assert len(called(campaign_id)) == 1


def test_a_run_that_lost_its_campaign_changes_nothing(monkeypatch):
    """The message is changed while the sound of the one before is being made."""
    campaign_id = campaign(["7"])
    monkeypatch.setattr(preparing, "_share", lambda *_: service.set_message(campaign_id, message(text("Hello"))))
    assert preparing.run(campaign_id, lambda _campaign_id: None)
    assert contact_rows(campaign_id)[0].prompts is None


def test_prepared_ahead_of_need_not_all_at_once(monkeypatch, hummer):
    monkeypatch.setattr(preparing, "AHEAD", 4)
    monkeypatch.setattr(preparing, "CHUNK", 2)
    campaign_id = campaign([str(amount) for amount in range(1, 11)], notification_s=1)
    prepare(campaign_id)
    assert service.prepare_progress(campaign_id).ready == 4
    ended(called(campaign_id).values(), CallOutcome.ANSWERED, listened_s=60.0)
    prepare(campaign_id)
    progress = service.prepare_progress(campaign_id)
    assert (progress.pending, progress.ready) == (6, 4)
    assert len(hummer.said) == 9  # the shared words, and eight amounts


def test_a_message_for_all_is_prepared_for_all_at_once(monkeypatch, hummer):
    monkeypatch.setattr(preparing, "AHEAD", 4)
    campaign_id = campaign(["7"] * 10, message(text("Hello")))
    prepare(campaign_id)
    assert service.prepare_progress(campaign_id).ready == 10
    assert hummer.said == ["Hello"]


def test_pieces_stay_within_their_limit_and_are_made_again_when_needed(monkeypatch, hummer):
    """Due tomorrow again: what was made is given up, and made anew when the time comes."""
    campaign_id = campaign(["7", "8"], attempts=3, retry_s=86400)
    prepare(campaign_id)
    ended(called(campaign_id).values(), CallOutcome.BUSY)
    monkeypatch.setattr(piece_store, "most_bytes", lambda: 100)
    monkeypatch.setattr("tts.pieces.YOUNG_S", -10.0)
    assert piece_store.make_room()
    assert piece_store.pieces().size() == 0
    assert {contact.prepared for contact in contact_rows(campaign_id)} == {""}
    monkeypatch.undo()
    _only(monkeypatch, hummer)
    assert called(campaign_id) == {}
    database.write(lambda session: session.execute(update(Contact).values(due_at=utcnow() + dt.timedelta(minutes=5))))
    prepare(campaign_id)
    database.write(lambda session: session.execute(update(Contact).values(due_at=utcnow())))
    assert len(called(campaign_id)) == 2


def test_what_is_needed_is_not_dropped(monkeypatch):
    campaign_id = campaign(["7", "8"])
    prepare(campaign_id)
    monkeypatch.setattr(piece_store, "most_bytes", lambda: 100)
    monkeypatch.setattr("tts.pieces.YOUNG_S", -10.0)
    assert not piece_store.make_room()
    assert all(map(piece_store.pieces().has, piece_store.needed()))


def test_a_stopped_campaign_keeps_no_room_from_the_others(monkeypatch, hummer):
    """What was made for it is given up; started again it is made anew."""
    campaign_id = campaign(["7", "8"])
    prepare(campaign_id)
    service.stop(campaign_id)
    with monkeypatch.context() as tight:
        tight.setattr(piece_store, "most_bytes", lambda: 100)
        tight.setattr("tts.pieces.YOUNG_S", -10.0)
        assert piece_store.make_room()
        assert piece_store.pieces().size() == 0
    database.write(lambda session: session.execute(update(Campaign).values(state=CampaignState.RUNNING)))
    assert called(campaign_id) == {}
    prepare(campaign_id)
    assert len(called(campaign_id)) == 2


def test_who_does_not_call_keeps_little_ready(monkeypatch):
    """A draft or a paused campaign has enough to begin at once; started, it is prepared for at full length."""
    monkeypatch.setattr(preparing, "AHEAD", 4)
    monkeypatch.setattr(preparing, "AHEAD_AT_REST", 2)
    monkeypatch.setattr(preparing, "CHUNK", 1)
    campaign_id = campaign([str(amount) for amount in range(1, 8)])
    service.pause(campaign_id)
    prepare(campaign_id)
    assert service.prepare_progress(campaign_id).ready == 2
    assert campaign_id not in preparing.waiting()
    sent = []
    monkeypatch.setattr(messages, "send", lambda task, ids=(), **_more: sent.append((task, list(ids))))
    service.start(campaign_id)
    assert ("campaigns.prepare", [campaign_id]) in sent
    assert campaign_id in preparing.waiting()
    prepare(campaign_id)
    assert service.prepare_progress(campaign_id).ready == 4


@pytest.mark.parametrize("state", [CampaignState.DRAFT, CampaignState.PAUSED])
def test_who_calls_has_the_room_of_those_who_do_not(monkeypatch, state):
    """Whose sound was given up makes none again before he is started, or before there is room."""
    monkeypatch.setattr("tts.pieces.YOUNG_S", -10.0)
    monkeypatch.setattr(preparing, "LOOK_S", -1.0)
    monkeypatch.setattr(preparing, "CHUNK", 4)
    alike = campaign(["7", "8"], message(text("Hello")))
    idle = campaign(["21", "22", "23", "24"])
    database.write(lambda session: session.execute(update(Campaign).values(state=state)))
    calling = campaign([str(amount) for amount in range(1, 17)])
    prepare(alike)
    prepare(idle)
    with monkeypatch.context() as at_first:
        at_first.setattr(preparing, "AHEAD", 12)
        prepare(calling)
    room = int(piece_store.pieces().size() * 0.95)
    monkeypatch.setattr(piece_store, "most_bytes", lambda: room)
    prepare(calling)
    progress = service.prepare_progress(calling)
    assert (progress.ready, progress.problem) == (16, "")
    assert service.prepare_progress(alike).ready == 2  # one file for all: nothing would be won
    progress = service.prepare_progress(idle)
    assert progress.problem == "speech_cache_for_running"
    left = progress.ready
    assert left < 4
    assert idle not in preparing.waiting()
    assert not preparing.run(idle, lambda _campaign_id: None)
    assert service.prepare_progress(idle).ready == left
    assert len(called(calling)) == 16
    started = update(Campaign).where(Campaign.id == idle).values(state=CampaignState.RUNNING)
    database.write(lambda session: session.execute(started))
    assert idle in preparing.waiting()
    assert service.prepare_progress(idle).problem == ""


def test_with_room_again_those_who_do_not_call_are_prepared(monkeypatch):
    idle = campaign(["7", "8"])
    service.pause(idle)
    with monkeypatch.context() as tight:
        tight.setattr(piece_store, "most_bytes", lambda: 100)
        tight.setattr(piece_store, "needed", lambda: {path.stem for path in piece_store.pieces().folder.iterdir()})
        prepare(campaign(["9"]))
        assert idle not in preparing.waiting()
    assert idle in preparing.waiting()
    prepare(idle)
    assert service.prepare_progress(idle).ready == 2


def test_a_full_cache_is_told_and_stops_no_call(monkeypatch):
    campaign_id = campaign(["7"])
    monkeypatch.setattr(piece_store, "make_room", lambda: False)
    prepare(campaign_id)
    progress = service.prepare_progress(campaign_id)
    assert (progress.problem, progress.words) == ("speech_cache_full", {"limit": settings.get().speech_cache_mb})


def test_without_a_message_of_blocks_everybody_is_due_again():
    campaign_id = campaign(["7", "8"])
    assert called(campaign_id) == {}
    service.set_message(campaign_id, None)
    requests = called(campaign_id)
    assert {request.sound for request in requests.values()} == {"ab"}
    assert all(not request.variables for request in requests.values())


def test_the_sweep_frees_whom_an_interrupted_change_left_waiting():
    campaign_id = campaign(["7"], None)
    database.write(lambda session: session.execute(update(Contact).values(due_at=None)))
    preparing.sweep()
    assert len(called(campaign_id)) == 1


def test_a_node_without_the_pieces_gets_them_or_has_them_made_again(monkeypatch, tmp_path):
    """The trunk has a node elsewhere: pieces are in the database too, and one lost there parks its contact."""

    def work(session):
        trunk = session.get(Trunk, 1)
        trunk.nodes.append(Node(id=2, name="second", channels=10, cps=10, connected=True))

    database.write(work)
    campaign_id = campaign(["7", "8"])
    prepare(campaign_id)
    assert one(select(func.count()).select_from(SoundFile).where(SoundFile.made)) == 3
    contacts = contact_rows(campaign_id)
    stem = Prompts.from_json(contacts[0].prompts).main[1]
    assert sounds.fetch(tmp_path, stem)
    assert (tmp_path / f"{stem}.wav").read_bytes() == piece_store.pieces().path(stem).read_bytes()
    chosen, lacking = database.write(lambda session: _variables(session, campaign_id, lambda one: one != stem))
    assert [contact.id for contact, _variables in chosen] == [contacts[1].id]
    assert lacking == {contacts[0].id: {stem}}
    database.write(lambda session: prepared.unprepare(session, [contacts[0].id]))
    assert list(called(campaign_id)) == ["79005550001"]
    prepare(campaign_id)
    assert list(called(campaign_id)) == ["79005550000"]


def _variables(session, campaign_id, has_piece):
    rows = session.execute(select(Contact.__table__).where(Contact.campaign_id == campaign_id)).all()
    trunk = session.get(Trunk, 1)
    return prepared.variables(session, session.get(Campaign, campaign_id), trunk, rows, has_piece, utcnow())


def test_pieces_that_nobody_needs_leave_the_database(monkeypatch):
    campaign_id = campaign(["7"])
    prepare(campaign_id)
    needed = Prompts.from_json(contact_rows(campaign_id)[0].prompts).main
    for stem in needed:
        sounds.keep(settings.get().played, stem, made=True)
    old = utcnow() - sounds.KEEP_UNUSED * 2
    database.write(lambda session: session.execute(update(SoundFile).values(created_at=old)))
    sounds.sweep(lambda: set(needed[:1]))
    assert one(select(SoundFile.stem)) == needed[0]


def test_a_recording_of_a_message_is_not_swept():
    def work(session):
        session.add(SoundFile(stem="ab" * 16, size=1, sha256="0", created_at=utcnow() - sounds.KEEP_UNUSED * 2))

    database.write(work)
    campaign([], message({"kind": "sound", "stem": "ab" * 16}))
    sounds.sweep(set)
    assert one(select(SoundFile.stem)) == "ab" * 16


def test_a_forgotten_person_leaves_no_words_behind():
    campaign_id = campaign(["7", "8"])
    prepare(campaign_id)
    first, second = (Prompts.from_json(contact.prompts) for contact in contact_rows(campaign_id))
    erasure.erase("+79005550000")
    contact = contact_rows(campaign_id)[0]
    assert (contact.prompts, contact.prepared) == (None, "")
    kept = piece_store.pieces()
    assert [kept.has(stem) for stem in first.main] == [True, False]
    assert all(map(kept.has, second.main))


def test_listening_before_and_after_saving(hummer):
    campaign_id = campaign(["7"], None)
    contact = contact_rows(campaign_id)[0]
    heard = service.preview(campaign_id, contact.id, message=DEBT)
    assert heard.stat().st_size > 1000
    assert hummer.said == ["Your debt is", "seven dollars"]
    service.set_message(campaign_id, DEBT)
    assert service.preview(campaign_id, contact.id) == heard
    assert service.preview(campaign_id, fields={"Debt": "8"}) != heard
    assert service.preview_text(campaign_id, contact.id) == {"main": "Your debt is seven dollars"}
    with pytest.raises(service.CampaignError, match="empty"):
        service.preview(campaign_id, fields={})
    with pytest.raises(service.CampaignError, match="no message"):
        service.preview(campaign_id, contact.id, place="nowhere")


def test_start_tells_what_the_message_lacks():
    campaign_id = campaign(["7"], None)
    lacking = message(MONEY, {"kind": "sound", "stem": "ab" * 16})
    with pytest.raises(service.CampaignError, match="gone"):  # it runs: a slip would end every contact that is due
        service.set_message(campaign_id, lacking)
    service.pause(campaign_id)
    service.set_message(campaign_id, lacking)
    layout = {"columns": ["Phone", "Sum"]}
    database.write(lambda session: session.execute(update(ContactBase).values(layout=layout)))
    codes = {problem.code for problem in service.start_problems(campaign_id)}
    assert {"sound_lost", "message_column_missing"} <= codes
    nobodys = message(MONEY, voices={"en": "nobody"}, after={"kind": "transfer", "queue": "nowhere"})
    with pytest.raises(service.CampaignError, match="queue nowhere: choose one of operators"):
        service.set_message(campaign_id, nobodys)
    with pytest.raises(service.CampaignError, match=r"The voice nobody does not speak .*: choose one of hum"):
        service.set_message(campaign_id, message(MONEY, voices={"en": "nobody"}))
    # Kept before its voice was removed from the machine.
    database.write(lambda session: session.execute(update(Campaign).values(message=nobodys.to_json())))
    codes = {problem.code for problem in service.start_problems(campaign_id)}
    assert {"message_voice_unknown", "message_queue_unknown"} <= codes
    kazakh = Message.model_validate({"default_language": "kk", "variants": {"kk": [text("Сәлем")]}})
    service.set_message(campaign_id, kazakh)
    assert "message_no_voice" in {problem.code for problem in service.start_problems(campaign_id)}


def test_a_campaign_with_blocks_starts():
    """The same checks inside of the transaction that starts it, where nothing else may be asked of the database."""
    campaign_id = campaign(["7"])
    service.pause(campaign_id)
    service.start(campaign_id)
    assert service.get(campaign_id).state == CampaignState.RUNNING


def test_why_a_contact_is_not_called():
    campaign_id = campaign(["7"])
    contact_id = contact_rows(campaign_id)[0].id
    assert service.why_not_called(contact_id).rule == "not_prepared"
    prepare(campaign_id)
    assert service.why_not_called(contact_id).allowed


def test_the_most_that_a_call_lasts_is_known_to_the_caps():
    campaign_id = campaign(["7"])
    prepare(campaign_id)
    said = Prompts.from_json(contact_rows(campaign_id)[0].prompts)
    row = service.get(campaign_id)
    assert row.sound_s == pytest.approx(said.seconds)
    assert prepared.longest_s(row) >= said.seconds


def test_the_campaign_ends_when_nobody_is_left_to_prepare():
    campaign_id = campaign([None])
    called(campaign_id)
    assert service.get(campaign_id).state == CampaignState.RUNNING
    prepare(campaign_id)
    called(campaign_id)
    assert service.get(campaign_id).state == CampaignState.FINISHED
    assert one(select(func.count()).select_from(Attempt)) == 0
    assert contact_rows(campaign_id)[0].state == ContactState.NOT_REACHED


def test_the_administrators_decision_is_kept():
    assert not voices.acceptance().texts
    voices.accept(texts=True, personal=False)
    assert (voices.acceptance().texts, voices.acceptance().personal) == (True, False)
    voices.accept(texts=False, personal=True)
    assert not voices.acceptance().personal


def test_the_sweep_sends_for_what_waits(monkeypatch):
    sent = []
    campaign_id = campaign(["7"])
    monkeypatch.setattr(messages, "send", lambda task, ids=(), **_more: sent.append((task, list(ids))))
    jobs.sweep()
    assert ("campaigns.prepare", [campaign_id]) in sent
