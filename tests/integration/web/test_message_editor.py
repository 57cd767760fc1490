"""The message editor: every order works by a plain form, and nothing that was typed is lost (N9, N15, L3)."""

from __future__ import annotations

import html
import io
import json
import re

import pytest
from sqlalchemy import update

from campaigns import service
from campaigns.message.blocks import Message
from campaigns.models import Campaign
from config import database
from tests.integration.web.conftest import ASSETS, Browser


class Editor:
    """The form as a browser holds it: what stands in its inputs is sent with each order."""

    def __init__(self, browser: Browser, campaign_id: int) -> None:
        self.browser, self.path = browser, f"/campaigns/{campaign_id}/message/edit"
        self.status, self.page = 200, ""
        self.take(browser.get(self.path))

    def take(self, answer) -> None:
        self.status, self.page = answer.status_code, answer.text
        assert self.status in (200, 409, 422), self.page

    def values(self) -> list[tuple[str, str]]:
        """Every input that would be sent."""
        form = self.page[
            self.page.index('id="message-form"') : self.page.index("</form>", self.page.index("message-form"))
        ]
        found = []
        pattern = r"<input\b([^>]*)>|<(textarea|select)\b([^>]*)>(.*?)</(?:textarea|select)>"
        for single, kind, attributes, inner in re.findall(pattern, re.sub(r"<noscript>.*?</noscript>", "", form), re.S):
            attributes = attributes or single
            name = re.search(r'name="([^"]*)"', attributes)
            if not name or 'type="file"' in attributes:
                continue
            if re.search(r'type="(checkbox|radio)"', attributes) and " checked" not in attributes:
                continue
            value = re.search(r'value="([^"]*)"', attributes)
            text = value[1] if value else ""
            if kind == "textarea":
                text = inner
            if kind == "select":
                chosen = re.search(r'<option(?:\s+value="([^"]*)")?[^>]*selected[^>]*>([^<]*)', inner)
                first = re.search(r'<option(?:\s+value="([^"]*)")?[^>]*>([^<]*)', inner)
                found_option = chosen or first
                text = (found_option[1] if found_option[1] is not None else found_option[2]) if found_option else ""
            found.append((name[1], html.unescape(text)))
        return found

    def do(self, order: str = "refresh", files: dict | None = None, **typed: str | list[str]) -> Editor:
        """Type, then press a button."""
        data: dict[str, list] = {}
        for name, value in self.values():
            if name != "do":
                data.setdefault(name, []).append(value)
        for name, value in typed.items():
            data[name.replace("__", "-")] = value if isinstance(value, list) else [value]
        answer = self.browser.client.post(
            self.path, data={**data, **(files or {}), "do": order}, content_type="multipart/form-data"
        )
        self.take(answer)
        return self

    def heard(self) -> str:
        words = re.search(r'<p class="heard-words"[^>]*>(.*?)</p>', self.page, re.S)[1]
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", words))).strip()


@pytest.fixture
def editor(manager, loaded) -> Editor:
    return Editor(manager, loaded[0])


def kept(app, campaign_id: int) -> Message:
    with app.app_context():
        return Message.model_validate(service.get(campaign_id).message)


def test_n9_a_message_with_the_contacts_amount_is_made_heard_and_saved(app, editor, loaded):
    assert "hello.wav" in editor.page  # the campaign's sound is the message so far
    editor.do("remove:b:0").do("add:b:text").do("add:b:field", **{"b-0-text": "Здравствуйте! Ваш долг"})
    editor.do(**{"b-1-column": "Сумма", "b-1-say": "money"}).do("add:b:text", **{"b-1-currency": "RUB"})
    editor.do(**{"b-2-text": ", оплатите сегодня."})
    assert editor.heard() == "Здравствуйте! Ваш долг десять рублей пятьдесят копеек, оплатите сегодня."
    editor.do("save")
    assert editor.status == 200, editor.page
    assert "The message is saved." in editor.page
    message = kept(app, loaded[0])
    assert [block.kind for block in message.variants["ru"]] == ["text", "field", "text"]
    assert message.columns() == {"Сумма"}


def test_blocks_are_moved_removed_and_brought_back(editor):
    editor.do("add:b:text").do("add:b:pause", **{"b-1-text": "второй"})
    editor.do("up:b:1")
    assert editor.heard().startswith("второй ♪ hello.wav")
    editor.do(**{"b-order": ["2", "0", "1"]})  # a card that was drawn to the top
    assert re.match(r"0.5 s второй ♪", editor.heard())
    editor.do("remove:b:1")
    assert "второй" not in editor.heard()
    editor.do("undo")
    assert re.match(r"0.5 s второй ♪", editor.heard())


def test_what_is_wrong_stands_at_its_block_and_nothing_is_lost(editor):
    editor.do("add:b:text").do("add:b:field", **{"b-1-text": "Ваш долг"})
    assert "Choose the column" not in editor.page  # nobody tried to save it yet
    editor.do("save", **{"b-2-say": "money"})
    assert editor.status == 422
    at_block = re.search(r'id="b-2-problem"[^>]*>(.*?)</li>', editor.page, re.S)[1]
    assert "Choose the column of the base." in at_block
    assert "Ваш долг" in editor.page
    editor.do("save", **{"b-2-column": "ФИО"})
    assert editor.status == 200  # it may be kept, though it cannot be said to this contact
    assert "this is not a number" in editor.heard()


def test_money_begins_as_that_of_the_campaigns_country(app, editor, loaded):
    with app.app_context():
        database.write(lambda session: session.execute(update(Campaign).values(region="US")))
    editor.do("remove:b:0").do("add:b:field").do("save", **{"b-0-column": "Сумма", "b-0-say": "money"})
    assert kept(app, loaded[0]).variants["ru"][0].currency == "USD"


def test_a_new_editor_reproaches_nobody_and_speaks_his_language(editor):
    """Nothing is red before something was done, and no English of the checks themselves reaches a Russian page."""
    assert "in its default language" not in editor.page
    assert "bg-red" not in editor.page
    editor.browser.post("/locale", data={"locale": "ru"})
    editor.do("add:b:text", **{"b-0-text": "Да"}).do("addkey").do(**{"k-0-kind": "enter"})
    editor.do("save", **{"k-0-name": "meter", "k-0-least": "9", "k-0-most": "2"})
    assert editor.status == 422
    assert "Наименьшее число цифр не больше наибольшего." in editor.page
    assert "the least number" not in editor.page


def test_l3_steps_keys_and_hours_become_a_tree(app, editor, loaded):
    editor.do("addkey").do(**{"k-0-kind": "goto"}).do(**{"k-0-step": "+"})
    assert "step1" in editor.page
    editor.do("addkey", **{"timeout_s": "4", "tries": "3"}).do(**{"k-1-key": "9", "k-1-kind": "opt_out"})
    editor.do("step:step1").do("add:b:text", **{"step-name": "pay"})
    editor.do(**{"b-0-text": "Оплатите в приложении", "after-kind": "hours"})
    editor.do(**{"after-within": "main", "after-outside": "main", "after-days": ["0", "4"]})
    editor.do("save")
    assert editor.status == 200, editor.page
    message = kept(app, loaded[0])
    assert message.choice.keys["1"].step == "pay"
    assert message.choice.keys["9"].kind == "opt_out"
    assert (message.choice.timeout_s, message.choice.tries) == (4, 3)
    assert message.steps["pay"].after.days == [0, 4]
    editor.do("step:pay").do("removestep:pay").do("save")
    assert editor.status == 422
    assert "The step pay is not there any more" in editor.page
    editor.do("undo").do("save")
    assert editor.status == 200


def test_n8_what_is_said_when_nobody_takes_the_call(app, editor, loaded):
    editor.do("addkey").do(**{"k-0-kind": "transfer"}).do(**{"k-0-otherwise": "+", "name_column": "ФИО"})
    editor.do("step:step1").do("add:b:text", **{"step-name": "later"})
    editor.do(**{"b-0-text": "Перезвоним", "after-kind": "number"})
    editor.do("save", **{"after-number": "+7 495 000-00-01", "after-otherwise": "main"})
    assert editor.status == 200, editor.page
    assert "Saved." in editor.page
    assert "Nothing leads to this step" not in editor.page
    message = kept(app, loaded[0])
    assert (message.name_column, message.choice.keys["1"].otherwise) == ("ФИО", "later")
    assert (message.steps["later"].after.number, message.steps["later"].after.otherwise) == ("+74950000001", "main")
    assert message.choice.otherwise.kind == "hangup"
    editor.do("removestep:later").do("save")
    assert editor.status == 422
    assert "The step later is not there any more" in editor.page


def test_n9_three_languages_and_the_column_that_chooses(app, editor, loaded):
    editor.do("remove:b:0").do("add:b:text").do(**{"b-0-text": "Здравствуйте"})
    editor.do(**{"add-language": "en"}).do("add:b:text").do(**{"b-0-text": "Hello"})
    editor.do(**{"add-language": "cs"})
    assert "Nothing is said in this language yet" in editor.page
    editor.do("copylanguage:b:ru").do(**{"b-0-text": "Dobrý den"})
    assert "Nobody hears this language" in editor.page
    editor.do("save", language_column="ФИО")
    assert editor.status == 200, editor.page
    message = kept(app, loaded[0])
    assert {code: blocks[0].text for code, blocks in message.variants.items()} == {
        "ru": "Здравствуйте",
        "en": "Hello",
        "cs": "Dobrý den",
    }
    editor.do("removelanguage:cs").do("undo")
    assert "Dobrý den" in editor.do("language:cs").page


def test_a_sound_is_taken_in_or_refused_at_its_block(editor):
    editor.do("add:b:sound")
    good = (io.BytesIO((ASSETS / "sample_message.wav").read_bytes()), "привет.wav")
    editor.do(files={"b-1-file": good})
    assert "привет.wav" in editor.heard()
    sound = re.findall(r'src="(/campaigns/\d+/message/sounds/\w{32}\.wav)"', editor.page)[-1]
    assert editor.browser.get(sound).mimetype == "audio/wav"
    editor.do("add:b:sound").do(files={"b-2-file": (io.BytesIO(b"no sound"), "bad.wav")})
    assert "bad.wav" in re.search(r'id="b-2-problem"[^>]*>(.*?)</li>', editor.page, re.S)[1]


def test_another_ones_message_is_not_overwritten_unasked(app, editor, loaded):
    editor.do("save")
    second = Editor(editor.browser, loaded[0])
    second.do("add:b:text").do("save", **{"b-1-text": "вторая"})
    editor.do("add:b:text").do("save", **{"b-1-text": "первая"})
    assert editor.status == 409
    assert "первая" in editor.page
    assert f'href="{editor.path}" target="_blank"' in editor.page
    assert "вторая" in editor.browser.get(editor.path).text
    editor.do("save:anyway")
    assert kept(app, loaded[0]).variants["ru"][1].text == "первая"


def test_a_broken_form_is_refused_with_a_sentence(manager, loaded):
    answer = manager.post(f"/campaigns/{loaded[0]}/message/edit", {"draft": "[" * 9999, "do": "save"})
    assert answer.status_code == 400
    assert "Load it again" in answer.text
    word = {"kind": "text", "text": "да"}
    for large in ({"main": {"variants": {"ru": [word] * 10000}}}, {f"s{n}": {} for n in range(3000)}):
        answer = manager.post(f"/campaigns/{loaded[0]}/message/edit", {"draft": json.dumps({"steps": large})})
        assert answer.status_code == 400
    sound = {"kind": "sound", "stem": "../../x", "seconds": "nan"}
    draft = json.dumps({"steps": {"main": {"variants": {"ru": [sound]}}}})
    assert manager.post(f"/campaigns/{loaded[0]}/message/edit", {"draft": draft, "do": "save"}).status_code == 422


def test_a_voice_or_queue_that_is_gone_stands_at_its_select(app, editor, loaded):
    """A message made on another machine: what to do is said where they are chosen, and nothing is lost."""
    made = {"default_language": "ru", "variants": {"ru": [{"kind": "text", "text": "Привет"}]}, "voices": {"ru": "far"}}
    made["after"] = {"kind": "transfer", "queue": "sales"}
    kept = update(Campaign).where(Campaign.id == loaded[0]).values(message=made)
    with app.app_context():
        database.write(lambda session: session.execute(kept))
    editor.take(editor.browser.get(editor.path))
    assert editor.page.count("The voice far does not speak the language ru here") == 1
    assert editor.do("save").status == 422
    assert "Привет" in editor.page
    assert editor.do("save", **{"voice-ru": ""}).status == 422
    assert "There is no queue sales: choose one of operators." in editor.page
    assert editor.do("save", **{"after-queue": "operators"}).status == 200


def test_numbers_stand_in_inputs_as_their_reader_writes_them(editor):
    """Kept as 5.0 and 0.5; a comma is read as well as a dot."""
    editor.do("add:b:pause").do("addkey").do("save")
    assert editor.status == 200, editor.page
    editor.take(editor.browser.get(editor.path))
    assert dict(editor.values())["timeout_s"] == "5"
    editor.browser.post("/locale", {"locale": "ru"})
    editor.take(editor.browser.get(editor.path))
    assert "0,5" in dict(editor.values()).values()
    assert editor.do("save").status == 200


def test_typing_renews_the_words_and_the_problems(editor):
    editor.do("add:b:text")
    data: dict[str, list] = {}
    for name, value in editor.values():
        data.setdefault(name, []).append(value)
    data["b-1-text"] = ["Ваш долг"]
    answer = editor.browser.client.post(editor.path.replace("edit", "heard"), data=data)
    assert answer.status_code == 200
    assert "Ваш долг" in answer.text
    assert 'id="b-1-problem"' in answer.text


def test_google_speaks_only_after_the_administrator_accepted_it(app, admin, manager):
    page = admin.get("/system/voices").text
    assert "elena" in page
    assert ">google" not in page
    assert manager.get("/system/voices").status_code == 403
    assert manager.post("/system/voices", {"texts": "1"}).status_code == 403
    admin.post("/system/voices", {"texts": "1"})
    page = admin.get("/system/voices").text
    assert 'data-voice="google"' in page
    assert "texts leave the house" in page
