"""Where a demo lives: a fresh folder, free ports, the merchants' key pairs, and how its processes are started."""

import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openberth.entrypoints.cli.files import checkout
from openberth.infra.catalogue import Language
from openberth.infra.settings import ENV_PREFIX
from openberth.kernel.errors import Refused
from openberth.kernel.time import Instant, instant_of, to_iso

HOST = "127.0.0.1"
ZONE = ZoneInfo("Asia/Shanghai")
OPENS_AT = 7  # o'clock: the town wakes up
MERCHANT = "openberth"
LOT_MERCHANT = "openberth-lot"  # of the lot that has a contract with Sandpay of its own
WECHATPAY_MERCHANT, WECHATPAY_APP = "1900000001", "wx0123456789abcdef"
SMS_KEY, SMS_SIGN, SMS_TEMPLATE = "LTAI-demo", "泊位", "SMS_000000001"
ALIPAY_APP, ALIPAY_ACCOUNT = "2021000000000001", "2088000000000101"
ALIPAY_LOT_APP, ALIPAY_LOT_ACCOUNT = "2021000000000002", "2088000000000102"  # of the lot with a contract of its own
DEFAULT_PORTS = {
    "http": 8420, "barrier": 8421, "mqtt": 8422, "sensor": 8423, "sandpay": 8425, "wechatpay": 8427, "alipay": 8428,
    "sms": 8429,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the processes of a demo listen; ``moved`` names the defaults that were taken."""

    http: int
    barrier: int
    mqtt: int
    sensor: int
    sandpay: int
    wechatpay: int
    alipay: int
    sms: int
    moved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of a demo and what is in it; a secret of this run for short messages."""

    folder: Path
    ports: Ports
    sms_secret: str = field(default_factory=partial(secrets.token_urlsafe, 24), repr=False)

    @property
    def data(self) -> Path:
        """The server's data folder."""
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        """The output of the processes."""
        return self.folder / "logs"

    @property
    def sandpay_data(self) -> Path:
        """The folder of the sandbox channel."""
        return self.folder / "sandpay"

    @property
    def wechatpay_data(self) -> Path:
        """The folder of the stand-in for WeChat Pay."""
        return self.folder / "wechatpay"

    @property
    def wechatpay_merchant(self) -> Path:
        """What WeChat Pay hands to our merchant, once it is written."""
        return self.wechatpay_data / "merchants" / WECHATPAY_MERCHANT / "merchant.json"

    @property
    def alipay_data(self) -> Path:
        """The folder of the stand-in for Alipay."""
        return self.folder / "alipay"

    def alipay_app(self, app: str) -> Path:
        """Return what Alipay hands to the owner of an app, once it is written."""
        return self.alipay_data / "apps" / app / "app.json"

    @property
    def url(self) -> str:
        """Where the server answers."""
        return f"http://{HOST}:{self.ports.http}"

    @property
    def sandpay_url(self) -> str:
        """Where the sandbox channel answers."""
        return f"http://{HOST}:{self.ports.sandpay}"

    @property
    def wechatpay_url(self) -> str:
        """Where the stand-in for WeChat Pay answers, and shows its pages to payers."""
        return f"http://{HOST}:{self.ports.wechatpay}"

    @property
    def alipay_url(self) -> str:
        """Where the stand-in for Alipay answers, and shows its pages to payers."""
        return f"http://{HOST}:{self.ports.alipay}"

    @property
    def sms_url(self) -> str:
        """Where the stand-in for short messages answers, and shows what phones received."""
        return f"http://{HOST}:{self.ports.sms}"

    def sandpay_arguments(self) -> list[str]:
        """Return how the sandbox channel is started."""
        return [
            "openberth.sandbox.sandpay", "--port", str(self.ports.sandpay), "--data", str(self.sandpay_data),
            "--merchant", f"{MERCHANT}={self.folder / 'merchant.pub'}",
            "--merchant", f"{LOT_MERCHANT}={self.folder / 'lot-merchant.pub'}",
        ]  # fmt: skip

    def wechatpay_arguments(self) -> list[str]:
        """Return how the stand-in for WeChat Pay is started: with codes that any phone's camera opens."""
        return [
            "openberth.sandbox.wechatpay", "--port", str(self.ports.wechatpay), "--data", str(self.wechatpay_data),
            "--merchant", f"{WECHATPAY_MERCHANT}={WECHATPAY_APP}", "--plain-codes",
        ]  # fmt: skip

    def alipay_arguments(self) -> list[str]:
        """Return how the stand-in for Alipay is started, with codes as above."""
        return [
            "openberth.sandbox.alipay", "--port", str(self.ports.alipay), "--data", str(self.alipay_data),
            "--app", f"{ALIPAY_APP}={ALIPAY_ACCOUNT}", "--app", f"{ALIPAY_LOT_APP}={ALIPAY_LOT_ACCOUNT}",
            "--plain-codes",
        ]  # fmt: skip

    def sms_arguments(self) -> list[str]:
        """Return how the stand-in for short messages is started; its secret is written by then."""
        secret = self.folder / "sms.secret"
        with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(self.sms_secret)
        return [
            "openberth.sandbox.sms", "--port", str(self.ports.sms), "--access-key", SMS_KEY,
            "--secret-file", str(secret), "--sign", SMS_SIGN, "--template", SMS_TEMPLATE,
        ]  # fmt: skip

    def environment(self, ours: Mapping[str, str], *, speed: int, language: Language, now: Instant) -> dict[str, str]:
        """Return the server's environment: nothing of our own settings, so that a demo never touches real data."""
        clean = {name: value for name, value in ours.items() if not name.startswith(ENV_PREFIX)}
        settings = {
            "DATA": str(self.data),
            "KEYS": str(self.folder / "keys" / "keys.json"),
            "DEMO": "true",
            "LANGUAGE": language,
            "HTTP__HOST": HOST,
            "HTTP__PORT": str(self.ports.http),
            "BARRIER__HOST": HOST,
            "BARRIER__PORT": str(self.ports.barrier),
            "MQTT__HOST": HOST,
            "MQTT__PORT": str(self.ports.mqtt),
            "SENSOR__PORT": str(self.ports.sensor),
            "CLOCK__SPEED": str(speed),
            "CLOCK__ANCHOR_BUSINESS": to_iso(opening_time(now)),
            "CLOCK__ANCHOR_MACHINE": to_iso(now),
            "SANDPAY__URL": self.sandpay_url,
            "SANDPAY__MERCHANT": MERCHANT,
            "SANDPAY__PRIVATE_KEY_FILE": str(self.folder / "merchant.key"),
            "SANDPAY__PUBLIC_KEY_FILE": str(self.sandpay_data / "sandpay.pub"),
            "SMS__URL": self.sms_url,
            "SMS__ACCESS_KEY_ID": SMS_KEY,
            "SMS__ACCESS_KEY_SECRET": self.sms_secret,
            "SMS__SIGN_NAME": SMS_SIGN,
            "SMS__TEMPLATE_CODE": SMS_TEMPLATE,
            "LOG__FORMAT": "json",
            "LOG__LEVEL": "warning",
        }
        return clean | {ENV_PREFIX + name: value for name, value in settings.items()}

    def remove(self) -> None:
        """Remove the folder and everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def opening_time(now: Instant) -> Instant:
    """Return 07:00 of today's date in the town."""
    local = datetime.fromtimestamp(now // 1_000_000, UTC).astimezone(ZONE)
    return instant_of(local.replace(hour=OPENS_AT, minute=0, second=0, microsecond=0))


def prepare(now: Instant) -> Place:
    """Make the folder of a new demo with its keys, and choose ports. Raises ``Refused("settings.folder")``."""
    root = checkout()
    base = root / "var" / "demo" if root is not None else Path(tempfile.gettempdir()) / f"openberth-demo-{os.getuid()}"
    stamp = datetime.fromtimestamp(now // 1_000_000, UTC).strftime("%Y%m%d-%H%M%S")
    folder = base / f"{stamp}-{secrets.token_hex(2)}"
    try:
        for path in (folder, folder / "logs", folder / "keys"):
            path.mkdir(parents=True, mode=0o700)
        for name in ("merchant", "lot-merchant"):
            _make_merchant_keys(folder, name)
    except OSError as error:
        raise Refused("settings.folder", path=str(folder), reason=str(error.strerror)) from error
    return Place(folder, choose_ports())


def choose_ports(wanted: Mapping[str, int] | None = None) -> Ports:
    """Return the wanted ports, and free ones instead of those that are taken."""
    chosen: dict[str, int] = {}
    moved: list[str] = []
    for name, port in (wanted or DEFAULT_PORTS).items():
        if is_free(port) and port not in chosen.values():
            chosen[name] = port
        else:
            chosen[name] = _free_port()
            moved.append(name)
    return Ports(**chosen, moved=tuple(moved))


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a port of the loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _make_merchant_keys(folder: Path, called: str) -> None:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for name, content in ((f"{called}.key", private), (f"{called}.pub", public)):
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
