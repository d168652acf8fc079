"""The tour of an operator who has read nothing: watch, solve, look up, give money back, take the month away."""

import re
import time

from playwright.sync_api import Browser, Page, expect

from tests.faces.browsing import PATIENCE_MS, visit
from tests.faces.test_console import sign_in
from tests.faces.town import Town

WITHIN_S = 150.0


def until_there(page: Page, path: str, town: Town, selector: str) -> None:
    """Look at a page again and again until the town has brought about what is looked for."""
    until = time.monotonic() + WITHIN_S
    while True:
        page.goto(f"{town.console}#/")  # another address first: the same one again would change nothing
        page.goto(f"{town.console}#{path}")
        try:
            page.locator(selector).first.wait_for(timeout=10_000)
            return
        except Exception:
            if time.monotonic() > until:
                raise


def test_cars_arrive_and_numbers_are_fresh(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town)
        expect(page.get_by_test_id("fresh")).to_be_visible()
        lanes = page.locator("[data-testid^='lane-']")
        expect(lanes.locator(".plate").first).to_be_visible()
        before = lanes.all_inner_texts()
        page.wait_for_function(
            "before => [...document.querySelectorAll(\"[data-testid^='lane-'] .plate\")].map(e => e.innerText).join()"
            " !== before",
            arg=",".join(lanes.locator(".plate").all_inner_texts()), timeout=2 * PATIENCE_MS,
        )  # fmt: skip
        assert lanes.all_inner_texts() != before


YARD = """
lot: openberth/1
code: yard
company: demo
name: {zh: 货场, en: Yard}
zone: Asia/Shanghai
currency: CNY
capacity: 5
tariff: mall
areas: [{code: ground, name: {zh: 地面, en: Ground}, capacity: 5}]
lanes:
  - {code: in, name: {zh: 货场入口, en: Yard gate}, kind: entry, to: ground}
devices:
  - {code: cam, kind: vzenith_http, lane: in, addresses: [127.0.0.0/8], serial: yard-cam}
displays:
  screens: [{lane: in, maker: kf}]
"""


def test_an_exception_is_solved(chromium: Browser, town: Town) -> None:
    with town.operator as api:
        api.put("/v1/lots/yard", content=YARD).raise_for_status()  # where no guard of the town is faster
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, path="#/desk")
        page.get_by_test_id("any-lane").click()
        page.keyboard.type("Yard")  # the list is drawn as far as it is seen
        page.get_by_role("option", name=re.compile("Yard gate")).click()
        page.get_by_test_id("deed-open").click()
        page.get_by_test_id("reason").fill("a delivery")
        page.get_by_test_id("confirm").click()
        until_there(page, "/exceptions?lot=yard&kind=opened_by_hand", town, "[data-testid=open-case]")
        page.get_by_test_id("open-case").first.click()
        page.get_by_test_id("action-dismiss").click()
        page.get_by_test_id("reason").fill("it was a delivery")
        page.get_by_test_id("resolve").click()
        expect(page.get_by_text("Nothing matches")).to_be_visible()


def test_words_are_put_on_the_display_by_the_keyboard(chromium: Browser, town: Town) -> None:
    with town.operator as api:
        api.put("/v1/lots/yard", content=YARD).raise_for_status()
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, path="#/desk")
        expect(page.get_by_test_id("fresh")).to_be_visible()
        page.get_by_test_id("any-lane").click()
        page.keyboard.type("Yard")
        page.get_by_role("option", name=re.compile("Yard gate")).click()
        display = page.get_by_test_id("display")
        expect(display).to_contain_text("余位")
        expect(page.get_by_test_id("deed-text")).to_be_visible()
        page.locator("main").click(position={"x": 5, "y": 5})
        page.keyboard.press("F6")
        words = page.get_by_test_id("words")
        expect(words).to_be_focused()
        page.keyboard.press("5")
        expect(words).to_have_value("Use another lane")
        page.keyboard.press("Enter")
        expect(display).to_contain_text("Use another")
        expect(display).to_contain_text("words of a person")
        page.get_by_test_id("deed-text").click()
        page.get_by_test_id("take-away").click()
        expect(display).to_contain_text("余位")


def test_a_stay_is_found_with_its_pictures_and_its_story(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town)
        until_there(page, "/stays?lot=office", town, "[data-testid=open-stay]")
        page.get_by_test_id("open-stay").first.click()
        passage = page.get_by_test_id("passage").first
        expect(passage.locator("img")).to_be_visible()
        page.wait_for_function("each => each.naturalWidth > 300", arg=passage.locator("img").element_handle())
        passage.click()
        replay = page.get_by_test_id("replay")
        expect(replay).to_contain_text("Recognised")
        expect(replay).to_contain_text("Decided")


def test_a_payment_is_given_back(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town)
        until_there(page, "/bills?lot=office&state=settled", town, ".el-table a.num")
        page.locator(".el-table a.num").first.click()
        page.get_by_test_id("refund").first.click()
        page.get_by_test_id("amount").fill("1.00")
        page.get_by_test_id("reason").fill("the barrier was slow")
        deed = page.get_by_test_id("confirm")
        expect(deed).to_contain_text("¥1.00")
        deed.click()
        row = page.get_by_test_id("refund-row").first
        expect(row).to_contain_text("¥1.00")
        # It arrives, or says why not and what to do: the office takes Sandpay, too, which gives nothing back.
        expect(row).to_contain_text(re.compile("Done|Stuck", re.IGNORECASE), timeout=2 * PATIENCE_MS)


def test_the_month_is_taken_away(chromium: Browser, town: Town) -> None:
    with visit(chromium, locale="en-GB", accept_downloads=True) as (page, _):
        sign_in(page, town)
        until_there(page, "/finance", town, "[data-testid=finance-lines] tbody tr")
        page.get_by_test_id("days-this_month").click()
        page.get_by_test_id("export").click()
        with page.expect_download() as taken:
            page.get_by_test_id("export-csv").click()
        text = taken.value.path().read_text("utf-8-sig")
        assert len(text.splitlines()) > 1
        assert "CNY" in text
