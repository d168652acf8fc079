"""HTTP over TLS: real handshakes, files that are wrong, files that are replaced while the server runs."""

import asyncio
import datetime
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from openberth.entrypoints.cli.client import local_trust, local_url
from openberth.entrypoints.cli.doctor import Health, look_at_edge
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.tls import Certificate, certificate_ends, context_of, trusting
from openberth.infra.catalogue import text
from openberth.infra.settings import Settings, TlsSettings
from openberth.kernel.errors import Refused
from openberth.kernel.time import to_iso
from tests.ports import free_port
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]


def make_pair(folder: Path, name: str, *, days: int = 90, password: bytes | None = None) -> TlsSettings:
    """Write a certificate for parking.example.com that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "parking.example.com")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days)).sign(key, hashes.SHA256())
    )  # fmt: skip
    protection = serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    certificate, private = folder / f"{name}.crt", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.touch(mode=0o600)
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection))
    return TlsSettings(certificate_file=certificate, key_file=private)


def serving(certificate: Certificate, use: Callable[[int], Awaitable[None]]) -> None:
    async def run() -> None:
        async def bye(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(bye, "127.0.0.1", 0, ssl=certificate.context)
        async with server:
            await use(server.sockets[0].getsockname()[1])

    asyncio.run(run())


def shown(port: int, **changes: Any) -> tuple[bytes | None, str | None]:
    """Return the certificate and the version that a server shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, value in changes.items():
        setattr(context, name, value)
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as raw, context.wrap_socket(raw) as wrapped:
        return wrapped.getpeercert(binary_form=True), wrapped.version()


def test_files_that_are_replaced_are_taken_over_and_a_wrong_pair_is_not(tmp_path: Path) -> None:
    tls, other, third = (make_pair(tmp_path, name) for name in ("one", "two", "three"))
    first = ssl.PEM_cert_to_DER_cert(tls.certificate_file.read_text())
    second = ssl.PEM_cert_to_DER_cert(other.certificate_file.read_text())
    certificate = Certificate(tls)

    async def use(port: int) -> None:
        assert await asyncio.to_thread(shown, port) == (first, "TLSv1.3")
        assert not await certificate.look()
        third.key_file.replace(tls.key_file)  # belongs to no certificate that is there
        assert not await certificate.look()
        assert (await asyncio.to_thread(shown, port))[0] == first
        other.certificate_file.replace(tls.certificate_file)
        other.key_file.replace(tls.key_file)
        assert await certificate.look()
        assert (await asyncio.to_thread(shown, port))[0] == second

    serving(certificate, use)


def test_versions_before_tls_1_2_are_not_spoken(tmp_path: Path) -> None:
    assert context_of(make_pair(tmp_path, "one")).minimum_version is ssl.TLSVersion.TLSv1_2

    async def use(port: int) -> None:
        old = await asyncio.to_thread(shown, port, maximum_version=ssl.TLSVersion.TLSv1_2)
        assert old[1] == "TLSv1.2"

    serving(Certificate(make_pair(tmp_path, "two")), use)


def refused(tls: TlsSettings) -> str:
    with pytest.raises(Refused) as problem:
        context_of(tls)
    for language in ("zh", "en"):
        said = text(problem.value.code, language, **problem.value.params)
        assert said != problem.value.code
        assert "BEGIN" not in said
    return problem.value.code


def test_each_mistake_about_files_has_a_code_of_its_own(tmp_path: Path) -> None:
    good, other = make_pair(tmp_path, "good"), make_pair(tmp_path, "other")
    missing = tmp_path / "missing.pem"
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    assert refused(TlsSettings(certificate_file=missing, key_file=good.key_file)) == "tls.unreadable"
    assert refused(TlsSettings(certificate_file=good.certificate_file, key_file=missing)) == "tls.unreadable"
    assert refused(TlsSettings(certificate_file=good.certificate_file, key_file=other.key_file)) == "tls.mismatched"
    assert refused(TlsSettings(certificate_file=junk, key_file=good.key_file)) == "tls.malformed"
    assert refused(make_pair(tmp_path, "locked", password=b"secret words")) == "tls.encrypted"
    good.key_file.chmod(0o640)
    context_of(good)
    good.key_file.chmod(0o644)
    assert refused(good) == "tls.exposed"


def test_a_link_is_followed_when_it_points_elsewhere(tmp_path: Path) -> None:
    one, two = make_pair(tmp_path, "one"), make_pair(tmp_path, "two")
    links = TlsSettings(certificate_file=tmp_path / "live.crt", key_file=tmp_path / "live.key")
    for link, target in ((links.certificate_file, one.certificate_file), (links.key_file, one.key_file)):
        link.symlink_to(target)
    certificate = Certificate(links)
    for link, target in ((links.certificate_file, two.certificate_file), (links.key_file, two.key_file)):
        link.unlink()
        link.symlink_to(target)
    assert asyncio.run(certificate.look())


@pytest.mark.parametrize(
    ("http", "health", "code"),
    [
        ({}, Health.WELL, "doctor.loopback"),
        ({"host": "::1"}, Health.WELL, "doctor.loopback"),
        ({"host": "0.0.0.0"}, Health.ILL, "doctor.plain_http"),
        ({"host": "192.0.2.7"}, Health.ILL, "doctor.plain_http"),
        ({"host": "0.0.0.0", "trusted_proxies": ["10.0.0.5"]}, Health.NOTE, "doctor.behind_proxy"),
    ],
)
def test_the_doctor_tells_how_requests_come_in(http: dict[str, Any], health: Health, code: str) -> None:
    settings = Settings(http=http)
    (found,) = look_at_edge(settings, Session(language="en"))
    assert (found.health, found.code) == (health, code)
    assert text(found.code, "en", **found.params) != code


def test_the_doctor_tells_when_a_certificate_ends(tmp_path: Path) -> None:
    tls = make_pair(tmp_path, "x")
    for days, code in ((90, "doctor.certificate"), (3, "doctor.certificate_ends")):
        tls = make_pair(tmp_path, "x", days=days)
        (found,) = look_at_edge(Settings(http={"tls": tls, "host": "0.0.0.0"}), Session(language="en"))
        assert found.code == code
        assert str(found.params["ends"]) == to_iso(certificate_ends(tls))[:10]
    tls.key_file.unlink()
    (found,) = look_at_edge(Settings(http={"tls": tls}), Session(language="en"))
    assert (found.health, found.code) == (Health.ILL, "doctor.problem")


def test_a_server_over_tls_is_reached_by_this_machine_under_its_certificate(tmp_path: Path) -> None:
    tls, other = make_pair(tmp_path, "one"), make_pair(tmp_path, "two")
    ports = free_port(), free_port()
    ours = {
        "OPENBERTH_DATA": str(tmp_path / "data"), "OPENBERTH_KEYS": str(tmp_path / "keys.json"),
        "OPENBERTH_HTTP__PORT": str(ports[0]), "OPENBERTH_BARRIER__PORT": str(ports[1]),
        "OPENBERTH_MQTT__PORT": "0", "OPENBERTH_SENSOR__PORT": "0",
        "OPENBERTH_HTTP__TLS__CERTIFICATE_FILE": str(tls.certificate_file),
        "OPENBERTH_HTTP__TLS__KEY_FILE": str(tls.key_file), "PYTHONPATH": str(ROOT / "src"),
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENBERTH_")}
    settings = Settings(http={"tls": tls, "port": ports[0]})
    url = local_url(settings.http.host, ports[0], settings.http.scheme)
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-W", "error", "-m", "openberth", "serve"]
        server = subprocess.Popen(command, env=kept | ours, stdout=log, stderr=log)
    try:
        with httpx2.Client(verify=local_trust(settings), trust_env=False, timeout=PATIENCE_S) as client:
            answer = _patiently(lambda: client.get(f"{url}/health/live"))
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        with (
            httpx2.Client(verify=trusting(other), trust_env=False, timeout=PATIENCE_S) as client,
            pytest.raises(httpx2.ConnectError),
        ):
            client.get(f"{url}/health/live")
        with pytest.raises(httpx2.HTTPError):
            httpx2.get(f"http://127.0.0.1:{ports[0]}/health/live", trust_env=False, timeout=PATIENCE_S)
    finally:
        server.terminate()
        server.wait(PATIENCE_S)
    assert "Traceback" not in (tmp_path / "log").read_text()


def _patiently(ask: Callable[[], httpx2.Response]) -> httpx2.Response:
    until = time.monotonic() + 2 * PATIENCE_S
    while True:
        try:
            return ask()
        except httpx2.ConnectError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
