"""What the barrier link needs from the house, as protocols."""

from dataclasses import dataclass, field
from typing import Protocol

from openberth.gateways.barriers.commands import CommandReport
from openberth.gateways.barriers.messages import BarrierStatus
from openberth.infra.http.limits import AddressRange
from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class BarrierDevice:
    """A barrier that may dial in: its secret (32 bytes, never shown) and where it may come from.

    ``old_secret`` was replaced and holds for a while beside the new one.
    """

    id: Id
    secret: bytes = field(repr=False)
    addresses: AddressRange
    old_secret: bytes | None = field(default=None, repr=False)


class BarrierDirectory(Protocol):
    """Knows the barriers."""

    async def find(self, serial: str) -> BarrierDevice | None:
        """Return the barrier of this serial, None when there is none (or it is retired)."""
        ...


class BarrierObserver(Protocol):
    """Is told what barriers do: per device in order, one call at a time; a slow call holds back that device only."""

    async def on_connected(self, device_id: Id, address: str) -> None:
        """A barrier has proved who it is."""
        ...

    async def on_status(self, device_id: Id, status: BarrierStatus) -> None:
        """A barrier reported its state; heartbeats repeat it unchanged."""
        ...

    async def on_result(self, device_id: Id, report: CommandReport) -> None:
        """There is news about a command: accepted, ended, or late."""
        ...

    async def on_disconnected(self, device_id: Id, reason: str) -> None:
        """A barrier's connection has ended; not told when another connection of it has taken over."""
        ...
