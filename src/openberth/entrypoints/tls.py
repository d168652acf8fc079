"""Servers over TLS from certificate files: TLS 1.2 and newer, files read anew when they change, mistakes in words."""

import asyncio
import ssl
import stat
from pathlib import Path

import structlog

from openberth.infra.settings import TlsSettings
from openberth.kernel.errors import Problem, Refused
from openberth.kernel.time import SECOND_US, Instant

LOOK_EVERY_S = 30.0

log = structlog.get_logger()


class _Encrypted(Exception):
    """The private key asks for a password, which a service has nobody to ask for."""


class Certificate:
    """The certificate that a server shows: one context, whose files are taken over when they were replaced."""

    def __init__(self, tls: TlsSettings, *, http: bool = True) -> None:
        self._tls = tls
        self._seen = _state(tls)
        self.context = context_of(tls, http=http)

    async def watch(self) -> None:
        """Look at the files until cancelled; a pair that does not fit is told, and the one before stays in force."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> bool:
        """Take over files that have changed; tell whether there were such."""
        found = await asyncio.to_thread(_state, self._tls)
        if found == self._seen:
            return False
        self._seen = found
        try:
            await asyncio.to_thread(context_of, self._tls)
            _load(self.context, self._tls)  # for connections from now on
        except Problem as problem:
            log.warning("tls.not_taken_over", code=problem.code)
            return False
        log.info("tls.taken_over")
        return True


def context_of(tls: TlsSettings, *, http: bool = True) -> ssl.SSLContext:
    """Return the context of a server, of HTTP or of another protocol.

    Raises ``Refused``: ``tls.unreadable``, ``tls.exposed``, ``tls.mismatched``, …
    """
    for path in (tls.certificate_file, tls.key_file):
        try:
            with path.open("rb"):
                mode = path.stat().st_mode
        except OSError as error:
            raise Refused("tls.unreadable", path=str(path), reason=str(error.strerror)) from error
        if path == tls.key_file and mode & (stat.S_IROTH | stat.S_IWOTH):
            raise Refused("tls.exposed", path=str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if http:
        context.set_alpn_protocols(["http/1.1"])
    _load(context, tls)
    return context


def certificate_ends(tls: TlsSettings) -> Instant:
    """Return when the first certificate of the file is over. Raises ``Refused("tls.malformed")``."""
    from cryptography import x509  # the rest of this module does without it

    try:
        found = x509.load_pem_x509_certificates(tls.certificate_file.read_bytes())[0]
    except (OSError, ValueError, IndexError) as error:
        raise Refused("tls.malformed", path=str(tls.certificate_file), reason="PEM") from error
    return Instant(int(found.not_valid_after_utc.timestamp()) * SECOND_US)


def trusting(tls: TlsSettings) -> ssl.SSLContext:
    """Return the context of a client on this machine, which believes this very certificate under whatever name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False  # it is reached by the loopback, for which no certificate is made
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(tls.certificate_file)
    except OSError as error:
        raise _told(error, tls.certificate_file) from error
    return context


def _load(context: ssl.SSLContext, tls: TlsSettings) -> None:
    def nobody_to_ask() -> str:
        raise _Encrypted

    try:
        context.load_cert_chain(tls.certificate_file, tls.key_file, password=nobody_to_ask)
    except _Encrypted:
        raise Refused("tls.encrypted", path=str(tls.key_file)) from None
    except OSError as error:
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            raise Refused("tls.mismatched", certificate=str(tls.certificate_file), key=str(tls.key_file)) from error
        raise _told(error, tls.certificate_file, tls.key_file) from error


def _told(error: OSError, *paths: Path) -> Refused:
    names = ", ".join(map(str, paths))
    if isinstance(error, ssl.SSLError):
        return Refused("tls.malformed", path=names, reason=error.reason or "PEM")
    return Refused("tls.unreadable", path=names, reason=str(error.strerror))


def _state(tls: TlsSettings) -> tuple[object, ...]:
    found: list[object] = []
    for path in (tls.certificate_file, tls.key_file):
        try:
            at = path.stat()
            found.append((at.st_ino, at.st_mtime_ns, at.st_size))
        except OSError:
            found.append(None)
    return tuple(found)
