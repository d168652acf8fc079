"""How long people wait for the first screen that they can use: a real server, a real browser, nothing cached at first.

``python -m tests.bench.screens`` after ``make faces``, or as a part of ``make bench`` where Chromium is. Measured by
the page's own clock, from the start of the navigation to the moment at which what is waited for stands in the document.
"""

import statistics
import tempfile
from pathlib import Path

import httpx2
from playwright.sync_api import BrowserContext

from openberth.infra.http.static import FACES
from tests.e2e.house import ROOT, YAML, House, _sent
from tests.faces.browsing import CHROMIUM, browser

GOAL_MS, TIMES = 1_000, 5
LOGIN, PASSWORD = "bench", "correct-horse-battery-71"
WATCH = """(selector) => {
  const look = () => { if (!window.usable && document.querySelector(selector)) window.usable = performance.now() };
  new MutationObserver(look).observe(document, {childList: true, subtree: true, attributes: true});
}"""


def furnish(house: House) -> str:
    """Put the mall there and somebody who may look at it; returns the code of a lane's sign."""
    with httpx2.Client(base_url=house.url, headers={"authorization": f"Bearer {house.token}"}, timeout=30) as api:
        for code in ("mall", "vip"):
            _sent(
                api.put(f"/v1/tariffs/{code}", content=(ROOT / "tariffs" / f"{code}.yaml").read_bytes(), headers=YAML)
            )
        _sent(api.put("/v1/lots/mall", content=(ROOT / "lots" / "mall.yaml").read_bytes(), headers=YAML))
        _sent(api.post("/v1/accounts", json={"login": LOGIN, "name": "Bench", "password": PASSWORD, "company": "demo"}))
        _sent(
            api.post("/v1/grants", json={"account": LOGIN, "role": "lot_manager", "level": "company", "node": "demo"})
        )
        return str(_sent(api.get("/v1/lots/mall")).json()["lanes"][0]["scan_code"])


def usable_ms(context: BrowserContext, address: str, selector: str) -> float:
    """Open an address in a new page and return when what is waited for was there."""
    page = context.new_page()
    try:
        page.add_init_script(f"({WATCH})({selector!r})")
        page.goto(address)
        page.wait_for_function("() => window.usable", timeout=30_000)
        return float(page.evaluate("() => window.usable"))
    finally:
        page.close()


def report() -> None:
    """Print what was measured."""
    if CHROMIUM is None or not (FACES / "console" / "index.html").is_file():
        print("\nFirst screens: skipped, they need Chromium and `make faces`")
        return
    rows: dict[str, list[float]] = {}
    with House(Path(tempfile.mkdtemp(prefix="openberth-screens-"))) as house, browser() as chromium:
        sign = furnish(house)
        for _ in range(TIMES):
            context = chromium.new_context(viewport={"width": 1440, "height": 900}, service_workers="block")
            console = f"{house.url}/console/"
            rows.setdefault("console, sign-in, nothing cached", []).append(
                usable_ms(context, console, "[data-testid=login]")
            )
            page = context.new_page()
            page.goto(console)
            page.get_by_test_id("login").fill(LOGIN)
            page.get_by_test_id("password").fill(PASSWORD)
            page.get_by_test_id("enter").click()
            page.get_by_test_id("who").wait_for()
            page.close()
            rows.setdefault("console, live page, signed in", []).append(
                usable_ms(context, console, "[data-testid^=lane-]")
            )
            rows.setdefault("app, sign of a lane, nothing cached", []).append(
                usable_ms(context, f"{house.url}/app/#/pages/code/code?code={sign}", "uni-button, button")
            )
            context.close()
    print(f"\n| first screen that can be used | median ms of {TIMES} | worst | goal {GOAL_MS} ms |")
    print("| --- | --- | --- | --- |")
    for name, found in rows.items():
        median = statistics.median(found)
        print(f"| {name} | {median:.0f} | {max(found):.0f} | {'met' if median <= GOAL_MS else 'not met'} |")


if __name__ == "__main__":
    report()
