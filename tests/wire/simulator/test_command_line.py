"""The command line against the fake server in a thread of its own: exit status, report, seed."""

import asyncio
import copy
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typer.testing import CliRunner

from openberth.simulator.cli import app, spread
from tests.waiting import PATIENCE_S, eventually
from tests.wire.simulator.fake_openberth import FakeOpenBerth
from tests.wire.simulator.town_files import LOT, write_files


@contextmanager
def running(server: FakeOpenBerth) -> Iterator[None]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.open(), loop).result(PATIENCE_S)
        yield
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def arguments(server: FakeOpenBerth, folder: Path) -> list[str]:
    token = folder / "token"
    token.write_text("token\n")
    files = write_files(folder)
    given = ["--url", server.url, "--sandpay", server.url, "--barrier-port", str(server.barriers.port)]
    given += ["--token-file", str(token), "--hours", "0.3", "--seed", "9", "--fault", "duplicate", "--json"]
    for name in ("lots", "tariffs"):
        given += [f"--{name}", *map(str, files[name])]
    return spread(given)


def test_books_that_agree_end_with_status_0_and_others_with_1(tmp_path: Path) -> None:
    for cheats, status in ((set[str](), 0), ({"double_stay"}, 1)):
        server = FakeOpenBerth(copy.deepcopy(LOT), speed=1200)
        server.cheats = cheats
        settle_s = "2" if cheats else str(PATIENCE_S)
        with running(server):
            answer = CliRunner().invoke(app, [*arguments(server, tmp_path), "--cars", "8", "--settle", settle_s])
        report = json.loads(answer.stdout)
        assert (answer.exit_code, report["balanced"]) == (status, status == 0), report["differences"]
        assert report["seed"] == 9
        assert report["faults"] == "duplicate=0.1"
        assert 0 < report["cars"] <= 8


def test_whoever_has_seen_enough_gets_the_books_all_the_same(tmp_path: Path) -> None:
    server = FakeOpenBerth(copy.deepcopy(LOT), speed=1200)
    with running(server):
        given = [*arguments(server, tmp_path), "--hours", "8000"]
        town = subprocess.Popen(
            [sys.executable, "-m", "openberth.simulator", *given], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            assert eventually(lambda: server.stays)
            town.send_signal(signal.SIGINT)
            out, err = town.communicate(timeout=60)
        finally:
            town.kill()
    report = json.loads(out)
    assert (town.returncode, report["balanced"]) == (0, True), report["differences"]
    assert report["cars"] > 0
    assert b"no more cars come" in err
