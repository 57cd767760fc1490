"""The page of nodes and its API: what they show, who may change what, and a node that is given up."""

import datetime as dt
import re

import pytest
from sqlalchemy import update

from config import database
from config.database import utcnow
from dialer import nodes, trunks
from dialer.models import Node, Trunk
from web import accounts, api_keys


@pytest.fixture
def admin_key(app):
    with app.app_context():
        boss = next(item for item in accounts.all_accounts() if item.username == "boss")
        return {"Authorization": f"Bearer {api_keys.create(boss, 'admin')}"}


@pytest.fixture
def second(app):
    """A second node, whose dial worker was seen an hour ago."""

    def work(session):
        node = Node(name="second", channels=9, cps=2.5, seen_at=utcnow() - dt.timedelta(hours=1), connected=True)
        session.add(node)
        session.flush()
        return node.id

    with app.app_context():
        return database.write(work)


def change(app, **values):
    with app.app_context():
        database.write(lambda session: session.execute(update(Node).values(**values)))


def test_a_node_is_drained_and_taken_back(app, admin, manager, connected):
    page = admin.get("/nodes").text
    assert 'data-node="main"' in page
    assert "bg-green-lt" in page
    assert "data-drain" not in page
    assert admin.post("/nodes/1/drain").headers["Location"] == "/nodes"
    assert 'data-drain="drained"' in admin.get("/nodes").text
    assert "/nodes/1/take-back" not in manager.get("/nodes").text
    admin.post("/nodes/1/take-back")
    assert "data-drain" not in admin.get("/nodes").text


def test_who_holds_it_and_what_is_wrong_with_it_is_shown(app, admin):
    change(app, lease_owner="host-7 kernel 4321 1 t", problem="node_lacks_sound", problem_detail="3, 5")
    page = admin.get("/nodes").text
    assert "host-7, process 4321" in page
    assert "campaigns: 3, 5" in page


def test_limits_are_changed_and_survive_a_start(app, admin):
    assert admin.post("/nodes/1", {"channels": "0", "cps": "x"}).status_code == 422
    assert admin.post("/nodes/1", {"channels": "77", "cps": "1,5"}).headers["Location"] == "/nodes"
    with app.app_context():
        node = nodes.ensure_node(app.config["OBZVON"])
        assert (node.channels, node.cps) == (77, 1.5)
        node = nodes.ensure_node(app.config["OBZVON"].model_copy(update={"node_channels": 5}))
        assert (node.channels, node.cps) == (5, 1.5)


def test_only_a_silent_node_is_given_up(app, admin, connected, second):
    assert "give-up" not in admin.get("/nodes/1").text
    assert admin.post("/nodes/1/give-up").headers["Location"] == "/nodes/1"
    assert "alert-danger" in admin.get("/nodes").text
    page = admin.get(f"/nodes/{second}").text
    assert re.search(rf'action="/nodes/{second}/give-up" data-confirm', page)
    assert admin.post(f"/nodes/{second}/give-up").headers["Location"] == "/nodes"
    with app.app_context():
        assert [node.draining for node in nodes.all_nodes()] == [False, True]


def test_the_api_does_the_same_with_an_administrators_key(app, key, admin_key, second):
    client = app.test_client()
    for method, path in (("put", ""), ("post", "/drain"), ("post", "/take-back"), ("post", "/give-up")):
        body = {"json": {"channels": 5, "cps": 1}} if method == "put" else {}
        assert getattr(client, method)(f"/api/v1/nodes/1{path}", headers=key, **body).status_code == 403
    drained = client.post("/api/v1/nodes/1/drain", headers=admin_key).json
    assert (drained["draining"], drained["drained"], drained["calls"]) == (True, True, 0)
    assert client.post("/api/v1/nodes/1/take-back", headers=admin_key).json["draining"] is False
    limits = {"channels": 5, "cps": 1.5}
    assert client.put("/api/v1/nodes/1", json=limits, headers=admin_key).json["channels"] == 5
    assert client.put("/api/v1/nodes/1", json={"channels": 0, "cps": 1}, headers=admin_key).status_code == 422
    assert client.post(f"/api/v1/nodes/{second}/give-up", headers=admin_key).json == {"closed": 0}
    assert client.get("/api/v1/nodes/99", headers=key).json["code"] == "node_missing"
    listed = client.get("/api/v1/nodes", headers=key).json["items"]
    assert [(item["name"], item["trunks"]) for item in listed] == [("main", ["Rehearsal carrier"]), ("second", [])]


def test_a_trunk_is_put_on_nodes(app, admin, admin_key, second, trunk_id):
    form = {"title": "Carrier", "host": "sip.example.net"}
    client = app.test_client()
    made = client.post("/api/v1/trunks", json=form, headers=admin_key).json
    assert made["nodes"] == ["main", "second"]
    place = f"/api/v1/trunks/{made['id']}"
    changed = client.put(place, json={**form, "nodes": ["second"]}, headers=admin_key).json
    assert changed["nodes"] == ["second"]
    assert client.put(place, json=form, headers=admin_key).json["nodes"] == ["second"]
    for names, code in ((["mars"], "node_unknown"), ([], "trunk_nowhere")):
        refused = client.put(place, json={**form, "nodes": names}, headers=admin_key).json
        assert (refused["code"], refused["field"]) == (code, "nodes")
    page = admin.get(f"/trunks/{made['id']}").text
    assert re.search(r'name="nodes" value="second" checked', page)
    assert not re.search(r'name="nodes" value="main" checked', page)
    rehearsal = {"title": "R", "channels": "5", "cps": "5", "enabled": "1", "nodes": ["", "main", "second"]}
    assert admin.post(f"/trunks/{trunk_id}", rehearsal).status_code == 302
    with app.app_context():
        assert [node.name for node in trunks.all_trunks()[1].nodes] == ["main", "second"]
        trunks.delete(made["id"])
        with database.read() as session:
            assert session.query(Trunk).count() == 1


def test_a_node_with_other_secrets_is_refused(app):
    from config import secret_store
    from dialer.errors import DialerError

    settings = app.config["OBZVON"]
    other = settings.model_copy(update={"home": settings.home / "other", "node_name": "second"})
    with app.app_context():
        with pytest.raises(DialerError, match=r"secrets\.json") as caught:
            nodes.ensure_node(other)
        assert caught.value.code == "node_other_secrets"
        with pytest.raises(DialerError):
            nodes.check_secrets(other)
        (other.home / "secrets.json").write_bytes((settings.home / "secrets.json").read_bytes())
        assert secret_store.load(other.home) == secret_store.load(settings.home)
        nodes.check_secrets(other)
        assert nodes.ensure_node(other).name == "second"
