"""Who may come: address ranges, and places that are held. How often somebody may come is for ``infra.buckets``."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from openberth.kernel.errors import Malformed

Network: TypeAlias = IPv4Network | IPv6Network

_MAPPED_PREFIX = (
    96  # ::ffff:0:0/96 holds the IPv4 addresses as a dual-stack socket shows them (RFC 4291 section 2.5.5.2)
)
_SITE_PREFIX = 64  # one subscriber owns at least a /64, so single IPv6 addresses say nothing about who asks


@lru_cache(maxsize=4096)
def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Read a peer's address; IPv4 inside IPv6 becomes IPv4, a zone (``%eth0``) is dropped. None when it is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def limit_key(address: str) -> str:
    """Return the name under which an address is limited: the IPv4 address, the /64 of an IPv6 one, the text of any
    other.
    """
    read = read_address(address)
    if isinstance(read, IPv6Address):
        return str(IPv6Network((read, _SITE_PREFIX), strict=False))
    return address[:64] if read is None else str(read)


@dataclass(frozen=True, slots=True)
class AddressRange:
    """The networks somebody may come from. An empty range admits nobody; ``ANYWHERE`` admits every address."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "AddressRange":
        """Read networks and single addresses, e.g. ``10.1.0.0/16``; raise ``Malformed`` for anything else."""
        return cls(tuple(_network(text) for text in texts))

    def admits(self, address: str) -> bool:
        """Tell whether the address lies in one of the networks; what is no address lies in none."""
        read = read_address(address)
        return read is not None and any(read in network for network in self.networks)


ANYWHERE = AddressRange((ip_network("0.0.0.0/0"), ip_network("::/0")))


def _network(text: str) -> Network:
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise Malformed("address_range.malformed", text=text[:64]) from None
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_PREFIX:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX))
    return network


LOOPBACK = AddressRange((ip_network("127.0.0.0/8"), ip_network("::1")))


def is_loopback(host: str) -> bool:
    """Tell whether a host or address is this machine and nothing else."""
    return host == "localhost" or LOOPBACK.admits(host)


class Places:
    """Places that are held for a while: at most ``most`` overall and ``most_per_key`` of one key."""

    def __init__(self, *, most: int, most_per_key: int) -> None:
        self._most = most
        self._most_per_key = most_per_key
        self._held: Counter[str] = Counter()
        self._all = 0

    def __len__(self) -> int:
        return self._all

    def take(self, key: str) -> bool:
        """Take a place; False when there is none, overall or for this key."""
        if self._all >= self._most or self._held[key] >= self._most_per_key:
            return False
        self._held[key] += 1
        self._all += 1
        return True

    def give_back(self, key: str) -> None:
        """Give back a place that was taken."""
        self._all -= 1
        self._held[key] -= 1
        if self._held[key] <= 0:
            del self._held[key]

    @contextmanager
    def held(self, key: str) -> Iterator[bool]:
        """Hold a place for a block; the block is told whether there was one."""
        taken = self.take(key)
        try:
            yield taken
        finally:
            if taken:
                self.give_back(key)
