"""What was built is small, reproducible and asks nobody else."""

import gzip
import re
from pathlib import Path

import pytest

from openberth.infra.http.static import FACES

CONSOLE = FACES / "console"
FIRST_MAX = 350_000  # bytes of packed scripts before the first page can be used

pytestmark = pytest.mark.skipif(not CONSOLE.is_dir(), reason="the pages are not built (make faces)")
_IMPORT = re.compile(r"""(?:from|import)\s*["'](\./[\w.-]+\.js)["']""")


def statically_needed(names: list[str]) -> set[str]:
    """Return the scripts that these load before they run, and those of those."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            text = (CONSOLE / "assets" / name).read_text("utf-8")
            names += [each.removeprefix("./") for each in _IMPORT.findall(text)]
    return found


def test_the_first_page_needs_few_bytes() -> None:
    page = (CONSOLE / "index.html").read_text("utf-8")
    shell = [path.name for path in (CONSOLE / "assets").glob("Shell-*.js")]
    assert shell
    needed = statically_needed([*re.findall(r'assets/([\w.-]+\.js)"', page), *shell])
    size = sum(len(gzip.compress((CONSOLE / "assets" / name).read_bytes(), 9)) for name in needed)
    assert size < FIRST_MAX, f"{size} bytes in {sorted(needed)}"
    assert not any("echarts" in name or "codemirror" in name or "leaflet" in name for name in needed)


def test_no_page_has_scripts_in_line(tmp_path: Path) -> None:
    for face in FACES.iterdir():
        if (face / "index.html").is_file():
            page = (face / "index.html").read_text("utf-8")
            assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", page), face.name
            assert not re.search(r'(?:src|href)="(?:https?:)?//', page), face.name
