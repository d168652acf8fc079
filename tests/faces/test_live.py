"""The console's live page and lane desk in a real browser, on a town that lives."""

import httpx2
from playwright.sync_api import Browser, Page, expect

from tests.faces.browsing import serious_findings, visit
from tests.faces.test_console import sign_in
from tests.faces.town import Town
from tests.waiting import PATIENCE_S, eventually


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


# A lane where no car comes: another car would close what was begun about the one before.
COURT = """
lot: openberth/1
code: court
company: demo
name: {zh: 内院, en: Court}
zone: Asia/Shanghai
currency: CNY
capacity: 5
tariff: mall
areas: [{code: ground, name: {zh: 地面, en: Ground}, capacity: 5}]
lanes:
  - {code: out, name: {zh: 内院出口, en: Court gate}, kind: exit, from: ground}
devices:
  - {code: cam, kind: generic_http, lane: out, addresses: [127.0.0.0/8], serial: court-cam}
"""


def test_a_lane_is_opened_by_hand_with_keys_alone(chromium: Browser, town: Town) -> None:
    with town.operator as api:
        api.put("/v1/lots/court", content=COURT).raise_for_status()
        json = {"content-type": "application/json"}
        made = api.post("/v1/lots/court/devices/cam/credentials", json={}, headers=json).raise_for_status()
        camera = made.json()["path"]

    def pushes(**message: str) -> str:
        with httpx2.Client(base_url=town.url, trust_env=False, timeout=PATIENCE_S) as gate:
            return gate.post(camera, json={"openberth": 1, "serial": "court-cam", **message}).text

    with visit(chromium) as (page, _):
        sign_in(page, town, path="#/live?lot=court")
        page.get_by_test_id("lane-out").click()
        expect(page.get_by_test_id("at-lane")).to_contain_text("内院出口")
        assert serious_findings(page) == []
        page.locator("main").focus()
        page.keyboard.press("F5")
        page.get_by_test_id("reason").fill("疏导拥堵")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("barrier")).to_be_visible()
        assert eventually(lambda: '"command":"open"' in pushes(type="heartbeat"))
        pushes(type="gate", boom="open")
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
