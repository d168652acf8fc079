"""The pictures of the README, taken from a living town; ``make pictures`` puts them where the README shows them."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.faces.browsing import visit
from tests.faces.test_console import MANAGER, sign_in
from tests.faces.town import Town

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
LEAST_BYTES = 20_000  # an empty page is smaller


def take(page: Page, name: str, folder: Path) -> None:
    wanted = (IMAGES if os.environ.get("OPENBERTH_PICTURES") else folder) / f"{name}.png"
    page.wait_for_timeout(1_500)  # pictures of lanes are on their way
    page.screenshot(path=wanted)
    assert wanted.stat().st_size > LEAST_BYTES


@pytest.mark.parametrize(("name", "scheme"), [("console-light", "light"), ("console-dark", "dark")])
def test_the_console(chromium: Browser, town: Town, tmp_path: Path, name: str, scheme: str) -> None:
    with visit(chromium, locale="en-GB", color_scheme=scheme) as (page, _):
        sign_in(page, town, MANAGER, "#/live?lot=mall")
        expect(page.locator("[data-testid^='lane-'] .plate").first).to_be_visible()
        take(page, name, tmp_path)


def test_the_console_on_a_phone(chromium: Browser, town: Town, tmp_path: Path) -> None:
    with visit(chromium, viewport={"width": 390, "height": 844}, device_scale_factor=2) as (page, _):
        sign_in(page, town, MANAGER, "#/live")
        expect(page.get_by_test_id("fresh")).to_be_visible()
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, "something is wider than the phone"
        take(page, "console-phone", tmp_path)
