"""What a lot file describes: areas, spaces, booths, lanes and devices, by their codes. Pure.

A code identifies a thing inside its lot for ever; ids are given by the store. ``changes`` compares two layouts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Any, TypeAlias

from openberth.contexts.facility.model.operation import DeviceKind, LaneKind
from openberth.contexts.facility.model.pricing import Pricing, TariffRule

IpNetwork: TypeAlias = IPv4Network | IPv6Network

MAIN_AREA = "main"  # the area of a lot whose file names none
SPACES_MAX = 20_000


class Heartbeat(StrEnum):
    """How a camera's heartbeat is answered."""

    COMET = "comet"  # held until there is a command, or 5 s: the camera asks again at once
    PLAIN = "plain"  # answered at once


@dataclass(frozen=True, slots=True)
class Rules:
    """How a lot decides. Times are seconds."""

    duplicate_window_s: int = 10
    device_skew_s: int = 120
    full_admits_permits: bool = True


@dataclass(frozen=True, slots=True)
class Area:
    """A part of a lot with its own count; ``inside`` is the code of the area around it."""

    code: str
    name_zh: str
    name_en: str
    capacity: int
    inside: str | None = None
    tariff_code: str | None = None  # None: the lot's
    tariffs: tuple[TariffRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Space:
    """One marked place."""

    code: str
    area: str


@dataclass(frozen=True, slots=True)
class Booth:
    """Who watches lanes."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A passage between areas; None is the street. An entry has ``to_area``, an exit ``from_area``, an inner lane
    both.
    """

    code: str
    name_zh: str
    name_en: str
    kind: LaneKind
    from_area: str | None
    to_area: str | None
    booth: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A machine at a lane. It is heard only from ``networks``; ``serial``, when given, must be the one it says."""

    code: str
    kind: DeviceKind
    lane: str
    networks: tuple[IpNetwork, ...]
    serial: str | None = None
    heartbeat: Heartbeat | None = None  # cameras only


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot as its file describes it. ``simulation`` is kept for the simulator and means nothing here."""

    code: str
    company_code: str
    name_zh: str
    name_en: str
    zone: str
    currency: str
    capacity: int
    tariff_code: str
    areas: tuple[Area, ...]
    lanes: tuple[Lane, ...]
    devices: tuple[Device, ...]
    booths: tuple[Booth, ...] = ()
    spaces: tuple[Space, ...] = ()
    rules: Rules = Rules()
    simulation: Mapping[str, Any] | None = None
    pricing: Pricing = field(default_factory=Pricing)

    def tariff_of(self, area: str) -> str:
        """Return the tariff code that holds in an area: its own, else that of the area around it, else the lot's."""
        by_code = {each.code: each for each in self.areas}
        current: str | None = area
        for _ in range(len(by_code)):
            found = by_code.get(current or "")
            if found is None:
                break
            if found.tariff_code is not None:
                return found.tariff_code
            current = found.inside
        return self.tariff_code

    def devices_of(self, lane: str, kind: DeviceKind | None = None) -> tuple[Device, ...]:
        """Return the devices at a lane, of one kind or all."""
        return tuple(each for each in self.devices if each.lane == lane and kind in (None, each.kind))
