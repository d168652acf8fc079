"""The operators' console in a real browser."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.faces.browsing import serious_findings, visit
from tests.faces.town import Town

MANAGER = "company-manager"


def sign_in(page: Page, town: Town, who: str = MANAGER, path: str = "") -> None:
    page.goto(town.console + path)
    page.get_by_test_id("login").fill(who)
    page.get_by_test_id("password").fill(town.people[who])
    page.get_by_test_id("enter").click()
    expect(page.get_by_test_id("who")).to_have_text(who)


def test_a_stranger_with_a_deep_link_signs_in_and_lands_there(chromium: Browser, town: Town) -> None:
    with visit(chromium) as (page, watch):
        watch.expected.append("/v1/auth/sign-in")
        page.goto(f"{town.console}#/stays?lot=mall&state=open")
        page.get_by_test_id("login").fill(MANAGER)
        page.get_by_test_id("password").fill("wrong")
        page.get_by_test_id("enter").click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_test_id("password").fill(town.people[MANAGER])
        page.get_by_test_id("enter").click()
        expect(page).to_have_url(re.compile(r"#/stays\?lot=mall&state=open"))
        expect(page.get_by_role("heading", level=1)).to_have_text("停车记录")


def test_a_reload_goes_on_without_signing_in(chromium: Browser, town: Town) -> None:
    with visit(chromium) as (page, _):
        sign_in(page, town)
        page.reload()
        expect(page.get_by_test_id("who")).to_be_visible()
        page.get_by_test_id("who").click()
        page.get_by_test_id("sign-out").click()
        expect(page.get_by_test_id("login")).to_be_visible()
        page.reload()
        expect(page.get_by_test_id("login")).to_be_visible()


def test_both_languages(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, path="#/stays")
        expect(page.get_by_role("heading", level=1)).to_have_text("Stays")
        page.get_by_test_id("language").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("停车记录")
        assert serious_findings(page) == []


def test_a_tariff_is_changed_and_published(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, watch):
        watch.expected.append("/v1/tariffs/check")  # is told a mistake on the way
        sign_in(page, town, path="#/tariffs")
        page.get_by_test_id("tariff-mall").click()
        file = page.get_by_test_id("yaml")
        expect(file).to_contain_text("charge: {unit_minutes: 30")
        file.click()
        page.keyboard.press("Control+Home")
        page.keyboard.type("nonsense: 1\n")
        expect(page.get_by_role("alert")).to_contain_text("Line 1")
        page.keyboard.press("Control+Home")
        page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("Delete")
        replace_in_editor(page, "'2.50'", "'3.00'")
        expect(page.get_by_text("at any time: 3.00 for each begun 30 min")).to_be_visible()
        page.get_by_role("tab", name="Fee curve").click()
        expect(page.get_by_test_id("curve")).to_be_visible()
        page.get_by_role("tab", name="Compare").click()
        page.get_by_test_id("save").click()
        expect(page.get_by_text("2.50 → 3.00")).to_be_visible()
        assert serious_findings(page) == []
        page.get_by_test_id("to-publish").click()
        page.get_by_test_id("publish").click()
        expect(page.get_by_text("Published as version 2")).to_be_visible()
        expect(page.get_by_text("Version 2 · In force").first).to_be_visible()


def replace_in_editor(page: Page, old: str, new: str) -> None:
    """Write something else in place of a text, as somebody would by keys."""
    line = page.locator(".cm-line", has_text=old).first
    line.click()
    page.keyboard.press("Home")
    whole = line.inner_text()
    for _ in range(whole.index(old)):
        page.keyboard.press("ArrowRight")
    for _ in old:
        page.keyboard.press("Delete")
    page.keyboard.type(new)
