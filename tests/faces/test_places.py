"""What stands on the ground, pressed in a browser: a lot file and its conflict, a device that waits, signs on paper."""

import re
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.faces.browsing import visit
from tests.faces.test_console import sign_in
from tests.faces.town import Town
from tests.waiting import PATIENCE_S, eventually

DEPOT = """
lot: openberth/1
code: depot
company: demo
name: {{zh: 车库, en: Depot}}
zone: Asia/Shanghai
currency: CNY
capacity: {capacity}
tariff: mall
areas: [{{code: ground, name: {{zh: 地面, en: Ground}}, capacity: {capacity}}}]
lanes:
  - {{code: in, name: {{zh: 车库入口, en: Depot gate}}, kind: entry, to: ground}}
devices:
  - {{code: cam, kind: vzenith_http, lane: in, addresses: [127.0.0.0/8], serial: depot-cam}}
"""


def put(town: Town, capacity: int) -> None:
    with town.operator as api:
        api.put("/v1/lots/depot", content=DEPOT.format(capacity=capacity)).raise_for_status()


def capacity(town: Town) -> int:
    with town.operator as api:
        return int(api.get("/v1/lots/depot").json()["capacity"])


def upload(page: Page, size: int) -> None:
    file = {"name": "depot.yaml", "mimeType": "application/yaml", "buffer": DEPOT.format(capacity=size).encode()}
    page.get_by_test_id("upload").set_input_files(file)  # type: ignore[arg-type]


def test_a_lot_file_is_applied_and_a_change_of_somebody_else_is_not_lost(chromium: Browser, town: Town) -> None:
    put(town, 5)
    with visit(chromium, locale="en-GB") as (page, watch):
        watch.expected.append("409")
        sign_in(page, town, path="#/lots/depot?tab=file")
        upload(page, 6)
        page.get_by_test_id("apply").click()
        page.get_by_test_id("confirm").click()
        expect(page.get_by_test_id("apply")).to_be_disabled()
        assert capacity(town) == 6
        upload(page, 7)
        expect(page.get_by_test_id("apply")).to_be_enabled()
        put(town, 9)  # meanwhile, by somebody else
        page.get_by_test_id("apply").click()
        page.get_by_test_id("confirm").click()
        expect(page.get_by_test_id("moved-on")).to_be_visible()
        assert capacity(town) == 9, "nothing was written over it"
        page.keyboard.press("Escape")
        page.get_by_test_id("keep-mine").click()
        expect(page.get_by_test_id("apply")).to_be_enabled()
        page.get_by_test_id("apply").click()
        page.get_by_test_id("confirm").click()
        expect(page.get_by_test_id("apply")).to_be_disabled()
        assert capacity(town) == 7


def heartbeat(town: Town, serial: str) -> None:
    """Call as a camera that nobody knows."""
    part = f'--b\r\nContent-Disposition: form-data; name="serialno"\r\n\r\n{serial}\r\n--b--\r\n'
    request = Request(
        f"{town.url}/devices/vzenith/nobodys", part.encode(), {"content-type": "multipart/form-data; boundary=b"}
    )
    with pytest.raises(Exception, match="404"):
        urlopen(request, timeout=PATIENCE_S)

    def waits() -> bool:
        with town.operator as api:
            return serial in {each["serial"] for each in api.get("/v1/devices/waiting").json()["items"]}

    assert eventually(waits)


def test_a_device_that_waits_is_taken_in(chromium: Browser, town: Town) -> None:
    put(town, 5)
    heartbeat(town, "new-at-the-depot")
    with visit(chromium, locale="en-GB") as (page, _):
        sign_in(page, town, path="#/devices")
        waiting = page.get_by_test_id("waiting-new-at-the-depot")
        waiting.get_by_test_id("approve").click()
        page.get_by_test_id("approve-lot").click()
        page.get_by_role("option", name="Depot", exact=True).click()
        page.get_by_test_id("approve-lane").click()
        page.get_by_role("option", name=re.compile("Depot gate")).click()
        page.get_by_test_id("approve-code").fill("cam-new")
        page.get_by_test_id("approve-send").click()
        expect(page.get_by_test_id("waiting-new-at-the-depot")).to_have_count(0)
    with town.operator as api:
        devices = api.get("/v1/lots/depot").json()["devices"]
    assert {"cam", "cam-new"} == {each["code"] for each in devices}


def test_signs_come_on_paper(chromium: Browser, town: Town) -> None:
    put(town, 5)
    with visit(chromium, locale="en-GB") as (page, _):
        page.add_init_script("window.print = () => { window.printed = document.body.innerText }")
        sign_in(page, town, path="#/lots/depot")
        page.get_by_test_id("print-signs").click()
        page.wait_for_function("() => window.printed")
        printed = str(page.evaluate("() => window.printed"))
    assert "Depot gate" in printed
