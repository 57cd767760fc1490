"""A manager's day in Chromium, with real calls to the rehearsal carrier."""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
from playwright.sync_api import Page, expect

ROOT = Path(__file__).resolve().parents[2]
DEBTS = ROOT / "tests" / "data" / "debts_cp1251.csv"
MESSAGE = ROOT / "assets" / "sample_message.wav"


def make_campaign(page: Page, name: str) -> str:
    """Fill in the form as a person does; returns the campaign's address."""
    page.click("text=New campaign")
    page.fill("#f-name", name)
    page.set_input_files("#f-sound", MESSAGE)
    page.fill("#f-channel_limit", "40")
    page.fill("#f-attempts", "1")
    page.fill("#f-notification_s", "3")
    page.fill("#f-ring_s", "6")
    page.select_option("#f-timezone", "Asia/Yekaterinburg")
    page.fill("[name=w-0-from]", "00:00")
    page.fill("[name=w-0-to]", "00:00")  # midnight: the whole day
    page.click("text=Add a date")
    page.fill("[name=x-1-date]", "2031-01-01")
    page.click("text=Save")
    page.wait_for_url(re.compile(r"/campaigns/\d+$"))
    return page.url


def number(page: Page, key: str) -> int:
    return int(page.get_attribute(f'[data-number="{key}"]', "data-value"))


def test_from_signing_in_to_the_report(visitor, tmp_path):
    with visitor("wide") as manager:
        page = manager.page
        page.goto(manager.address)
        where = make_campaign(page, "Долги за декабрь")
        expect(page.locator("#start-problems")).to_contain_text("add a base with numbers")
        assert "2031-01-01: closed" in page.inner_text("main")
        manager.picture("campaign-draft")

        page.set_input_files("#base-file", DEBTS)
        page.fill("[name=comment]", "должники декабря")
        page.click("text=Upload and look at it")
        expect(page.locator("h1")).to_contain_text("debts_cp1251.csv")
        expect(page.locator("#c-encoding")).to_contain_text("cp1251")
        manager.picture("base-preview")
        page.select_option("#c-phone", "1")  # sends the form by itself
        page.wait_for_url(re.compile("phone_column=1"))
        page.select_option("#c-phone", "0")
        page.wait_for_url(re.compile("phone_column=0"))
        page.click("#load-base")
        page.wait_for_url(where)
        row = page.locator("[data-base]")
        expect(row.locator("[data-state=ready]")).to_be_visible(timeout=20_000)
        expect(row).to_contain_text("168")
        expect(page.locator('[data-number="contacts"]')).to_have_attribute("data-value", "160", timeout=10_000)

        row.locator("a").first.click()
        expect(page.locator("h1")).to_contain_text("Rejected rows")
        expect(page.locator("main")).to_contain_text("Emergency numbers are never called.")
        manager.picture("rejected")
        page.go_back()

        page.click("[data-order=start]")
        expect(page.locator("[data-state=running]").first).to_be_visible()
        expect(page.locator('[data-number="open"]')).not_to_have_attribute("data-value", "0", timeout=15_000)
        manager.picture("campaign-running")
        several = re.compile(r"^([6-9]|\d\d+)$")
        expect(page.locator("[data-number=reached]")).to_have_attribute("data-value", several, timeout=40_000)
        assert page.url == where, "the numbers came without loading the page"
        page.click("[data-order=pause]")
        expect(page.locator("[data-order=resume]")).to_be_visible()
        expect(page.locator('[data-number="open"]')).to_have_attribute("data-value", "0", timeout=30_000)
        assert number(page, "pending") > 0
        manager.picture("campaign-paused")
        page.click("[data-order=resume]")
        expect(page.locator("[data-state=finished]").first).to_be_visible(timeout=120_000)
        assert number(page, "pending") == 0
        assert number(page, "reached") + number(page, "not_reached") == 160
        manager.picture("campaign-finished")

        page.click("#make-report")
        with page.expect_download(timeout=30_000) as download:
            page.click("[data-export][data-state=ready] a", timeout=20_000)
        target = tmp_path / "report.xlsx"
        download.value.save_as(target)
        assert len(openpyxl.load_workbook(target).sheetnames) >= 3

        page.click("text=Contacts >> nth=0")
        page.fill("#filter-number", "0001")
        page.wait_for_url(re.compile("number=0001"))
        expect(page.locator("#contact-list tbody tr")).to_have_count(1)
        manager.picture("contacts")
        page.locator("#contact-list tbody a").first.click()
        page.wait_for_url("**/contacts/*")
        expect(page.locator("[data-rule]")).to_contain_text("final result")
        manager.picture("contact")


def test_every_page_on_a_telephone_in_russian(visitor):
    with visitor("narrow", signed_in=False) as person:
        person.go("/sign-in")
        person.page.click("button[value=ru]")
        expect(person.page.locator("h2")).to_have_text("Войти")
        person.picture("sign-in")
    for size in ("narrow", "wide"):
        with visitor(size) as person:
            if person.page.locator("button[value=ru]").count():
                person.page.click("button[value=ru]")
            expect(person.page.locator("h1")).to_have_text("Кампании")
            for name, path in (
                ("campaigns", "/campaigns"),
                ("campaign", "/campaigns/1"),
                ("campaign-form", "/campaigns/new"),
                ("message-editor", "/campaigns/1/message/edit"),
                ("voices", "/system/voices"),
                ("contacts", "/campaigns/1/contacts"),
                ("rejected", "/campaigns/1/bases/1/rejected"),
                ("trunks", "/trunks"),
                ("trunk-form", "/trunks/new"),
                ("nodes", "/nodes"),
                ("node", "/nodes/1"),
                ("accounts", "/accounts"),
                ("account", "/account"),
                ("password", "/account/password"),
                ("nothing", "/campaigns/77777"),
            ):
                if name == "nothing":
                    person.complaints.clear()
                person.go(path)
                person.picture(f"ru-{name}")
                assert not re.search(r"\b(the|is|this|are)\b", person.page.inner_text("main")), path
            person.complaints.clear()  # 404 is told in the console as well


def test_the_menu_opens_on_a_telephone(visitor):
    with visitor("narrow") as person:
        person.page.click(".navbar-toggler")
        person.page.click("#menu a[href='/trunks']")
        expect(person.page.locator("[data-node] .bg-green-lt")).to_be_visible()
        person.page.click("#account-menu")
        person.page.click("form[action='/sign-out'] button")
        person.page.wait_for_url("**/sign-in*")
