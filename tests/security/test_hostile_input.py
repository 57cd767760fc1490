"""What users and programs send is hostile: filters, names, paths, cells."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from config import database
from config.extensions import db
from tests.security.test_pages import TRAIL
from tests.security.test_rights import NOT_READY, Actor, _database, actors  # noqa: F401 - fixture
from tests.security.world import addresses, rules
from web.pages.bases import _harmless

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = (
    "' OR '1'='1",
    '" OR "1"="1',
    "1) OR 1=1 --",
    "x'; DROP TABLE contact; --",
    "x' UNION SELECT password, 1, 1, 1 FROM account --",
    "name; DELETE FROM campaign",
    "(SELECT CASE WHEN 1=1 THEN 1 ELSE 1/0 END)",
    "%' AND SLEEP(5) AND '%'='",
    "\\",
    "\x00",
    "%",
    "_",
    "9" * 400,
    "-1",
    "NaN",
    "\ud7ff\U0010ffff",
    "{{7*7}}${7*7}%(x)s{x}",
    "../../../../etc/passwd",
)


def _page_filters() -> list[str]:
    """Every name that a page reads from its address, found in the source."""
    source = "".join(path.read_text() for path in sorted((ROOT / "web/pages").glob("*.py")))
    names = set(re.findall(r'request\.args\.get\(\s*"(\w+)"', source))
    for group in re.findall(r"request\.args\.get\(name, \"\"\) for name in \(([^)]*)\)", source):
        names |= set(re.findall(r'"(\w+)"', group))
    names |= set(re.findall(r'(?:chosen\.get|whole)\("(\w+)"', source))
    return sorted(names)


def _api_filters(app, path: str) -> list[str]:
    """The same of a path of the API, as its description says."""
    spec = app.test_client().get("/api/openapi.json").json["paths"]
    described = spec.get(re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", path), {}).get("get", {})
    return [item["name"] for item in described.get("parameters", ()) if item["in"] == "query"]


def test_no_filter_reaches_the_database_as_sql(app, world, actors):  # noqa: F811
    """Every filter and sort order of every list, pages and API: no fault, nothing changed, nothing shown that a filter
    by such a value would not show."""
    manager, key = actors[4], actors[7]
    filters, before, asked, wrong = _page_filters(), _database(app, but=TRAIL), 0, []
    assert {"name", "sort", "state", "number", "base", "page", "code", "delimiter", "encoding"} <= set(filters)
    for rule, method in rules(app):
        if method != "GET" or rule.endpoint in ("static", "security.static", "openapi.spec"):
            continue
        actor: Actor = key if rule.endpoint.startswith("api.") else manager
        names = _api_filters(app, rule.rule) if actor is key else filters
        path = next(addresses(app, rule, world.here))
        if not names or path.endswith("/live"):
            continue
        for value in HOSTILE:
            answer = actor.send("GET", path, query_string=dict.fromkeys(names, value))
            asked += 1
            if answer.status_code >= 500 and rule.endpoint != NOT_READY:
                wrong.append(f"GET {path} {value!r} -> {answer.status_code}")
            answer.close()
    assert wrong == []
    assert asked > 300
    assert _database(app, but=TRAIL) == before


def test_a_filter_that_says_always_true_finds_nothing(manager, loaded):
    """Each filter by itself: it is compared as text, so nobody is found by it."""
    campaign, base = loaded
    for path, name in (
        ("/campaigns", "name"),
        ("/campaigns", "state"),
        (f"/campaigns/{campaign}/contacts", "state"),
        (f"/campaigns/{campaign}/bases/{base}/rejected", "code"),
    ):
        everything = len(re.findall(r"<tr\b", manager.get(path).text))
        assert everything > 1, path
        for value in HOSTILE[:8]:
            found = manager.get(path, query_string={name: value}).text
            assert len(re.findall(r"<tr\b", found)) < everything, (path, name, value)


def test_what_is_typed_is_kept_as_text(app, key, trunk_id):
    """Values of forms are stored letter by letter, whatever they spell."""
    for value in HOSTILE[:8]:
        body = {"name": value, "trunk_id": trunk_id}
        answer = app.test_client().post("/api/v1/campaigns", json=body, headers=key)
        assert answer.json["name"] == value
    with app.app_context(), database.read() as session:
        assert {table.name for table in db.metadata.sorted_tables} <= set(
            db.inspect(session.get_bind()).get_table_names()
        )


def test_no_file_outside_of_the_static_folder_is_served(app):
    for path in (
        "/static/../../config/secret_store.py",
        "/static/%2e%2e/%2e%2e/config/secret_store.py",
        "/static/..%2f..%2fconfig%2fsecret_store.py",
        "/static/app/..%5c..%5c..%5capp.py",
        "/static//etc/passwd",
        "/static/%00",
    ):
        answer = app.test_client().get(path)
        assert answer.status_code in (302, 400, 404), path
        assert "import" not in answer.text
        assert "root:" not in answer.text


def test_the_name_of_an_upload_is_never_a_path(app, manager, campaign_id):
    """Files lie under names of ours, inside of the uploads folder, whatever theirs is."""
    settings = app.config["OBZVON"]
    before = set(settings.home.rglob("*"))
    for name in ("../../evil.csv", "/etc/cron.d/evil", "..\\..\\evil.csv", "a\x00b.csv", "x" * 5000):
        list_file, sound = (io.BytesIO(b"79005550009;x\n"), name), (io.BytesIO(b"RIFF"), name)
        manager.post(f"/campaigns/{campaign_id}/bases", {"file": list_file})
        manager.post(f"/campaigns/{campaign_id}/message", {"sound": sound})
    made = set(settings.home.rglob("*")) - before - {settings.uploads / "incoming"}
    assert len(made) == 10
    assert all(re.fullmatch(r"[0-9a-f]{32}(\.json)?", path.name) for path in made), made
    assert all(path.is_relative_to(settings.uploads) for path in made)
    assert not Path("/etc/cron.d/evil").exists()


def test_the_token_of_an_upload_is_no_path(manager, campaign_id):
    for token in ("..", "../../secrets.json", "%2e%2e", "a" * 32, "A" * 32, "0" * 31, "0" * 32 + "%0a"):
        assert manager.get(f"/campaigns/{campaign_id}/bases/new/{token}").status_code == 404, token


def test_a_report_is_found_by_its_number_alone(manager, campaign_id):
    """The address of a download holds numbers only; a row that named another file would have to be ours."""
    for name in ("../secrets.json", "..%2fsecrets.json", "1.xlsx", "0x1", "-1"):
        assert manager.get(f"/campaigns/{campaign_id}/exports/{name}").status_code == 404, name


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "=cmd|' /C calc'!A0",
        '=HYPERLINK("http://x")',
        "＝1+1",
    ],
)
def test_no_cell_of_a_csv_is_a_formula(cell):
    assert _harmless(cell)[0] == "'"


@pytest.mark.parametrize("cell", ["79005550000", "+7 900 555 00 00", "-5", "Иванов", "", "a=b"])
def test_other_cells_stay_as_they_are(cell):
    assert _harmless(cell) == cell


def test_rejected_rows_as_a_file_hold_no_formula(app, manager, campaign_id, tmp_path):
    """The whole way: a hostile list is loaded, and its rejected rows are opened in a spreadsheet."""
    from campaigns import bases

    source = tmp_path / "evil.csv"
    source.write_text("Телефон;ФИО\n79005550077;x\n=1+1;y\n@SUM(A1);z\n+cmd|' /C calc'!A0;q\n", encoding="utf-8")
    with app.app_context():
        base_id = bases.add(campaign_id, source, "evil.csv")
        bases.load_waiting(campaign_id)
    answer = manager.get(f"/campaigns/{campaign_id}/bases/{base_id}/rejected.csv")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert len(rows) > 3
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "@", "+", "-", "\t", "\r")]


def test_bodies_over_the_limit_are_refused_before_they_are_read(app, key, monkeypatch):
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 10_000)
    answer = app.test_client().post("/api/v1/campaigns", json={"name": "x" * 20_000}, headers=key)
    assert answer.status_code == 413
    assert answer.json["code"] == "too_large"
