"""The drivers' app in a real browser, as a phone has it: the sign of a lane, paying, and a car of one's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from openberth.infra.http.static import FACES
from tests.faces.browsing import serious_findings, visit
from tests.service.databases import SqliteFiles
from tests.waiting import eventually
from tests.wire.api.conftest import opened
from tests.wire.api.house import CAR, FakeTexting, House

pytestmark = pytest.mark.skipif(
    not (FACES / "app" / "index.html").is_file(), reason="the app is not built (make faces)"
)
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
NUMBER = "13800138000"


@pytest.fixture
def waiting(chromium: Browser, tmp_path: Path) -> Iterator[House]:
    """A car waits at an exit to pay 7.50; asked for after the browser, so no skip starts a server."""
    for house in opened(SqliteFiles(tmp_path).url(tmp_path), tmp_path):
        house.open_mall()
        house.look_around()
        house.arrive("in-1", CAR)
        house.pass_minutes(61)
        house.arrive("out-1", CAR)
        yield house


def at(house: House, page: str) -> str:
    return f"{house.url}/app/#/{page}"


def pay_at_the_channel(page: Page, house: House) -> None:
    """Let the channel's page take the money, tell of it, and lead back to where the order says."""
    house.channel.pages = f"{house.url}/channel"

    def paid(route: Route) -> None:
        number = route.request.url.rpartition("/")[2]
        back = house.channel.orders[number].back
        assert back is not None
        assert house.notify(number, 750).status_code == 200
        ours = back.replace(house.settings.public_base, house.url)
        route.fulfill(status=200, content_type="text/html", body=f'<meta http-equiv="refresh" content="0; url={ours}">')

    page.route("**/channel/*", paid)


def test_the_sign_of_a_lane_explains_the_price_and_the_barrier_opens(chromium: Browser, waiting: House) -> None:
    code = waiting.code("out-1").removeprefix("/c/")
    with visit(chromium, **PHONE) as (page, _):
        pay_at_the_channel(page, waiting)
        page.goto(at(waiting, f"pages/code/code?c={code}"))
        expect(page.locator("[data-test=due]")).to_have_text("¥7.50")
        expect(page.get_by_text("粤B·**345")).to_be_visible()
        expect(page.get_by_text("费用明细")).to_be_visible()
        assert serious_findings(page) == []
        page.locator("[data-test=pay]").tap()
        expect(page.get_by_text("已付清")).to_be_visible()
        expect(page.get_by_text("查看电子收据")).to_be_visible()
    assert eventually(lambda: waiting.waiting("out-1") is None)


def test_a_driver_signs_in_binds_the_plate_and_proves_it_at_the_lane(chromium: Browser, waiting: House) -> None:
    code = waiting.code("out-1").removeprefix("/c/")
    with visit(chromium, locale="en-GB", **PHONE) as (page, _):
        page.goto(at(waiting, "pages/sign-in/sign-in"))
        page.get_by_role("checkbox").tap()
        page.locator("input").nth(0).fill(NUMBER)
        page.get_by_text("Send a code").tap()
        expect(page.get_by_text("The code is under way")).to_be_visible()
        assert isinstance(waiting.texting, FakeTexting)
        page.locator("input").nth(1).fill(waiting.texting.codes[NUMBER])
        page.locator("uni-button", has_text="Sign in").last.tap()
        expect(page.get_by_text("No plate yet")).to_be_visible()
        page.goto(at(waiting, "pkg/plates/plates"))
        page.locator(".cells").tap()
        for key in CAR:
            page.locator(".key", has_text=key).first.tap()
        page.get_by_text("Done", exact=True).tap()
        page.locator("uni-button", has_text="Add").last.tap()
        expect(page.get_by_text("Not verified")).to_be_visible()
        page.get_by_text("Scan to verify").tap()
        page.locator(".sheet input").fill(code)
        page.get_by_text("Open", exact=True).tap()
        expect(page.get_by_text("Verified", exact=True).first).to_be_visible()
        page.goto(at(waiting, "pages/home/home"))
        expect(page.locator("[data-test=running]")).to_have_text("¥7.50")
        expect(page.get_by_text("Your car waits at")).to_be_visible()


def test_a_car_without_a_plate_comes_in_by_the_code_and_leaves_with_its_pass(chromium: Browser, waiting: House) -> None:
    entry, leaving = (waiting.code(lane).removeprefix("/c/") for lane in ("in-1", "out-2"))
    waiting.arrive("in-1", None)
    with visit(chromium, **PHONE) as (page, _):
        page.goto(at(waiting, f"pages/code/code?c={entry}"))
        page.locator("uni-button", has_text="入场").tap()
        shown = page.locator(".pass")
        expect(shown).to_be_visible()
        expect(page.get_by_text("欢迎入场，道闸正在抬起")).to_be_visible()
        assert serious_findings(page) == []
        number = shown.inner_text().strip()
        assert eventually(lambda: waiting.waiting("in-1") is None)
        waiting.pass_minutes(61)
        waiting.arrive("out-2", None)
        page.goto(at(waiting, f"pages/code/code?c={leaving}"))
        page.reload()  # a scanned code opens the app anew
        expect(page.locator("input").first).to_have_value(number)  # the phone knows it still
        page.get_by_text("出示凭证").tap()
        expect(page.locator("[data-test=due]")).to_have_text("¥7.50")
