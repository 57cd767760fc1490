"""Hostile names, columns, cells and file names on every page, in Chromium: they are letters, never elements."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from werkzeug.serving import make_server

from campaigns import bases, exports, service
from campaigns.models import Campaign, Contact, ContactBase
from config import database
from dialer.models import Trunk
from tests.browser.conftest import chromium  # noqa: F401 - fixture
from tests.integration.web.conftest import PASSWORD
from tests.security.world import addresses, ended_attempt, rules
from web import accounts, api_keys

#: Out of a text, out of an attribute, out of a script; what is planted can be found however it got in.
EVIL = "\"'><img src=x onerror=alert(1)><b data-planted>b</b><script>alert(2)</script>{{7*7}}"
#: The same where the database has less room.
SHORT = "\"'><b data-planted><script>alert(3)</script>"
#: A message whose words, names and column are hostile.
MESSAGE = {
    "default_language": "ru",
    "language_column": EVIL,
    "name_column": EVIL,
    "voices": {"ru": "x"},
    "variants": {
        "ru": [
            {"kind": "text", "text": EVIL},
            {"kind": "sound", "stem": "0" * 32, "name": EVIL, "seconds": 1},
            {"kind": "field", "column": EVIL, "say": "text"},
        ]
    },
    "steps": {},
    "choice": None,
    "after": {"kind": "hangup"},
}


@pytest.fixture
def address(app) -> Iterator[str]:
    """The application on a port of its own."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


def _plant(app, campaign_id: int, folder) -> dict[str, object]:
    """Every text of a user's on the way to a page becomes hostile; returns ids for the addresses."""
    source = folder / "x.csv"
    header = ";".join(("Телефон", f'"{EVIL.replace(chr(34), chr(34) * 2)}"', "zone"))
    cell = f'"{EVIL.replace(chr(34), chr(34) * 2)}"'
    source.write_text(f"{header}\n79005550000;{cell};UTC\n{cell};{cell};UTC\n", encoding="utf-8")
    base_id = bases.add(campaign_id, source, EVIL, EVIL)
    bases.load_waiting(campaign_id)
    export_id = exports.request(campaign_id)
    exports.run(export_id)
    boss = next(item for item in accounts.all_accounts() if item.username == "boss")
    api_keys.create(boss.id, EVIL)

    def work(session: database.Session) -> tuple[int, int]:
        campaign = session.get(Campaign, campaign_id)
        campaign.name, campaign.sound_name, campaign.created_by = EVIL[:100], EVIL, EVIL
        campaign.state, campaign.state_code, campaign.state_detail = "paused", "trunk_failure", EVIL
        campaign.message = MESSAGE
        base = session.get(ContactBase, base_id)
        assert EVIL in base.layout["columns"]
        trunk = session.get(Trunk, campaign.trunk_id)
        trunk.title, trunk.host, trunk.username = EVIL[:100], EVIL, EVIL[:100]
        contact = session.query(Contact).filter_by(campaign_id=campaign_id).one()
        contact.last_disposition = SHORT[:20]
        contact.prepare_code, contact.prepare_column = "message_field_missing", EVIL
        return contact.id, trunk.id

    contact_id, trunk_id = database.write(work)
    ids = {"campaign_id": campaign_id, "base_id": base_id, "contact_id": contact_id, "export_id": export_id}
    ids |= {"stem": "0" * 32, "trial_id": 99, "uid": ended_attempt(campaign_id, trunk_id, "evil")}
    return {**ids, "trunk_id": trunk_id, "account_id": boss.id, "node_id": 1}


@pytest.mark.browser
def test_no_text_of_a_user_becomes_an_element(app, address, chromium, campaign_id, tmp_path):  # noqa: F811
    """All pages, wide enough for everything to be shown; a dialog, an element or a broken policy fails it."""
    with app.app_context():
        objects = _plant(app, campaign_id, tmp_path)
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    dialogs, complaints = [], []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: complaints.append(message.text) if "Content Security" in message.text else None)
    page.goto(f"{address}/sign-in?next=%22%3E%3Cb%20data-planted%3E")
    assert page.locator("[data-planted]").count() == 0
    page.goto(f"{address}/sign-in")
    page.fill("#username", "boss")
    page.fill("#password", PASSWORD)
    page.click("form.card button[type=submit]")
    page.wait_for_url("**/campaigns*")
    shown = 0
    for path in _pages(app, objects):
        page.goto(f"{address}{path}", wait_until="load")
        assert page.locator("[data-planted]").count() == 0, path
        shown += "data-planted" in page.inner_text("body")
    assert shown >= 8, "the hostile texts are on the pages"
    page.set_input_files("#base-file", str(_hostile_file(page, address, campaign_id, tmp_path)))
    page.click("text=Upload and look at it")
    page.wait_for_load_state("load")
    assert "data-planted" in page.inner_text("body")
    assert page.locator("[data-planted]").count() == 0
    context.close()
    assert dialogs == []
    assert complaints == []


def _pages(app, objects: dict[str, object]) -> list[str]:
    found = []
    for rule, method in rules(app):
        if method == "GET" and rule.endpoint.startswith("pages.") and "token" not in rule.arguments:
            found += [
                path
                for path in addresses(app, rule, objects)
                if not path.endswith(("/live", "/up", ".csv", "/message", ".wav"))
            ]
    kept = [path for path in found if "/exports/" not in path]
    return [*kept, *(f"{path}?state={SHORT}&name={SHORT}&number={SHORT}&code={SHORT}" for path in kept)]


def _hostile_file(page, address: str, campaign_id: int, folder):
    """The preview of a file shows its name, columns and cells before anything is loaded."""
    source = folder / "<b data-planted>.csv"
    source.write_text("Телефон;<b data-planted>\n79005550001;<img src=x onerror=alert(4)><b data-planted>\n")
    page.goto(f"{address}/campaigns/{campaign_id}")
    return source


def test_messages_of_the_live_line_are_escaped(app, manager, campaign_id, tmp_path):
    """The fragments that htmx swaps in come from the same templates; each is looked at as text."""
    with app.app_context():
        _plant(app, campaign_id, tmp_path)
        service.get(campaign_id)
    for name in ("state", "numbers"):
        assert "<b data-planted" not in manager.get(f"/campaigns/{campaign_id}/parts/{name}").text
