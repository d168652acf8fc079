"""A real browser: Debian's Chromium, driven through Playwright, that tells of every error and every foreign request."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
]  # fmt: skip
AXE = Path(__file__).resolve().parents[2] / "apps" / "web" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MS = 40_000

expect.set_options(timeout=PATIENCE_MS)


def missing() -> str | None:
    """Return what a user without the extras lacks, None when browsers can be driven."""
    if CHROMIUM is None and os.environ.get("CI"):
        return None  # there it has to be, and its absence fails
    return "needs Chromium (Debian: apt install chromium fonts-noto-cjk)" if CHROMIUM is None else None


@dataclass
class Watch:
    """What a browser did that nobody wants: errors in its console, and requests to other hosts."""

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    #: Words of console errors that a test brings about on purpose, such as a refused sign-in.
    expected: list[str] = field(default_factory=list)

    def look_at(self, page: Page) -> None:
        page.on("console", lambda message: self._said(message.type, message.text, message.location.get("url", "")))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))

    def _said(self, kind: str, text: str, url: str) -> None:
        if kind == "error" and not any(words in f"{text} {url}" for words in self.expected):
            self.errors.append(f"{text} ({url})")

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in ("127.0.0.1", "localhost"):
            self.foreign.append(url)

    def check(self) -> None:
        assert self.foreign == []
        assert self.errors == []


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def visit(chromium: Browser, **how: Any) -> Iterator[tuple[Page, Watch]]:
    """Open a window of its own, as a browser in Shanghai unless told otherwise; nothing unwanted may happen in it."""
    # Nothing fades or slides: what is half there is neither seen nor measured.
    settings = {
        "reduced_motion": "reduce",
        "locale": "zh-CN",
        "timezone_id": "Asia/Shanghai",
        "viewport": {"width": 1440, "height": 900},
        **how,
    }
    context: BrowserContext = chromium.new_context(**settings)
    context.set_default_timeout(PATIENCE_MS)
    try:
        page, watch = context.new_page(), Watch()
        watch.look_at(page)
        yield page, watch
        watch.check()
    finally:
        context.close()


def serious_findings(page: Page) -> list[str]:
    """Return what axe finds serious or worse on a page."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [
        f"{each['id']}: {node['html'][:160]}"
        for each in found if each["impact"] in ("serious", "critical") for node in each["nodes"]
    ]  # fmt: skip
