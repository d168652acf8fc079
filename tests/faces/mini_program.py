"""What a built mini-program must be for WeChat to take it, looked at without WeChat's own tools."""

import json
import re
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

PARTS = (".js", ".json", ".wxml")
PACKAGE_MAX = 2 * 1024 * 1024  # of the main package and of each sub-package
ALL_MAX = 20 * 1024 * 1024
ICON_MAX = 40 * 1024
ELSEWHERE = ("plugin://", "dynamicLib://", "ext://")
# Calls that a package has to declare before WeChat allows them.
PRIVATE = frozenset((
    "chooseAddress", "chooseLocation", "choosePoi", "getFuzzyLocation", "getLocation", "onLocationChange",
    "startLocationUpdate", "startLocationUpdateBackground",
))  # fmt: skip
# What browsers have and WeChat has not. Library code asks ``typeof`` before it uses one.
OF_BROWSERS = re.compile(
    r"(?<![\w.$\"'/-])(window|document|localStorage|sessionStorage|XMLHttpRequest|URLSearchParams|history|fetch"
    r"|navigator)\s*(?:\.\s*\w|\[|\()"
)
REMOTE = re.compile(r"""["'(](?:https?:)?//(?!127\.0\.0\.1[:/"'])([\w.-]+\.[a-z]{2,})""")
IN_WORDS = frozenset(("uniapp.dcloud.net.cn",))  # a link in a warning of uni-app; nothing asks it
URL = re.compile(r"url\(\s*[\"']?(?!data:)([^)\"']+)")
STAR = re.compile(r"(?:^|[\s,>+~}])\*\s*[,{>+~.:]", re.MULTILINE)


@dataclass(frozen=True)
class Package:
    """A built package in its folder."""

    root: Path

    @cached_property
    def app(self) -> Mapping[str, Any]:
        """The package's own description."""
        found: dict[str, Any] = json.loads((self.root / "app.json").read_text("utf-8"))
        return found

    @property
    def sub_packages(self) -> Sequence[Mapping[str, Any]]:
        """The parts that are loaded when they are needed."""
        found: list[dict[str, Any]] = self.app.get("subPackages", [])
        return found

    @property
    def pages(self) -> list[str]:
        """Every page, by its path."""
        return [*self.app["pages"], *(f"{sub['root']}/{page}" for sub in self.sub_packages for page in sub["pages"])]

    def files(self, suffix: str) -> list[Path]:
        """Every file of a kind."""
        return sorted(self.root.rglob(f"*{suffix}"))

    def findings(self) -> list[str]:
        """Return what is wrong, nothing for a package that may be uploaded."""
        return [*self._lacking(), *self._tabs(), *self._sizes(), *self._private(), *self._styles(), *self._scripts()]

    def _lacking(self) -> Iterator[str]:
        for page in self.pages:
            yield from (f"{page}{part} is missing" for part in PARTS if not (self.root / (page + part)).is_file())
        for file in self.files(".json"):
            told = json.loads(file.read_text("utf-8"))
            for name, at in (told.get("usingComponents") or {}).items() if isinstance(told, dict) else ():
                if at.startswith(ELSEWHERE):
                    continue
                base = (self.root / at.lstrip("/") if at.startswith("/") else file.parent / at).resolve()
                if not base.is_relative_to(self.root.resolve()):
                    yield f"{file.name}: {name} lies outside of the package"
                elif not all(base.with_name(base.name + part).is_file() for part in PARTS):
                    yield f"{file.relative_to(self.root)}: component {name} is missing"

    def _tabs(self) -> Iterator[str]:
        tabs = self.app["tabBar"]["list"]
        if not 2 <= len(tabs) <= 5:
            yield f"there are {len(tabs)} tabs"
        for tab in tabs:
            if tab["pagePath"] not in self.app["pages"]:
                yield f"the tab {tab['pagePath']} is not in the main package"
            for icon in (self.root / tab["iconPath"], self.root / tab["selectedIconPath"]):
                if not icon.is_file() or icon.stat().st_size > ICON_MAX:
                    yield f"the icon {icon.name} is missing or large"

    def sizes(self) -> dict[str, int]:
        """Return the bytes of the main package (by the name ``main``) and of each sub-package."""
        roots = [f"{sub['root']}/" for sub in self.sub_packages]
        sizes = dict.fromkeys(["main", *roots], 0)
        for file in self.root.rglob("*"):
            if file.is_file():
                name = file.relative_to(self.root).as_posix()
                sizes[next((root for root in roots if name.startswith(root)), "main")] += file.stat().st_size
        return sizes

    def _sizes(self) -> Iterator[str]:
        sizes = self.sizes()
        yield from (f"{name} has {size} bytes" for name, size in sizes.items() if size > PACKAGE_MAX)
        if sum(sizes.values()) > ALL_MAX:
            yield "all packages together are too large"

    def _private(self) -> Iterator[str]:
        declared = set(self.app.get("requiredPrivateInfos", []))
        yield from (f"requiredPrivateInfos: {word} is none" for word in declared - PRIVATE)
        scripts = "\n".join(file.read_text("utf-8") for file in self.files(".js"))
        called = {word for word in PRIVATE if re.search(rf"\b(?:wx|index)\.{word}\(", scripts)}
        yield from (f"{word} is called and not declared" for word in called - declared)

    def _styles(self) -> Iterator[str]:
        for file in self.files(".wxss"):
            text = file.read_text("utf-8")
            yield from (f"{file.name}: url({found[:60]})" for found in URL.findall(text))
            if STAR.search(text):
                yield f"{file.name}: * is no selector here"

    def _scripts(self) -> Iterator[str]:
        for file in (*self.files(".js"), *self.files(".wxml")):
            text, name = file.read_text("utf-8"), file.relative_to(self.root).as_posix()
            yield from (f"{name}: asks {host}" for host in REMOTE.findall(text) if host not in IN_WORDS)
            if re.search(r"\bnew Function\(|\beval\(", text):
                yield f"{name}: makes code at run time"
            if not name.startswith("common/vendor"):
                yield from (f"{name}: uses {word[0]}" for word in OF_BROWSERS.finditer(text))

    def compiled(self, compilers: Path) -> list[str]:
        """Return what WeChat's own compilers of templates and styles say against it."""
        sheets = self._names(".wxss")
        commands = {
            "wcc": ["-d", "-o", "/dev/null", *self._names(".wxml"), *self._names(".wxs")],
            "wcsc": ["-db", "-pc", str(len(sheets)), *sheets],
        }
        said = []
        for name, words in commands.items():
            program = compilers / name
            program.chmod(program.stat().st_mode | stat.S_IXUSR)  # the package registry loses it
            done = subprocess.run([program, *words], cwd=self.root, capture_output=True, text=True, timeout=180)
            if done.returncode:
                said.append(f"{name}: {(done.stderr or done.stdout).strip()[:400]}")
        return said

    def _names(self, suffix: str) -> list[str]:
        return [file.relative_to(self.root).as_posix() for file in self.files(suffix)]
