"""Trunks in the database, on SQLite and MariaDB: made, changed, removed, and as Asterisk gets them."""

from __future__ import annotations

import pytest
from flask import Flask
from pydantic import ValidationError

from config.database import read, write
from config.extensions import celery
from config.settings import Settings
from dialer import nodes, trunks
from dialer.errors import DialerError
from dialer.models import Trunk, TrunkKind
from dialer.trunks import TrunkForm

CARRIER = {"title": "Carrier One", "host": "sip.example.org", "username": "u", "secret": "s3=cret", "register": True}


@pytest.fixture
def settings(app: Flask) -> Settings:
    found: Settings = app.config["OBZVON"]
    nodes.ensure_node(found)
    return found


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was sent to workers."""
    messages: list[tuple[str, str]] = []
    monkeypatch.setattr(celery, "send_task", lambda name, ids, queue, retry: messages.append((name, queue)))
    return messages


def configured() -> dict[str, object]:
    with read() as session:
        return {trunk.name: trunk for trunk in trunks.config_of(session)}


def test_real_carrier_is_added_used_and_told(settings: Settings, sent: list[tuple[str, str]]) -> None:
    trunk_id = trunks.create(TrunkForm(**CARRIER))
    with read() as session:
        row = session.get(Trunk, trunk_id)
    assert row is not None
    assert (row.name, row.title) == ("carrier-one", "Carrier One")
    assert "s3=cret" not in row.secret_encrypted
    trunk = configured()["carrier-one"]
    assert (trunk.secret, trunk.register, trunk.local, trunk.qualify) == ("s3=cret", True, False, True)  # type: ignore[attr-defined]
    assert sent == [("dialer.reload_trunks", "dial.main")]


def test_change_keeps_the_secret_unless_a_new_one_is_given(settings: Settings, sent: list[tuple[str, str]]) -> None:
    trunk_id = trunks.create(TrunkForm(**CARRIER, qualify=False))
    trunks.update(trunk_id, TrunkForm(**(CARRIER | {"secret": None, "host": "192.0.2.7", "name": "other"})))
    trunk = configured()["carrier-one"]  # the technical name stays
    assert (trunk.host, trunk.secret, trunk.qualify) == ("192.0.2.7", "s3=cret", False)  # type: ignore[attr-defined]
    trunks.update(trunk_id, TrunkForm(**(CARRIER | {"secret": "new"})))
    assert configured()["carrier-one"].secret == "new"  # type: ignore[attr-defined]
    assert len(sent) == 3


def test_switched_off_trunk_is_not_rendered(settings: Settings, sent: list[tuple[str, str]]) -> None:
    trunk_id = trunks.create(TrunkForm(**CARRIER))
    trunks.update(trunk_id, TrunkForm(**(CARRIER | {"enabled": False})))
    assert configured() == {}


def test_names_are_made_unique(settings: Settings, sent: list[tuple[str, str]]) -> None:
    for _ in range(3):
        trunks.create(TrunkForm(**CARRIER))
    trunks.create(TrunkForm(**(CARRIER | {"title": "МТС"})))
    assert {trunk.name for trunk in trunks.all_trunks()} == {"carrier-one", "carrier-one-2", "carrier-one-3", "trunk"}
    with pytest.raises(DialerError) as caught:
        trunks.create(TrunkForm(**CARRIER, name="carrier-one"))
    assert (caught.value.code, caught.value.field) == ("trunk_name_taken", "name")


def test_a_made_name_that_another_request_took_meanwhile_is_made_again(
    settings: Settings, sent: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    trunks.create(TrunkForm(**CARRIER))
    made = iter(["carrier-one", "carrier-one-2"])
    monkeypatch.setattr(trunks, "_name_from", lambda _title: next(made))
    trunks.create(TrunkForm(**CARRIER))
    assert {trunk.name for trunk in trunks.all_trunks()} == {"carrier-one", "carrier-one-2"}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"host": "a b"}, "trunk_host_wrong"),
        ({"host": ""}, "trunk_host_wrong"),
        ({"template": "PJSIP/{trunk}"}, "trunk_template_wrong"),
        ({"template": "PJSIP/{number}@{other}"}, "trunk_template_wrong"),
        ({"template": "Local/{number}@x,y"}, "trunk_template_wrong"),
        ({"template": "PJSIP/{number.__class__}@{trunk}"}, "trunk_template_wrong"),
        ({"template": "PJSIP/{number.foo}@{trunk}"}, "trunk_template_wrong"),
        ({"template": "PJSIP/{number}{trunk.__class__}"}, "trunk_template_wrong"),
        ({"template": "PJSIP/{number}@{trunk}{}"}, "trunk_template_wrong"),
        ({"template": "PJSIP/{number}@{num{trunk}ber}"}, "trunk_template_wrong"),
        ({"secret": "a;b"}, "trunk_secret_wrong"),
        ({"secret": ""}, "trunk_secret_missing"),
        ({"username": ""}, "trunk_username_missing"),
        ({"name": "Upper"}, "trunk_name_wrong"),
        ({"kind": "rehearsal"}, "trunk_kind_wrong"),
        ({"kind": "other", "name": "a]"}, "trunk_name_wrong"),
    ],
)
def test_wrong_values_are_named(settings: Settings, values: dict[str, object], code: str) -> None:
    with pytest.raises(DialerError) as caught:
        trunks.create(TrunkForm(**(CARRIER | values)))
    assert caught.value.code == code
    assert caught.value.field
    assert trunks.all_trunks() == []


@pytest.mark.parametrize("values", [{"port": 0}, {"channels": 0}, {"cps": 0}, {"caller_ids": ["abc"]}, {"sex": 1}])
def test_wrong_types_are_refused_by_the_form(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrunkForm(**(CARRIER | values))


def test_lists_may_be_one_text() -> None:
    form = TrunkForm(**CARRIER, caller_ids="+7 (495) 000-00-00; 74950000001\n74950000001", allowed_prefixes="79")
    assert form.caller_ids == ["74950000000", "74950000001"]
    assert form.allowed_prefixes == ["79"]


def test_technology_of_another_kind_needs_no_host(settings: Settings, sent: list[tuple[str, str]]) -> None:
    trunks.create(TrunkForm(title="E1", kind=TrunkKind.OTHER, template="DAHDI/g1/{number}"))
    assert configured() == {}  # configured in Asterisk by hand


def test_rehearsal_carrier_is_made_once_and_follows_the_settings(
    settings: Settings, sent: list[tuple[str, str]]
) -> None:
    first = trunks.ensure_rehearsal(settings)
    moved = settings.model_copy(update={"carrier_sip_port": 5999})
    again = trunks.ensure_rehearsal(moved)
    assert (again.id, again.port) == (first.id, 5999)
    trunks.update(first.id, TrunkForm(title="Mine", kind="rehearsal", host="evil.example.org", channels=7))
    trunk = configured()["rehearsal"]
    assert (trunk.host, trunk.local) == (settings.carrier_host, True)  # type: ignore[attr-defined]
    with pytest.raises(DialerError) as caught:
        trunks.delete(first.id)
    assert caught.value.code == "trunk_rehearsal_kept"


def test_trunk_that_campaigns_use_is_kept(settings: Settings, sent: list[tuple[str, str]]) -> None:
    from campaigns.models import Campaign
    from campaigns.windows import CallingWindows

    used, unused = trunks.create(TrunkForm(**CARRIER)), trunks.create(TrunkForm(**CARRIER))
    write(lambda s: s.add(Campaign(name="c", trunk_id=used, windows=CallingWindows.always().to_json())))
    with pytest.raises(DialerError) as caught:
        trunks.delete(used)
    assert (caught.value.code, caught.value.status) == ("trunk_in_use", 409)
    trunks.delete(unused)
    assert [trunk.id for trunk in trunks.all_trunks()] == [used]
    with pytest.raises(DialerError) as caught:
        trunks.delete(unused)
    assert caught.value.status == 404


def test_broker_that_is_away_is_no_error(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise OSError("no broker")

    monkeypatch.setattr(celery, "send_task", away)
    assert trunks.create(TrunkForm(**CARRIER))


def test_node_follows_the_settings(settings: Settings) -> None:
    node = nodes.ensure_node(settings.model_copy(update={"node_channels": 7, "node_cps": 3.5}))
    assert (node.name, node.channels, node.cps) == ("main", 7, 3.5)
