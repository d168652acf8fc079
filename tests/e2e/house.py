"""A whole house of processes for tests: the server, the sandbox channel and the town, each its own process or loop."""

import asyncio
import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openberth.simulator.counters import Counters
from openberth.simulator.faults import Faults
from openberth.simulator.run import Report, TownConfig, run_town
from tests.ports import free_port
from tests.waiting import PATIENCE_S, eventually

ROOT = Path(__file__).resolve().parents[2]
LOTS = tuple(ROOT / "lots" / f"{name}.yaml" for name in ("mall", "community", "office"))
PERMITS = (ROOT / "lots" / "community.permits.yaml",)
TARIFFS = tuple(ROOT / "tariffs" / f"{code}.yaml" for code in ("community", "mall", "office", "vip"))
START_S = 120.0  # a busy machine takes its time to import
STOP_S = PATIENCE_S
MORNING = "2026-11-18T08:00:00+08:00"
DAY_START = "2026-11-18T00:00:00+08:00"  # a Wednesday, local midnight: the day has all its hours


@dataclass
class House:
    """Processes with their folder. ``speed`` is how fast business time runs."""

    folder: Path
    speed: int = 600
    database: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    http_port: int = field(default_factory=free_port)
    barrier_port: int = field(default_factory=free_port)
    mqtt_port: int = field(default_factory=free_port)
    sensor_port: int = field(default_factory=free_port)
    sandpay_port: int = field(default_factory=free_port)
    server: "subprocess.Popen[bytes] | None" = None
    sandpay: "subprocess.Popen[bytes] | None" = None
    day_start: str = DAY_START
    anchor: str = ""
    start_s: float = START_S

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def sandpay_url(self) -> str:
        return f"http://127.0.0.1:{self.sandpay_port}"

    @property
    def is_alive(self) -> bool:
        return self.server is not None and self.server.poll() is None

    @property
    def token(self) -> str:
        return (self.folder / "data" / "operator.token").read_text().strip()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._start_sandpay()
            self.start()
            self.furnish()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self.sandpay is not None:
            _end(self.sandpay)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENBERTH_")}
        if not self.anchor:
            # The anchors stay the same over restarts: business time goes on where the machine's is.
            self.anchor = f"{time.time():.6f}"
        seconds = float(self.anchor)
        machine = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1e6):06d}Z"
        ours = {
            "OPENBERTH_DATA": str(self.folder / "data"),
            "OPENBERTH_KEYS": str(self.folder / "keys" / "keys.json"),
            "OPENBERTH_HTTP__PORT": str(self.http_port),
            "OPENBERTH_BARRIER__PORT": str(self.barrier_port),
            "OPENBERTH_MQTT__PORT": str(self.mqtt_port),
            "OPENBERTH_SENSOR__PORT": str(self.sensor_port),
            "OPENBERTH_DEMO": "true",
            "OPENBERTH_CLOCK__SPEED": str(self.speed),
            "OPENBERTH_CLOCK__ANCHOR_BUSINESS": self.day_start,
            "OPENBERTH_CLOCK__ANCHOR_MACHINE": machine,
            "OPENBERTH_SANDPAY__URL": self.sandpay_url,
            "OPENBERTH_SANDPAY__MERCHANT": "openberth",
            "OPENBERTH_SANDPAY__PRIVATE_KEY_FILE": str(self.folder / "merchant.key"),
            "OPENBERTH_SANDPAY__PUBLIC_KEY_FILE": str(self.folder / "sandpay" / "sandpay.pub"),
            "OPENBERTH_LOG__FORMAT": "json",
            "PYTHONPATH": str(ROOT / "src"),
        }
        if self.database:
            ours["OPENBERTH_DATABASE"] = self.database
        return {**kept, **ours, **self.extra}

    def start(self, *, wait: bool = True) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self.server = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "openberth", "serve"],
                env=self.environment(), stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        if wait:
            self.wait_ready()

    def kill(self) -> None:
        """End the server without a word, as a power cut would; one that had ended by itself is a fault."""
        assert self.server is not None
        status = self.server.poll()
        assert status is None, f"the server ended by itself with {status}:\n{self.log()[-6000:]}"
        self.server.send_signal(signal.SIGKILL)
        self.server.wait(STOP_S)
        self.server = None

    def stop(self) -> None:
        if self.server is not None:
            _end(self.server)
            self.server = None

    def furnish(self) -> None:
        with httpx2.Client(
            base_url=self.url, headers={"authorization": f"Bearer {self.token}"}, timeout=PATIENCE_S
        ) as api:
            for tariff in TARIFFS:
                _sent(api.put(f"/v1/tariffs/{tariff.stem}", content=tariff.read_bytes(), headers=YAML))
            for lot in LOTS:
                _sent(api.put(f"/v1/lots/{lot.stem}", content=lot.read_bytes(), headers=YAML))
            for permits in PERMITS:
                _sent(api.put("/v1/lots/community/permits", content=permits.read_bytes(), headers=YAML))

    def get(self, path: str) -> Any:
        with httpx2.Client(
            base_url=self.url, headers={"authorization": f"Bearer {self.token}"}, timeout=PATIENCE_S
        ) as api:
            return _sent(api.get(path)).json()

    def post(self, path: str, value: Any) -> Any:
        with httpx2.Client(
            base_url=self.url, headers={"authorization": f"Bearer {self.token}"}, timeout=PATIENCE_S
        ) as api:
            return _sent(api.post(path, json=value)).json()

    def town(self, **changes: Any) -> TownConfig:
        values: dict[str, Any] = {
            "url": self.url, "token": self.token, "lots": LOTS, "tariffs": TARIFFS, "permits": PERMITS,
            "sandpay_url": self.sandpay_url, "barrier_port": self.barrier_port, "sensor_port": self.sensor_port,
            "settle_s": 2 * PATIENCE_S,
        }  # fmt: skip
        return TownConfig(**{**values, **changes})

    def live(self, config: TownConfig, *, faults: Faults | None = None, counters: Counters | None = None) -> Report:
        return asyncio.run(run_town(config, faults=faults, counters=counters))

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def _start_sandpay(self) -> None:
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (self.folder / "merchant.key").write_bytes(private)
        (self.folder / "merchant.key").chmod(0o600)
        (self.folder / "merchant.pub").write_bytes(public)
        data = self.folder / "sandpay"
        with (self.folder / "sandpay.log").open("ab") as log:
            self.sandpay = subprocess.Popen(
                [
                    sys.executable, "-m", "openberth.sandbox.sandpay", "--port", str(self.sandpay_port),
                    "--data", str(data), "--merchant", f"openberth={self.folder / 'merchant.pub'}",
                ],
                env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, stdout=log, stderr=log,
            )  # fmt: skip
        _wait(lambda: (data / "sandpay.pub").exists() and _answers(f"{self.sandpay_url}/control"), "sandpay")

    def wait_ready(self) -> None:
        def ready() -> bool:
            assert self.server is not None
            if self.server.poll() is not None:
                raise AssertionError(f"the server ended with {self.server.returncode}:\n{self.log()[-3000:]}")
            return _answers(f"{self.url}/health/ready")

        _wait(ready, "server", self.log, self.start_s)


def wechatpay_contract(told: Mapping[str, Any], url: str) -> dict[str, Any]:
    """A contract of the lots' company with WeChat Pay, from what a merchant is handed."""
    (key,) = told["platform_keys"]
    return {
        "level": "company", "node": "demo", "kind": "wechatpay", "name": "WeChat Pay", "rank": 10,
        "params": {
            "appid": told["appids"][0], "mchid": told["mchid"], "serial_no": told["serial"], "public_key_id": key["id"],
            "public_key": key["public_key"], "url": url,
        },
        "secrets": {"private_key": told["private_key"], "api_v3_key": told["api_key"]},
    }  # fmt: skip


YAML = {"content-type": "application/yaml"}


def _sent(response: httpx2.Response) -> httpx2.Response:
    assert response.is_success, f"{response.status_code} {response.text[:800]}"
    return response


def _answers(url: str) -> bool:
    # Asked many times in a row: a client that first loads the machine's authorities would keep it from starting.
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def _wait(ready: Any, what: str, log: Any = None, within_s: float = START_S) -> None:
    assert eventually(ready, within_s), f"{what} was not ready in {within_s} s\n{log()[-3000:] if log else ''}"


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)
