"""What a lot file describes: areas, spaces, booths, lanes and devices, by their codes. Pure.

A code identifies a thing inside its lot for ever; ids are given by the store. ``changes`` compares two layouts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Any, TypeAlias

from openberth.contexts.facility.model.displays import Displays
from openberth.contexts.facility.model.operation import LaneKind
from openberth.contexts.facility.model.plan import Address, Plan, Position
from openberth.contexts.facility.model.pricing import Pricing, TariffRule
from openberth.contexts.facility.model.rules import Rules
from openberth.contexts.facility.model.sensing import SensorModel
from openberth.contexts.facility.model.wires import DeviceKind

IpNetwork: TypeAlias = IPv4Network | IPv6Network

MAIN_AREA = "main"  # the area of a lot whose file names none
SPACES_MAX = 20_000


class Heartbeat(StrEnum):
    """How a camera's heartbeat is answered."""

    COMET = "comet"  # held until there is a command, or 5 s: the camera asks again at once
    PLAIN = "plain"  # answered at once


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


class InputUse(StrEnum):
    """What is wired to an input of a camera: loops of its lane, or of a way into an area that counts cars."""

    BEHIND = "behind"  # behind the barrier: a car has passed
    BEFORE = "before"  # before the barrier: a car stands there
    COUNTS_IN = "counts_in"
    COUNTS_OUT = "counts_out"


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a camera, numbered from 1 as printed on it. ``area`` is whose cars it counts, None for loops."""

    number: int
    use: InputUse
    area: str | None = None


# Where a file says nothing of a camera's inputs: the loop behind the barrier, and the one before it.
USUAL_INPUTS = (Input(1, InputUse.BEHIND), Input(2, InputUse.BEFORE))


@dataclass(frozen=True, slots=True)
class Device:
    """A machine at a lane. It is heard only from ``networks``; ``serial``, when given, must be the one it says.

    ``endpoint`` is where we call it, an address inside of ``networks``; ``gate`` in which way its gate is moved, None
    to find out.
    """

    code: str
    kind: DeviceKind
    lane: str
    networks: tuple[IpNetwork, ...]
    serial: str | None = None
    heartbeat: Heartbeat | None = None  # cameras only
    endpoint: str | None = None
    gate: str | None = None
    inputs: tuple[Input, ...] = USUAL_INPUTS  # cameras only


@dataclass(frozen=True, slots=True)
class Collector:
    """A machine that speaks for sensors of spaces: a collector of geomagnetic ones, a LoRaWAN server, a space camera.

    It is heard only from ``networks``; ``serial`` is what it calls itself. ``silent_after_s`` is how long its sensors
    may say nothing before nothing is known of their spaces, None for what is usual for its kind.
    """

    code: str
    kind: DeviceKind
    networks: tuple[IpNetwork, ...]
    serial: str | None = None
    silent_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Sensor:
    """What looks at one space; ``name`` is its id at its collector."""

    code: str
    collector: str
    name: str
    space: str
    model: SensorModel | None = None  # of LoRaWAN sensors


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
    rules: Rules = field(default_factory=Rules)
    simulation: Mapping[str, Any] | None = None
    pricing: Pricing = field(default_factory=Pricing)
    position: Position | None = None
    address: Address | None = None
    plan: Plan | None = None
    displays: Displays = field(default_factory=Displays)
    collectors: tuple[Collector, ...] = ()
    sensors: tuple[Sensor, ...] = ()

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
