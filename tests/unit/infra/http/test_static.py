"""The built pages are served whole, packed where the browser takes it, and anew when they changed."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from openberth.infra.http.static import Face


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>", "utf-8")
    (tmp_path / "assets" / "a-1.js").write_text("let a = 1", "utf-8")
    (tmp_path / "assets" / "a-1.js.gz").write_bytes(gzip.compress(b"let a = 1"))
    return tmp_path


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=Face("console", folder).routes())) as client:
        yield client


def test_the_first_page_is_asked_for_anew_by_its_tag(client: TestClient) -> None:
    page = client.get("/console/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "no-cache"
    assert "script-src 'self';" in page.headers["content-security-policy"]
    again = client.get("/console/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/console", follow_redirects=False).headers["location"] == "/console/"


@pytest.mark.parametrize(("taken", "encoding"), [("gzip, br", "gzip"), ("identity", None)])
def test_files_are_packed_for_who_takes_it_and_kept_for_ever(
    client: TestClient, taken: str, encoding: str | None
) -> None:
    found = client.get("/console/assets/a-1.js", headers={"accept-encoding": taken})
    assert found.text == "let a = 1"
    assert found.headers.get("content-encoding") == encoding
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["a-2.js", "../secret", "..%2fsecret", "assets/", "a-1.js.gz", "%00"])
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    assert client.get(f"/console/assets/{path}").status_code == 404


def test_pages_that_were_not_built_say_so(tmp_path: Path) -> None:
    with TestClient(Starlette(routes=Face("console", tmp_path / "none").routes())) as client:
        answer = client.get("/console/", headers={"accept-language": "en"})
    assert answer.status_code == 404
    assert "make faces" in answer.text
