"""The sandbox channel as a process, and a merchant's address that notes what it is told."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

from tests.ports import free_port
from tests.waiting import PATIENCE_S, eventually


@dataclass(frozen=True)
class Told:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Merchant(AbstractContextManager["Merchant"]):
    """Where notifications arrive: notes them and answers ``answers`` in turn, then SUCCESS."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.answers: list[tuple[int, bytes]] = []
        merchant = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                merchant.told.append(Told(self.command, self.path, dict(self.headers.items()), body))
                status, answer = merchant.answers.pop(0) if merchant.answers else (200, b'{"code":"SUCCESS"}')
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by http.server
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_port}/channels/sandpay/notify?lot=mall"

    def __enter__(self) -> "Merchant":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(PATIENCE_S)
        self._server.server_close()

    def wait_for(self, count: int) -> list[Told]:
        eventually(lambda: len(self.told) >= count)
        assert len(self.told) >= count, f"told {len(self.told)} times, not {count}"
        return self.told


@dataclass
class Process:
    """The channel as a process on a port that it keeps over restarts."""

    folder: Path
    port: int = field(default_factory=free_port)
    merchant: str = "openberth"
    running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def public_key(self) -> bytes:
        return (self.folder / "data" / "sandpay.pub").read_bytes()

    def command(self) -> list[str]:
        key = self.folder / "merchant.pub"
        arguments = [
            "--port",
            str(self.port),
            "--data",
            str(self.folder / "data"),
            "--merchant",
            f"{self.merchant}={key}",
        ]
        return [sys.executable, "-m", "openberth.sandbox.sandpay", *arguments]

    def start(self) -> None:
        self.running = subprocess.Popen(self.command(), stdout=subprocess.PIPE)
        assert self.running.stdout is not None
        os.set_blocking(self.running.stdout.fileno(), False)
        until, line = time.monotonic() + PATIENCE_S, b""
        while not line.endswith(b"\n") and time.monotonic() < until and self.running.poll() is None:
            line += self.running.stdout.read() or b""
            time.sleep(0.01)
        assert line.decode() == f"sandpay ready on {self.url}\n"

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        process, self.running = self.running, None
        if process is None:
            return 0
        process.send_signal(with_signal)
        try:
            return process.wait(PATIENCE_S)
        finally:
            process.kill()
            process.wait(PATIENCE_S)
            assert process.stdout is not None
            process.stdout.close()

    def control(self, **faults: int | bool) -> None:
        assert httpx2.post(f"{self.url}/control", json=faults, trust_env=False, timeout=PATIENCE_S).status_code == 200

    def totals(self) -> Any:
        return httpx2.get(f"{self.url}/control/totals", trust_env=False, timeout=PATIENCE_S).json()
