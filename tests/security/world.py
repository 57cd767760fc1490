"""Objects of every kind, and the address of every route with them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.routing import Rule

from campaigns import bases, do_not_call, exports, service
from campaigns.models import Attempt, Campaign, Contact
from campaigns.service import CampaignForm
from config import database
from config.database import utcnow
from dialer import nodes, trunks
from ops.models import Alarm
from tests.integration.web.conftest import ASSETS, BASE
from web import accounts, api_keys, queries, uploads

#: What stands in an address besides ids: every value of it.
WORDS = {
    "order": ("start", "pause", "resume", "stop"),
    "what": ("cancel", "delete"),
    "name": ("state", "numbers", "message"),
    "prefix": ("b", "i"),
    "filename": ("app/obzvon.css",),
    "token": (),
}


@dataclass(frozen=True)
class World:
    """Ids of two campaigns' objects: ``here`` belong together, ``elsewhere`` are the other campaign's."""

    here: Mapping[str, Any]
    elsewhere: Mapping[str, Any]


def make_world(app: Flask, folder: Path) -> World:
    """Two campaigns; needs an application context."""
    return World(_objects(app, folder, "one"), _objects(app, folder, "two"))


def _objects(app: Flask, folder: Path, name: str) -> dict[str, Any]:
    trunk_id = trunks.all_trunks()[0].id
    campaign_id = service.create(CampaignForm(name=name, trunk_id=trunk_id), by="anna")
    service.set_sound(campaign_id, ASSETS / "sample_message.wav", "hello.wav")
    source = folder / f"{name}.csv"
    source.write_text(BASE, encoding="utf-8")
    base_id = bases.add(campaign_id, source, "base.csv", "debtors")
    bases.load_waiting(campaign_id)
    export_id = exports.request(campaign_id)
    exports.run(export_id)
    account_id, _password = accounts.create(f"owner-{name}", "manager")
    api_keys.create(account_id, "theirs")
    sent = FileStorage(io.BytesIO(b"79005550003;x\n"), "more.csv")
    return {
        "campaign_id": campaign_id,
        "base_id": base_id,
        "contact_id": queries.contacts(campaign_id).items[0].id,
        "export_id": export_id,
        "trunk_id": trunk_id,
        "node_id": nodes.all_nodes()[0].id,
        "alarm_id": _alarm(name),
        "account_id": account_id,
        "key_id": api_keys.of_account(account_id)[0].id,
        "number": _unwanted(name),
        "stem": service.get(campaign_id).sound,
        "trial_id": _trial(campaign_id, base_id),
        "uid": ended_attempt(campaign_id, trunk_id, name),
        "token": uploads.keep(app.config["OBZVON"], campaign_id, sent, "").token,
    }


def _unwanted(name: str) -> str:
    return do_not_call.add("+79005550098" if name == "one" else "+79005550099")


def ended_attempt(campaign_id: int, trunk_id: int, name: str) -> str:
    """A call that has ended. :returns: its uid."""
    contact_id, node_id = queries.contacts(campaign_id).items[0].id, nodes.all_nodes()[0].id

    def work(session: database.Session) -> str:
        attempt = Attempt(
            uid=name.ljust(20, "0"),
            campaign_id=campaign_id,
            contact_id=contact_id,
            number_of_attempt=1,
            trunk_id=trunk_id,
            node_id=node_id,
            boot="b",
            claimed_at=utcnow(),
            disposition="busy",
        )
        session.add(attempt)
        return attempt.uid

    return database.write(work)


def _trial(campaign_id: int, base_id: int) -> int:
    """A test call that was given up."""

    def work(session: database.Session) -> int:
        campaign = Campaign(name="test", test_of=campaign_id, state="stopped", windows={})
        session.add(campaign)
        session.flush()
        session.add(Contact(campaign_id=campaign.id, base_id=base_id, line=1, number="79005550096"))
        return campaign.id

    return database.write(work)


def _alarm(name: str) -> int:
    def work(session: database.Session) -> int:
        alarm = Alarm(code="disk_low", subject=name, open_key=f"disk_low:{name}", severity="warning", since=utcnow())
        alarm.raised_at = utcnow()
        session.add(alarm)
        session.flush()
        return alarm.id

    return database.write(work)


def rules(app: Flask) -> list[tuple[Rule, str]]:
    """Every route with each of its methods; those that Flask answers itself (HEAD, OPTIONS) are left out."""
    found = [
        (rule, method) for rule in app.url_map.iter_rules() for method in sorted((rule.methods or set()) - OF_FLASK)
    ]
    return sorted(found, key=lambda pair: (pair[0].endpoint, pair[0].rule, pair[1]))


OF_FLASK = {"HEAD", "OPTIONS"}


def addresses(app: Flask, rule: Rule, objects: Mapping[str, Any]) -> Iterator[str]:
    """The paths of a route with these objects, one for each word that may stand in it."""
    word = next((name for name in sorted(rule.arguments) if WORDS.get(name)), None)
    for value in WORDS[word] if word else ("",):
        values = {name: objects[name] for name in rule.arguments if name != word}
        yield path_of(app, rule, {**values, word: value} if word else values)


def path_of(app: Flask, rule: Rule, values: Mapping[str, Any]) -> str:
    """The path of this very rule (an endpoint may have several)."""
    built = rule.build(dict(values), append_unknown=False)
    assert built is not None, f"{rule.rule} needs more than {sorted(values)}: add it to tests/security/world.py"
    return built[1]
