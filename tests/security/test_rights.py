"""Role × route × object: who may use which address. A route that is not in the table fails; nothing is open by slip."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from config import database
from config.extensions import db
from tests.integration.web.conftest import sign_in
from tests.security.inputs import good_input
from tests.security.world import World, addresses, path_of, rules
from web import accounts, api_keys

OPEN, NOBODY = "everybody", "nobody"
SIGNED_IN, ADMINISTRATOR = "whoever signed in", "administrators"
KEY, ADMINISTRATORS_KEY = "whoever has a key", "administrators with a key"

#: Who may use each endpoint. This is said a second time here on purpose: the views say it in their own words.
RIGHTS = {
    "static": OPEN,
    "openapi.spec": OPEN,
    "pages.health": OPEN,
    "pages.ready": OPEN,
    "pages.metrics": OPEN,  # from this host itself; others need its token: tests/integration/ops
    "pages.choose_locale": OPEN,
    "security.login": OPEN,
    "security.static": NOBODY,
    "security.logout": SIGNED_IN,
    "security.change_password": SIGNED_IN,
    **dict.fromkeys(
        [
            *("pages.first", "pages.account", "pages.make_key", "pages.revoke_key"),
            *("pages.campaigns", "pages.campaign", "pages.new_campaign", "pages.create_campaign"),
            *("pages.edit_campaign", "pages.change_campaign", "pages.campaign_order", "pages.delete_campaign"),
            *("pages.decide_unknown", "pages.upload_message", "pages.campaign_message"),
            *("pages.campaign_live", "pages.campaign_part"),
            *("pages.message_editor", "pages.edit_message", "pages.message_heard", "pages.listen_message"),
            *("pages.message_preview", "pages.message_sound", "pages.make_trial", "pages.trial"),
            *("pages.base_list", "pages.upload_base", "pages.base_preview", "pages.load_base", "pages.drop_upload"),
            *("pages.end_base", "pages.rejected_rows", "pages.rejected_csv"),
            *("pages.contacts", "pages.contact", "pages.card", "pages.card_up"),
            *("pages.export_list", "pages.request_export", "pages.download_export", "pages.cancel_export"),
            *("pages.trunks", "pages.nodes", "pages.campaign_steps"),
            *("pages.do_not_call", "pages.add_do_not_call", "pages.remove_do_not_call"),
        ],
        SIGNED_IN,
    ),
    **dict.fromkeys(
        [
            *("pages.accounts", "pages.make_account", "pages.reset_password", "pages.set_active"),
            *("pages.new_trunk", "pages.create_trunk", "pages.edit_trunk", "pages.change_trunk", "pages.delete_trunk"),
            *("pages.edit_node", "pages.change_node", "pages.drain_node", "pages.take_back_node", "pages.give_up_node"),
            *("pages.system", "pages.system_state", "pages.acknowledge_alarm"),
            *("pages.alarm_settings", "pages.change_alarm_settings", "pages.speech", "pages.accept_speech"),
            *("pages.audit", "pages.check_audit", "pages.erasure", "pages.erase_number"),
        ],
        ADMINISTRATOR,
    ),
    **dict.fromkeys(
        [
            *("api.list_campaigns", "api.make_campaign", "api.get_campaign", "api.replace_campaign"),
            *("api.change_campaign", "api.delete_campaign", "api.order_campaign", "api.start_problems"),
            *("api.get_counts", "api.put_sound", "api.decide_unknown"),
            *("api.get_message", "api.put_message", "api.delete_message", "api.preview_message", "api.hear_message"),
            *("api.add_message_sound", "api.message_progress", "api.make_trial", "api.get_trial"),
            *("api.list_voices", "api.get_speech"),
            *("api.list_bases", "api.add_base", "api.preview_base", "api.get_base", "api.cancel_base"),
            *("api.delete_base", "api.list_rejected", "api.list_contacts", "api.get_contact", "api.list_attempts"),
            "api.get_card",
            *("api.list_exports", "api.request_export", "api.get_export", "api.get_export_file", "api.cancel_export"),
            *("api.list_trunks", "api.get_trunk", "api.list_nodes", "api.get_node", "api.get_steps"),
            *("api.list_do_not_call", "api.add_do_not_call", "api.remove_do_not_call"),
        ],
        KEY,
    ),
    **dict.fromkeys(
        [
            *("api.make_trunk", "api.change_trunk", "api.delete_trunk"),
            *("api.change_node", "api.drain_node", "api.take_back_node", "api.give_up_node"),
            *("api.get_system", "api.list_alarms", "api.take_alarm"),
            *("api.get_delivery", "api.change_delivery", "api.test_delivery"),
            *("api.list_audit", "api.check_audit", "api.erase_number", "api.put_speech"),
        ],
        ADMINISTRATORS_KEY,
    ),
}
#: These end what the next request would need, so they come last.
LAST = ("delete", "logout", "drop", "end_base", "load_base")
#: Says 503 while nothing runs, as it should.
NOT_READY = "pages.ready"
#: What is gone has no page of its own: the list is shown, with a notice.
BACK_TO_A_LIST = {"pages.acknowledge_alarm"}
#: Ids that are there only once are left alone when objects of two campaigns are mixed.
CHILDREN = ("base_id", "contact_id", "export_id", "token", "trial_id")


@dataclass
class Actor:
    """Somebody at the door: pages by a session, the API by a key."""

    name: str
    client: FlaskClient
    key: str = ""
    rights: frozenset[str] = frozenset({OPEN})

    def token(self) -> str:
        page = self.client.get("/account").text if SIGNED_IN in self.rights else self.client.get("/sign-in").text
        return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]

    def send(self, method: str, path: str, **more: Any) -> Any:
        """Send it with all this actor has, so that a refusal is one of rights."""
        if path.startswith("/api/"):
            headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
            if method in ("POST", "PUT", "PATCH") and not more:
                more = {"json": {}}
            return self.client.open(path, method=method, headers=headers, **more)
        if method == "POST":
            more.setdefault("data", {})["csrf_token"] = self.token()
        return self.client.open(path, method=method, **more)


@pytest.fixture
def actors(app) -> list[Actor]:
    """Everybody that there is, each with the rights he should have."""
    made = {}
    with app.app_context():
        for name, role in (("mia", "manager"), ("ada", "administrator"), ("gone", "administrator")):
            made[name], _password = accounts.create(name, role, "correct-horse-battery")
        keys = {name: api_keys.create(made[name], "test") for name in made}
        revoked = api_keys.create(made["ada"], "revoked")
        api_keys.revoke(api_keys.of_account(made["ada"])[0].id, made["ada"])
    gone = sign_in(app, "gone").client
    with app.app_context():
        accounts.set_active(made["gone"], False, by=made["ada"])
    signed_in = frozenset({OPEN, SIGNED_IN})
    return [
        Actor("a stranger", app.test_client()),
        Actor("a stranger with a made-up key", app.test_client(), "obz_" + "x" * 43),
        Actor("somebody with a revoked key", app.test_client(), revoked),
        Actor("somebody whose account is disabled", gone, keys["gone"]),
        Actor("a manager's session", sign_in(app, "mia").client, "", signed_in),
        Actor("a manager's key", app.test_client(), keys["mia"], frozenset({OPEN, KEY})),
        Actor("an administrator's session", sign_in(app, "ada").client, "", signed_in | {ADMINISTRATOR}),
        Actor("an administrator's key", app.test_client(), keys["ada"], frozenset({OPEN, KEY, ADMINISTRATORS_KEY})),
    ]


def _refused(answer: Any) -> bool:
    """Whether the door stayed shut."""
    if answer.status_code in (301, 302):
        return "/sign-in" in answer.headers["Location"]
    return answer.status_code in (401, 403)


def _database(app, but: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    """Everything that is stored, but for the times at which keys were used, and these tables."""
    with app.app_context(), database.read() as session:
        found = {}
        for table in [table for table in db.metadata.sorted_tables if table.name not in but]:
            columns = [column for column in table.c if column.name != "used_at"]
            found[table.name] = [tuple(map(repr, row)) for row in session.execute(select(*columns))]
        return found


def test_every_route_is_in_the_table_and_nothing_else(app):
    """Deny by default: whoever adds a route says here who may use it."""
    endpoints = {rule.endpoint for rule, _method in rules(app)}
    assert endpoints - set(RIGHTS) == set(), "say in RIGHTS who may use these"
    assert set(RIGHTS) - endpoints == set(), "these are gone"


def test_whoever_may_not_is_refused_and_changes_nothing(app, world, actors):
    before = _database(app)
    wrong = []
    for rule, method in rules(app):
        for actor in actors:
            if RIGHTS[rule.endpoint] in actor.rights:
                continue
            for path in addresses(app, rule, world.here):
                answer = actor.send(method, path, **good_input(rule.endpoint))
                hidden = RIGHTS[rule.endpoint] == NOBODY and answer.status_code == 404
                if not (_refused(answer) or hidden):
                    wrong.append(f"{actor.name}: {method} {path} -> {answer.status_code}")
                answer.close()
    assert wrong == []
    assert _database(app) == before


def test_whoever_may_is_let_in(app, world, actors):
    """The other half: a table that refuses everybody would pass the test above."""
    wrong = []
    order = sorted(rules(app), key=lambda pair: any(word in pair[0].endpoint for word in LAST))
    for rule, method in order:
        for actor in actors:
            if RIGHTS[rule.endpoint] not in actor.rights or rule.endpoint == "security.logout":
                continue
            for path in addresses(app, rule, world.here):
                answer = actor.send(method, path)
                if _refused(answer) or (answer.status_code >= 500 and rule.endpoint != NOT_READY):
                    wrong.append(f"{actor.name}: {method} {path} -> {answer.status_code}")
                answer.close()
    assert wrong == []


def test_objects_of_another_campaign_are_not_found(app, world, actors):
    """An address that mixes two campaigns' objects leads nowhere, whoever asks."""
    before = _database(app)
    asked = _mixed(app, world, actors)
    assert [text for text, status in asked if status != 404] == []
    assert len(asked) > 20
    assert _database(app) == before


def _mixed(app, world: World, actors: list[Actor]) -> list[tuple[str, int]]:
    asked = []
    for rule, method in rules(app):
        children = [name for name in CHILDREN if name in rule.arguments]
        if "campaign_id" not in rule.arguments or not children:
            continue
        mixed = {**world.here, **{name: world.elsewhere[name] for name in children}}
        for actor in actors[-4:]:
            if RIGHTS[rule.endpoint] in actor.rights:
                for path in addresses(app, rule, mixed):
                    answer = actor.send(method, path)
                    asked.append((f"{actor.name}: {method} {path} -> {answer.status_code}", answer.status_code))
    return asked


def test_objects_that_are_not_there_are_not_found(app, world, actors):
    """404 in words, never a fault, for every route with an id."""
    nothing = {**dict.fromkeys(world.here, 99999), "token": "0" * 32}
    wrong = []
    for rule, method in rules(app):
        if not set(rule.arguments) & set(nothing):
            continue
        for actor in actors[-2:]:
            if RIGHTS[rule.endpoint] not in actor.rights:
                continue
            for path in addresses(app, rule, nothing):
                answer = actor.send(method, path, **good_input(rule.endpoint))
                if (
                    answer.status_code == 302 and rule.endpoint not in BACK_TO_A_LIST
                ):  # back to the page of the thing, which is not there either
                    answer = actor.client.get(answer.headers["Location"])
                if answer.status_code != (302 if rule.endpoint in BACK_TO_A_LIST else 404):
                    wrong.append(f"{actor.name}: {method} {path} -> {answer.status_code}")
    assert wrong == []


def test_another_accounts_key_cannot_be_revoked(app, world, actors):
    """Not even by an administrator: he disables the account."""
    for actor in actors:
        if SIGNED_IN in actor.rights:
            path = path_of(app, next(r for r, _ in rules(app) if r.endpoint == "pages.revoke_key"), world.here)
            assert actor.send("POST", path).status_code == 404
    with app.app_context():
        assert api_keys.of_account(world.here["account_id"])
