"""The console's live page and lane desk in a real browser, on a town that lives."""

from playwright.sync_api import Browser, Page, expect

from tests.faces.browsing import serious_findings, visit
from tests.faces.test_console import sign_in
from tests.faces.town import Town


def cut(page: Page, *, off: bool) -> None:
    page.context.set_offline(off)


def test_what_is_old_is_said_to_be_old_and_is_right_again(chromium: Browser, town: Town) -> None:
    with visit(chromium) as (page, watch):
        watch.expected += ["ERR_INTERNET_DISCONNECTED", "WebSocket"]
        sign_in(page, town, path="#/live")
        expect(page.get_by_test_id("fresh")).to_be_visible()
        expect(page.get_by_test_id("lane-in-1").first).to_be_visible()
        assert serious_findings(page) == []
        cut(page, off=True)
        expect(page.get_by_test_id("stale")).to_contain_text("前")
        assert serious_findings(page) == []  # grey, and still to be read
        cut(page, off=False)
        expect(page.get_by_test_id("fresh")).to_be_visible()


def test_a_lane_is_opened_by_hand_with_keys_alone(chromium: Browser, town: Town) -> None:
    with visit(chromium) as (page, _):
        sign_in(page, town, path="#/live?lot=mall")
        page.get_by_test_id("lane-out-1").click()
        expect(page.get_by_test_id("at-lane")).to_contain_text("东出口")
        assert serious_findings(page) == []
        page.locator("main").focus()
        page.keyboard.press("F5")
        page.get_by_test_id("reason").fill("疏导拥堵")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("barrier")).to_contain_text("道闸已打开")


def test_a_phone_sees_what_is_wrong(chromium: Browser, town: Town) -> None:
    with visit(chromium, viewport={"width": 390, "height": 844}) as (page, _):
        sign_in(page, town, path="#/live")
        expect(page.get_by_test_id("total-waiting")).to_be_visible()
        sizes = page.evaluate(
            "[document.querySelector('main').scrollWidth, document.querySelector('main').clientWidth]"
        )
        assert sizes[0] == sizes[1]
        page.goto(f"{town.console}#/desk")
        expect(page.get_by_test_id("any-lane")).to_be_visible()
