"""What the makers of channels share: reading the parameters and secrets of a contract, with words for what is wrong."""

import ipaddress
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from openberth.kernel.errors import Malformed


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
