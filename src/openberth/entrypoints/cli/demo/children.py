"""The processes of a demo: apart from the terminal's Ctrl-C, watched, stopped within bounds, never left over."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import openberth
from openberth.entrypoints.cli.demo import child
from openberth.kernel.errors import Refused

READY_S = 60.0
STOP_S = 12.0
KILL_S = 3.0
POLL_S = 0.05
REASON_BYTES = 4_000


class Children:
    """Child processes by name, stopped in reverse order."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start ``python -m ARGUMENTS`` with its output in a file of the demo.

        It gets a session of its own: Ctrl-C in the terminal is for the demo, which then stops it in order.
        """
        command = [sys.executable, "-m", *arguments]
        with self.log(name).open("ab") as output:
            self._running[name] = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, child.__file__, str(os.getpid()), *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment, "PYTHONPATH": _search_path(environment)},
                start_new_session=True,
            )

    def log(self, name: str) -> Path:
        """Return where a child's output is."""
        return self._logs / f"{name}.log"

    def said(self, name: str) -> str:
        """Return the end of what a child has written, empty before it wrote anything."""
        try:
            return self.log(name).read_bytes()[-REASON_BYTES:].decode(errors="replace")
        except OSError:
            return ""

    def pids(self) -> dict[str, int]:
        """Return the process numbers by name."""
        return {name: running.pid for name, running in self._running.items()}

    def ended(self) -> str | None:
        """Return the name of a child that has ended by itself, None while all run."""
        return next((name for name, running in self._running.items() if running.poll() is not None), None)

    def check(self) -> None:
        """Raise ``Refused("demo.child_ended")`` with its last words when a child has ended by itself."""
        name = self.ended()
        if name is not None:
            raise Refused("demo.child_ended", name=name, reason=self._last_words(name), log=str(self.log(name)))

    async def wait_for(self, name: str, is_ready: Callable[[], bool]) -> None:
        """Wait until a child is ready. Raises ``Refused``: it ended, or took more than a minute."""
        give_up = time.monotonic() + READY_S
        while not is_ready():
            self.check()
            if time.monotonic() > give_up:
                raise Refused("demo.child_slow", name=name, seconds=int(READY_S), log=str(self.log(name)))
            await asyncio.sleep(POLL_S)

    def stop(self) -> None:
        """Stop all: ask each, wait within bounds, then kill."""
        for name in reversed(list(self._running)):
            running = self._running.pop(name)
            with contextlib.suppress(ProcessLookupError):
                running.terminate()
            try:
                running.wait(STOP_S)
            except subprocess.TimeoutExpired:
                running.kill()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.wait(KILL_S)
            finally:
                if running.stdin is not None:
                    running.stdin.close()

    def _last_words(self, name: str) -> str:
        text = self.said(name)
        lines = [line for line in text.splitlines() if line.strip()]
        return lines[-1].partition(": ")[2] or lines[-1] if lines else "-"


def _search_path(environment: Mapping[str, str]) -> str:
    """Let children import this very package, also when it is not installed but only on our own path."""
    here = str(Path(openberth.__file__).resolve().parents[1])
    before = environment.get("PYTHONPATH", "")
    return f"{here}{os.pathsep}{before}" if before else here
