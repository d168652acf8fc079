"""What the makers of channels share: reading the parameters and secrets of a contract, with words for what is wrong."""

import hashlib
import ipaddress
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm

from openberth.kernel.errors import Malformed

T = TypeVar("T")


def only(known: Collection[str], given: Mapping[str, Any]) -> None:
    """Refuse names that nobody reads: a slip would do nothing. Raises ``Malformed("channel.setting")``."""
    for name in given:
        if name not in known:
            raise wrong(name, "unknown")


def text(given: Mapping[str, Any], name: str, *, longest: int = 200) -> str:
    """Return a text that must be there."""
    found = given.get(name)
    if not isinstance(found, str) or not found.strip():
        raise wrong(name, "missing")
    if len(found) > longest:
        raise wrong(name, "too long")
    return found.strip()


def web_address(given: Mapping[str, Any], name: str, *, default: str | None = None, production: bool) -> str:
    """Return an address ``http(s)://HOST[:PORT]`` without a slash at the end.

    In production it is https and not this machine: ``Malformed("channel.loopback")``.
    """
    found = default if default is not None and name not in given else text(given, name)
    parts = urlsplit(found)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or "@" in found:
        raise wrong(name, "http(s)://HOST[:PORT]")
    if production and (parts.scheme != "https" or _is_this_machine(parts.hostname)):
        raise Malformed("channel.loopback", setting=name)
    return found.rstrip("/")


def key(name: str, read: Callable[[], T]) -> T:
    """Return what is read of a key or a certificate. Raises ``Malformed("channel.setting")`` for what is none.

    A key under a password is a ``TypeError`` to the reader, a curve that it does not know an ``UnsupportedAlgorithm``.
    """
    try:
        return read()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise wrong(name, str(error)[:80] or "not a key") from None


def wrong(name: str, reason: str) -> Malformed:
    """Return the mistake in a contract's parameter or secret; never with its value."""
    return Malformed("channel.setting", setting=name[:40], reason=reason)


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified or address.is_link_local


# SHA-256 of secrets and of public keys (DER) whose private half stands in published examples: anybody can sign as them.
_PUBLISHED = frozenset((
    # WeChat Pay: APIv3 keys of the libraries' tests, then merchants' keys of the documents and of libraries
    "c87dfae83ad804fe62132409ca5f32069f0b81828a8ebd1aca4a420119aae98d",
    "849fb1b2ed3c44f5558a2939ec3a2f0f04e957734215d60f0053ce204f076310",
    "196d969ae152da9050e194f0d2a816cd690f4299250fdfbf20d20652edbb26fc",
    "0076df9361cc1f5744359234d7df9fd43442cf369fb98826562f1d10a347ec5c",
    "8a5b82f18120806bb2c6b46e1a2f8687ceaa20a45bc2b649e37e6d9878336dc5",
    "0a378ebeeaf3f5cb53393af329d40fab1c10bfe88b395d6dd5d58a3583ef3226",
    # Alipay
    "a5db33455aa4446a4b560beec42520647aab6ec8995415faa46d19c85cb0538c",
    "b23f1622e2ca1cf67c7315b53b8235ef798cd4abe8acf77f9288bb1ffa348b91",
    "92e409a45452349fca16058bfd35b10112ea6e084966090354c41be78d6b9b46",
))  # fmt: skip


def is_published(secret: str | bytes) -> bool:
    """Tell whether a secret, or the public key that belongs to it (DER), stands in published examples."""
    plain = secret.encode() if isinstance(secret, str) else secret
    return hashlib.sha256(plain).hexdigest() in _PUBLISHED
