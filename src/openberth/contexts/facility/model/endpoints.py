"""Where devices are called: ``http://192.168.1.64`` or ``https://[fd00::1]:8443``. Pure."""

from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

ENDPOINT_MAX = 100


def endpoint_host(endpoint: str) -> str | None:
    """Return the address in an endpoint; None for what is none.

    Only scheme, address and port: a name could lead elsewhere tomorrow, and a user name does not belong in a file. An
    IPv4 address is written as one: inside of IPv6 (``::ffff:127.0.0.1``) nobody sees whose it is.
    """
    if len(endpoint) > ENDPOINT_MAX or not endpoint.isascii():
        return None
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port
        address = ip_address(host or "")
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return None
    shown = f"[{host}]" if address.version == 6 else str(host)
    whole = f"{parts.scheme}://{shown}" + ("" if port is None else f":{port}")
    if parts.scheme not in ("http", "https") or port == 0 or endpoint.removesuffix("/").lower() != whole:
        return None
    return str(address)
