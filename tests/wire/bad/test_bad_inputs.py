"""Every row of the table, on the real application: the answer that it says, and nothing else happens."""

import io
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from openberth.infra.clocks import Clocks, ManualClock
from openberth.infra.database import open_database
from openberth.infra.sealing import RingSealer
from openberth.kernel.time import Instant
from tests.wire.api.conftest import BUSINESS_START, MACHINE_START, RING, logging_to
from tests.wire.bad.bench import Bench, Sent
from tests.wire.bad.inputs import Bad
from tests.wire.bad.page import PAGE, page
from tests.wire.bad.table import TABLE
from tests.wire.walk.world import settle

ROWS = [row for rows in TABLE.values() for row in rows]
WITHIN_S = 5.0


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, mall_file: Path) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("bad")
    shutil.copyfile(mall_file, folder / "openberth.db")
    business, machine = ManualClock(Instant(BUSINESS_START)), ManualClock(Instant(MACHINE_START))
    database = open_database(
        f"sqlite:///{folder / 'openberth.db'}", Clocks(business, machine), RingSealer(RING), node="test"
    )
    log = io.StringIO()
    try:
        bench = Bench(database, business, machine, folder, log)
        with logging_to(log), bench:
            bench.furnish()
            settle(bench)
            yield bench
    finally:
        database.close()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_bad_input_gets_what_the_table_says(bench: Bench, row: Bad) -> None:
    bench.machine.advance(10_000_000)  # nobody is slowed down here
    before = {} if row.changes else bench.rows()
    began = time.monotonic()
    got = bench.send(row.sent)
    assert time.monotonic() - began < WITHIN_S
    assert (got.status, got.code if row.code else "") == (row.status, row.code), got.body[:600]
    assert "x-evil" not in got.names
    assert "set-cookie" not in got.names or row.sent.method == "GET"
    assert b"<script>" not in got.body or got.headers["content-type"] == "application/json"
    assert got.status == 400 or got.headers["x-content-type-options"] == "nosniff" or not row.sent.token
    if row.changes:
        settle(bench)
    else:
        assert bench.rows() == before
    neighbour = bench.send(Sent("GET", "/v1/clock"))
    assert neighbour.status == 200


def test_the_page_tells_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tests.wire.bad"


def test_markup_in_names_is_shown_as_characters(bench: Bench) -> None:
    """The lot with a script for a name, as its driver sees it; the policy would not run one anyhow."""
    row = next(row for row in TABLE["Scripts and markup"] if row.sent.method == "PUT")
    bench.send(row.sent)
    shown = bench.get("/v1/lots/x-mall")
    for code in (shown["scan_code"], shown["lanes"][0]["scan_code"]):
        for language in ("zh", "en"):
            got = bench.send(Sent("GET", f"/c/{code}?lang={language}", headers=(("Accept", "text/html"),), token=False))
            assert got.status == 200
            assert got.headers["content-type"].startswith("text/html")
            for tag in (b"<script", b"<img", b"<svg", b"</title><script", b"onerror=alert(1)>"):
                assert tag not in got.body
            assert b"&lt;" in got.body
            assert "script-src" not in got.headers["content-security-policy"]
            assert "default-src 'none'" in got.headers["content-security-policy"]


def test_a_picture_with_a_script_in_it_leaves_as_a_picture(bench: Bench) -> None:
    row = next(row for row in TABLE["Pictures"] if row.what.startswith("JPEG and script"))
    bench.machine.advance(60_000_000)
    bench.business.advance(60_000_000)
    assert bench.send(row.sent).status == 200
    passages = bench.get("/v1/passages", lot="mall")["items"]
    pictured = next(each for each in passages if each["pictures"])
    link = bench.get(pictured["pictures"][0])["url"]
    got = bench.send(Sent("GET", link, token=False))
    assert got.status == 200
    assert got.body.startswith(b"\xff\xd8")
    assert (got.headers["content-type"], got.headers["x-content-type-options"]) == ("image/jpeg", "nosniff")
