"""The command line as a process of its own."""

import fcntl
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from openberth.infra.place import place_of
from tests.ports import free_port
from tests.waiting import PATIENCE_S, eventually

ROOT = Path(__file__).resolve().parents[2]
LIVES = "inside [1-9]"  # says a demo that has begun and holds all its ports
STARTING = ROOT / "var" / "starting-a-demo"
WITHIN_S = 180.0  # a busy machine takes its time to import


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str

    def refused(self) -> str:
        """Return the one sentence of a refusal; it is one, with a status, and nothing else was printed."""
        assert self.status == 1, self
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("openberth: "), self.err
        assert "Traceback" not in self.err + self.out
        assert self.out == ""
        return self.err.removeprefix("openberth: ").strip()


@dataclass
class Home:
    """A user's machine: a data folder, a key file and free ports."""

    folder: Path
    http_port: int = field(default_factory=free_port)
    barrier_port: int = field(default_factory=free_port)
    mqtt_port: int = field(default_factory=free_port)
    servers: "list[subprocess.Popen[str]]" = field(default_factory=list)
    _starting: IO[str] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def keys(self) -> Path:
        return self.folder / "keys.json"

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENBERTH_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        return {
            **kept,
            # Compiled once for all processes of the tests, apart from the checkout.
            "PYTHONPYCACHEPREFIX": str(ROOT / "var" / "pycache"),
            "PYTHONPATH": str(ROOT / "src"),
            "LANG": "C.UTF-8",
            "OPENBERTH_DATA": str(self.data),
            "OPENBERTH_KEYS": str(self.keys),
            "OPENBERTH_HTTP__PORT": str(self.http_port),
            "OPENBERTH_BARRIER__PORT": str(self.barrier_port),
            "OPENBERTH_MQTT__PORT": str(self.mqtt_port),
            "OPENBERTH_SENSOR__PORT": "0",
            **more,
        }

    def run(self, *words: str, typed: str = "", **more: str) -> Said:
        """Run a command to its end; ``typed`` is what it finds on its input."""
        self._one_demo_at_a_time(words)
        with NamedTemporaryFile() as out, NamedTemporaryFile() as err:
            said, told = Path(out.name), Path(err.name)
            running = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "openberth", *words],
                env=self.environment(**more), cwd=self.folder, stdin=subprocess.PIPE, stdout=out, stderr=err, text=True,
            )  # fmt: skip
            try:
                if self._starting is not None:
                    wait_for(
                        lambda: running.poll() is not None or re.search(LIVES, said.read_text("utf-8")) is not None
                    )
                    self.started()
                running.communicate(typed, timeout=WITHIN_S)
            finally:
                running.kill()
                running.wait(PATIENCE_S)
            return Said(running.returncode, said.read_text("utf-8"), told.read_text("utf-8"))

    def _one_demo_at_a_time(self, words: Sequence[str]) -> None:
        """Wait until no other worker is starting a demo: two that look for free ports at once find the same."""
        if words[:1] == ("demo",) and self._starting is None:
            STARTING.parent.mkdir(exist_ok=True)
            self._starting = STARTING.open("w", encoding="ascii")
            fcntl.flock(self._starting, fcntl.LOCK_EX)

    def started(self) -> None:
        """Let others start theirs: all ports of this demo are taken by now, or it has ended."""
        if self._starting is not None:
            self._starting.close()
            self._starting = None

    def begin(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        self._one_demo_at_a_time(words)
        running = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "openberth", *words],
            env=self.environment(**more), cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self.servers.append(running)
        return running

    def serve(self) -> "subprocess.Popen[str]":
        running = self.begin("serve")
        wait_for(lambda: place_of(self.data) is not None or running.poll() is not None)
        assert running.poll() is None, running.communicate()
        return running

    def __enter__(self) -> "Home":
        return self

    def __exit__(self, *_: object) -> None:
        for running in self.servers:
            end(running)
        self.started()


def wait_for(ready: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    assert eventually(ready, within_s), "it took too long"


def end(running: "subprocess.Popen[str]", with_signal: signal.Signals = signal.SIGTERM) -> int:
    if running.poll() is None:
        running.send_signal(with_signal)
    try:
        return running.wait(PATIENCE_S)
    finally:
        running.kill()
        running.wait(PATIENCE_S)
        if running.stdout is not None:
            running.stdout.close()
