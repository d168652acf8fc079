"""The demo from start to balanced books, and that nothing of it is left over however it ends."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from openberth.entrypoints.cli.demo import child
from openberth.entrypoints.cli.demo.children import Children
from openberth.kernel.errors import Refused
from tests.e2e.command import LIVES, WITHIN_S, Home, wait_for
from tests.waiting import PATIENCE_S


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(number) for number in listed]


def alive(pid: int) -> bool:
    try:
        # A zombie is dead; in a container nobody may ever ask for its status.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def next_line(running: "subprocess.Popen[str]", wanted: str) -> str:
    assert running.stdout is not None
    until = time.monotonic() + WITHIN_S
    while time.monotonic() < until:
        line = running.stdout.readline()
        assert line, "it ended"
        if re.search(wanted, line):
            return line
    raise AssertionError(f"no line with {wanted}")


def test_a_short_demo_balances(tmp_path: Path) -> None:
    with Home(tmp_path) as home:
        said = home.run("demo", "--minutes", "0.2", "--speed", "600", "--seed", "5", "--load", "2")
    assert said.status == 0, said
    assert said.err == ""
    assert len(re.findall(r"^\d\d:\d\d:\d\d  inside \d+ ", said.out, re.MULTILINE)) >= 5
    assert "✗" not in said.out
    (cars,) = re.findall(r"the books agree: (\d+) cars, every one and to the fen \(seed 5\)", said.out)
    assert int(cars) > 30
    here = r"http://127\.0\.0\.1:\d+"
    assert re.search(rf"pay as a driver .*: {here}/c/\w+ ", said.out)
    assert re.search(rf"WeChat Pay stand-in {here}, Alipay stand-in {here}$", said.out, re.MULTILINE)
    assert re.search(rf"sign in by any mobile number; its code is on {here}\)$", said.out, re.MULTILINE)
    told = re.findall(r"  (paid .+?|left in .+?|cash counted .+?) +¥([\d,.]+) +¥([\d,.]+)  ✓$", said.out, re.MULTILINE)
    assert all(ours == theirs for _, ours, theirs in told)
    moved = {what for what, ours, _ in told if ours != "0.00"}
    assert moved >= {"paid by WeChat Pay", "paid by Alipay", "paid by sandpay", "paid in cash"}
    assert moved >= {"left in prepaid accounts", "cash counted at hand-over"}
    (folder,) = re.findall(r"starting in (\S+)", said.out)
    assert not Path(folder).exists()
    assert not home.data.exists()  # the user's own data were not touched


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to see children")
def test_it_ends_in_order_when_asked_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with Home(tmp_path) as home:
        running = home.begin("demo", "--speed", "600", "--keep")
        folder = Path(next_line(running, "starting in").split()[-1])
        next_line(running, LIVES)
        home.started()
        pids = children_of(running.pid)
        assert len(pids) == 5
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=WITHIN_S)
    assert running.returncode == 0, out
    assert "the books agree" in out
    assert not any(alive(pid) for pid in pids)
    assert (folder / "data" / "openberth.db").exists()  # --keep
    assert (folder / "merchant.key").stat().st_mode & 0o777 == 0o600
    shutil.rmtree(folder)


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="the kernel's help is Linux's")
def test_children_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    with Home(tmp_path) as home:
        running = home.begin("demo", "--speed", "600")
        folder = Path(next_line(running, "starting in").split()[-1])
        next_line(running, "server answers")
        home.started()
        pids = children_of(running.pid)
        assert len(pids) == 5
        running.kill()
        running.wait(PATIENCE_S)
        wait_for(lambda: not any(alive(pid) for pid in pids))
    shutil.rmtree(folder)


def test_a_watched_child_ends_when_its_input_closes(tmp_path: Path) -> None:
    """How children are held where the kernel does not help."""
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    watcher = subprocess.Popen(
        [sys.executable, child.__file__, "--watch", str(os.getpid()), sys.executable, "-c", program],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert watcher.stdin is not None
    assert watcher.stdout is not None
    try:
        pid = int(watcher.stdout.readline())
        assert alive(pid)
        watcher.stdin.close()
        wait_for(lambda: not alive(pid), 50)
        assert watcher.wait(PATIENCE_S) != 0
    finally:
        watcher.kill()
        watcher.wait(PATIENCE_S)
        watcher.stdout.close()


def test_a_child_that_cannot_start_is_told_in_its_own_words(tmp_path: Path) -> None:
    children = Children(tmp_path)
    try:
        children.start("sandpay", ["openberth.sandbox.sandpay", "--data", "x", "--merchant", "nonsense"], os.environ)
        with pytest.raises(Refused) as refused:
            asyncio.run(children.wait_for("sandpay", lambda: False))
    finally:
        children.stop()
    assert refused.value.code == "demo.child_ended"
    assert "'nonsense' is not ID=PUBLIC_KEY_FILE" in str(refused.value.params["reason"])
