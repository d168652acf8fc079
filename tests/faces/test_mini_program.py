"""The built mini-program: what WeChat would refuse, and a finger that pays in it, without WeChat."""

import json
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.faces.mini_program import Package

MOBILE = Path(__file__).resolve().parents[2] / "apps" / "mobile"
BUILT = MOBILE / "dist" / "build" / "mp-weixin"
KIT = MOBILE / "mptest"
COMPILERS = KIT / "node_modules" / "miniprogram-compiler" / "bin" / "linux"

needs_build = pytest.mark.skipif(
    not (BUILT / "app.json").is_file(), reason="the mini-program is not built (make faces)"
)
needs_kit = pytest.mark.skipif(
    not (KIT / "node_modules").is_dir(),
    reason="its test kit is not installed (npm ci --ignore-scripts in apps/mobile/mptest)",
)


@needs_build
def test_wechat_would_take_it() -> None:
    package = Package(BUILT)
    assert package.findings() == []
    assert len(package.pages) >= 13
    assert 2 <= len(package.app["tabBar"]["list"]) <= 4
    assert package.sizes()["main"] < 1_000_000


def test_the_audit_finds_what_wechat_refuses(tmp_path: Path) -> None:
    """Each of these would only be told by an upload."""
    icon = tmp_path / "icon.png"
    icon.write_bytes(b"x")
    tab = {"pagePath": "pages/a", "iconPath": "icon.png", "selectedIconPath": "icon.png"}
    app = {
        "pages": ["pages/a"],
        "tabBar": {"list": [tab, tab]},
        "subPackages": [],
        "requiredPrivateInfos": ["getWeather"],
    }
    (tmp_path / "app.json").write_text(json.dumps(app), "utf-8")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.json").write_text('{"usingComponents": {"x": "../lost"}}', "utf-8")
    (tmp_path / "pages" / "a.wxml").write_text('<image src="https://pictures.example.com/a.png"/>', "utf-8")
    (tmp_path / "pages" / "a.wxss").write_text(".bar > * { color: red }\n.a { background: url(a.png) }", "utf-8")
    (tmp_path / "pages" / "b.js").write_text("wx.getLocation({}); window.alert(1); eval('1'); fetch('/x')", "utf-8")
    assert sorted(Package(tmp_path).findings()) == [
        "a.wxss: * is no selector here",
        "a.wxss: url(a.png)",
        "getLocation is called and not declared",
        "pages/a.js is missing",
        "pages/a.json: component x is missing",
        "pages/a.wxml: asks pictures.example.com",
        "pages/b.js: makes code at run time",
        "pages/b.js: uses fetch(",
        "pages/b.js: uses window.a",
        "requiredPrivateInfos: getWeather is none",
    ]


@needs_build
@needs_kit
@pytest.mark.skipif(
    platform.machine() != "x86_64" or platform.system() != "Linux", reason="the compilers are for Linux"
)
def test_wechats_own_compilers_take_it() -> None:
    assert Package(BUILT).compiled(COMPILERS) == []


@needs_build
@needs_kit
@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_every_page_is_rendered_and_a_finger_pays() -> None:
    done = subprocess.run(["node", KIT / "run.js", BUILT], cwd=KIT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4_000:]
