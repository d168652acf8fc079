"""The front page, in both languages, leads to everything that is written, and every link leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)#]+)")
PAGES = ("README.md", "README.zh-CN.md")


@pytest.mark.parametrize("page", PAGES)
def test_every_guide_is_led_to(page: str) -> None:
    links = set(LINK.findall((ROOT / page).read_text("utf-8")))
    written = {
        path.relative_to(ROOT).as_posix() for room in ("guides", "runbooks", "devices")
        for path in (ROOT / "docs" / room).glob("*.md")
    }  # fmt: skip
    assert written - links == set()


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md", "docs/architecture.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    path = ROOT / page
    links = [link for link in LINK.findall(path.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_both_languages_know_the_same_commands() -> None:
    english, chinese = (re.findall(r"```\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL) for page in PAGES)
    assert [_commands(block) for block in english] == [_commands(block) for block in chinese]


def _commands(block: str) -> list[str]:
    return [line.partition("#")[0].strip() for line in block.splitlines()]
