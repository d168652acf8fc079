"""Reverse proxies in front of this service: the only ones whose word about where a request comes from counts."""

from ipaddress import IPv4Network, IPv6Network
from typing import Any, cast

from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from openberth.infra.http.limits import AddressRange, Network

_MAPPED = 0xFFFF << 32  # ::ffff:0:0/96: how a dual-stack socket shows IPv4 peers (RFC 4291 section 2.5.5.2)


def behind(app: ASGIApp, proxies: AddressRange) -> ASGIApp:
    """Let requests that come from these proxies be those of whom they name.

    ``X-Forwarded-For`` gives the address (the last one in it that is no proxy of ours), ``X-Forwarded-Proto`` the
    scheme. From anybody else both are just text.
    """
    if not proxies.networks:
        return app
    hosts = [str(network) for one in proxies.networks for network in (one, *_as_mapped(one))]
    return cast(ASGIApp, ProxyHeadersMiddleware(cast(Any, app), hosts))


def _as_mapped(network: Network) -> tuple[IPv6Network, ...]:
    if not isinstance(network, IPv4Network):
        return ()
    return (IPv6Network((_MAPPED | int(network.network_address), 96 + network.prefixlen)),)
