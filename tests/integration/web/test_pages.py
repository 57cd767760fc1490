"""Every page answers, for whom it should, with what it should."""

from __future__ import annotations

from campaigns import service


def test_nobody_gets_in_without_signing_in(app):
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.endpoint in ("static", "security.static") or rule.rule.startswith("/api/"):
            continue
        path = rule.rule
        for argument in rule.arguments:
            converter = rule._converters[argument]
            value = {"AnyConverter": "state", "IntegerConverter": "1"}.get(type(converter).__name__, "x")
            path = path.replace(next(p for p in path.split("/") if f"{argument}>" in p), value)
        answer = client.get(path)
        if rule.endpoint in ("security.login", "pages.health"):
            assert answer.status_code == 200
        else:
            assert answer.status_code in (302, 404, 405), (path, answer.status_code)
            if answer.status_code == 302:
                assert "/sign-in" in answer.headers["Location"], path


def test_every_page_of_a_loaded_campaign(app, admin, loaded):
    campaign_id, base_id = loaded
    with app.app_context():
        from web import queries

        contact_id = queries.contacts(campaign_id).items[0].id
        trunk_id = service.get(campaign_id).trunk_id
    for path in (
        "/campaigns",
        "/campaigns?state=draft&name=deb&sort=name",
        "/campaigns?state=running",
        "/campaigns/new",
        f"/campaigns/{campaign_id}",
        f"/campaigns/{campaign_id}/edit",
        f"/campaigns/{campaign_id}/bases/list",
        f"/campaigns/{campaign_id}/bases/{base_id}/rejected",
        f"/campaigns/{campaign_id}/contacts",
        f"/campaigns/{campaign_id}/contacts?state=pending&number=900",
        f"/campaigns/{campaign_id}/contacts/{contact_id}",
        f"/campaigns/{campaign_id}/exports",
        f"/campaigns/{campaign_id}/message",
        f"/campaigns/{campaign_id}/parts/numbers",
        f"/campaigns/{campaign_id}/parts/state",
        "/trunks",
        "/trunks/new",
        f"/trunks/{trunk_id}",
        "/accounts",
        "/account",
        "/account/password",
    ):
        for locale in ("en", "ru"):
            admin.post("/locale", {"locale": locale})
            answer = admin.get(path)
            assert answer.status_code == 200, (path, answer.text[:2000])
            if answer.mimetype == "text/html":
                assert "style=" not in answer.text, path
                assert "onclick" not in answer.text, path
