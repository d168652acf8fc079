"""A demo as somebody would start it, for tests that look at it with a browser."""

import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.e2e.command import LIVES, Home
from tests.waiting import PATIENCE_S, eventually

READY_S = 200.0


@dataclass(frozen=True)
class Town:
    """What a demo printed: its two addresses, and how to sign in."""

    console: str
    app: str
    people: dict[str, str]  # login → password
    said: list[str]

    @property
    def url(self) -> str:
        return self.console.removesuffix("/console/")

    @property
    def operator(self) -> httpx2.Client:
        """Somebody at the machine itself, for what a test has to bring about."""
        data = Path(self.found(r"OPENBERTH_DATA=(\S+)"))
        token = (data / "operator.token").read_text("ascii").strip()
        headers = {"authorization": f"Bearer {token}", "content-type": "application/yaml"}
        return httpx2.Client(base_url=self.url, headers=headers, trust_env=False, timeout=PATIENCE_S)

    def told(self, deed: str) -> dict[str, Any]:
        """Return the newest entry of the trail that tells of a deed; it is written a moment after that."""
        with self.operator as api:

            def entries() -> list[dict[str, Any]]:
                found: list[dict[str, Any]] = api.get("/v1/audit", params={"deed": deed, "limit": 1}).json()["items"]
                return found

            assert eventually(entries), deed
            return entries()[0]

    def found(self, pattern: str) -> str:
        """Return the first group of a pattern in what was printed."""
        match = re.search(pattern, "\n".join(self.said))
        assert match, self.said
        return match[1]


@contextmanager
def living_town(folder: Path, *words: str) -> Iterator[Town]:
    """Run a demo until the tests are done with it."""
    with Home(folder) as home:
        running = home.begin("demo", *words, COLUMNS="200", OPENBERTH_LANGUAGE="en")
        said: list[str] = []
        reading = threading.Thread(target=_read, args=(running, said), daemon=True)
        reading.start()
        try:
            town = _arrived(running, said)
            home.started()
            yield town
        finally:
            running.send_signal(signal.SIGINT)
            time.sleep(0.3)
            running.send_signal(signal.SIGINT)  # at once: nobody compares these books
            try:
                running.wait(60)
            except subprocess.TimeoutExpired:
                running.kill()
            reading.join(5)


def _read(running: "subprocess.Popen[str]", said: list[str]) -> None:
    assert running.stdout is not None
    said.extend(line.rstrip() for line in running.stdout)  # each as it comes


def _arrived(running: "subprocess.Popen[str]", said: list[str]) -> Town:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        text = "\n".join(said)
        console = re.search(r"the console: (\S+) \(sign in as (\S+) with (\S+)\)", text)
        app = re.search(r"the driver's app, for a phone: (\S+)", text)
        if console and app and re.search(LIVES, text):
            people = dict(re.findall(r"^ *([a-z]+(?:-[a-z]+)*) +(\S{12,}) ", text, re.MULTILINE))
            return Town(console[1], app[1], {**people, console[2]: console[3]}, said)
        assert running.poll() is None, text
        time.sleep(0.1)
    raise AssertionError("\n".join(said))
