from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.faces.browsing import browser, missing
from tests.faces.town import Town, living_town

HERE = Path(__file__).parent


class Sight:
    """A browser and a town, begun when the first test asks and ended with the last of this folder: a town that nobody
    looks at would take its share of every test that follows.
    """

    def __init__(self) -> None:
        self._held = ExitStack()
        self._browser: Browser | None = None
        self._town: Town | None = None

    def browser(self) -> Browser:
        if self._browser is None:
            self._browser = self._held.enter_context(browser())
        return self._browser

    def town(self, folder: Path) -> Town:
        if self._town is None:
            self._town = self._held.enter_context(living_town(folder, "--speed", "180", "--seed", "11"))
        return self._town

    def end(self) -> None:
        self._browser = self._town = None
        self._held.close()


SIGHT = Sight()


@pytest.fixture
def chromium() -> Browser:
    lacking = missing()
    if lacking is not None:
        pytest.skip(lacking)
    return SIGHT.browser()


@pytest.fixture
def town(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Town:
    """A town that lives while the browser looks at it; asked for after the browser, so no skip starts one."""
    return SIGHT.town(tmp_path_factory.mktemp("town"))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if item.path.parent == HERE and (nextitem is None or nextitem.path.parent != HERE):
        SIGHT.end()
