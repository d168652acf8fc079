"""Barrier controllers over the OpenBerth barrier link (``docs/devices/barrier-tcp.md``).

Four layers: ``codec`` (bytes and frames), ``messages`` (payloads), ``session`` (handshake, macs, keep-alive) with
``commands`` (what became of each command), all of them pure; and ``port``, the asyncio server around them.
"""

from openberth.gateways.barriers.commands import BarrierCommand, CommandOutcome, CommandReport
from openberth.gateways.barriers.messages import BarrierStatus, Boom, Operation
from openberth.gateways.barriers.port import BarrierLimits, BarrierServer
from openberth.gateways.barriers.ports import BarrierDevice, BarrierDirectory, BarrierObserver

__all__ = [
    "BarrierCommand",
    "BarrierDevice",
    "BarrierDirectory",
    "BarrierLimits",
    "BarrierObserver",
    "BarrierServer",
    "BarrierStatus",
    "Boom",
    "CommandOutcome",
    "CommandReport",
    "Operation",
]
