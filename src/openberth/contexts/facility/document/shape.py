"""The shape of the lot file: its keys and kinds of value. What they say together is checked in ``checks``."""

import re
from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema

from openberth.contexts.facility.model.endpoints import endpoint_host
from openberth.contexts.facility.model.layout import Heartbeat, InputUse
from openberth.contexts.facility.model.operation import LaneKind
from openberth.contexts.facility.model.pricing import CapOrder, PermitWord, PlateColour, ReliefWord
from openberth.contexts.facility.model.rules import NeverHeld, Strictness
from openberth.contexts.facility.model.sensing import SensorModel
from openberth.contexts.facility.model.wires import DeviceKind
from openberth.infra.documents import (
    Amount,
    Between,
    Code,
    Names,
    Network,
    Number,
    Part,
    Share,
    Text,
    Truth,
    Whole,
    wrong,
)

CAPACITY_MAX = 100_000
SERIAL_BYTES_MAX = 64

_SPACES = re.compile(r"([A-Za-z]{0,6})([0-9]{1,6})(?:-([A-Za-z]{0,6})([0-9]{1,6}))?")


def _spaces(value: str) -> str:
    if not _SPACES.fullmatch(value):
        raise wrong("lot.spaces", value=value)
    return value


def _serial(value: str) -> str:
    if len(value.encode()) > SERIAL_BYTES_MAX:
        raise wrong("document.too_long", most=SERIAL_BYTES_MAX)
    return value


def _endpoint(value: str) -> str:
    """Take an address with scheme, number and port: no name, which could lead elsewhere tomorrow, and no path."""
    if endpoint_host(value) is None:
        raise wrong("lot.endpoint", value=value[:SERIAL_BYTES_MAX])
    return value


Capacity: TypeAlias = Annotated[Whole, Between(1, CAPACITY_MAX)]
SpaceRange: TypeAlias = Annotated[
    Text,
    AfterValidator(_spaces),
    WithJsonSchema({"type": "string", "pattern": f"^{_SPACES.pattern}$", "examples": ["A001-A300", "B12"]}),
]
Serial: TypeAlias = Annotated[Text, AfterValidator(_serial)]
Endpoint: TypeAlias = Annotated[
    Text,
    AfterValidator(_endpoint),
    WithJsonSchema({"type": "string", "pattern": "^https?://", "examples": ["http://192.168.1.64"]}),
]
_Seats: TypeAlias = Annotated[Whole, Between(1, 200)]
_Mean: TypeAlias = Annotated[Number, Between(0, 100_000)]


class PassbackPart(Part):
    """A car that comes in while it is inside, or with a permit leaves though it never came in: by its permit."""

    casual: Strictness = Strictness.SOFT
    resident: Strictness = Strictness.SOFT
    monthly: Strictness = Strictness.SOFT
    internal: Strictness = Strictness.SOFT
    free: Strictness = Strictness.SOFT


class RulesPart(Part):
    """How the lot decides."""

    duplicate_window_s: Annotated[Whole, Between(0, 600)] = Field(
        10, description="same plate, same lane, device times this close: one passage"
    )
    device_skew_s: Annotated[Whole, Between(1, 3600)] = Field(
        120, description="a live device time further from ours than this is replaced by ours and reported"
    )
    full_admits_permits: Truth = Field(True, description="a full lot still admits cars with a permit")
    neighbour_window_s: Annotated[Whole, Between(0, 60)] = Field(
        5, description="the same plate at another lane of the same kind this soon: the other lane's camera saw it"
    )
    shortest_stay_s: Annotated[Whole, Between(0, 600)] = Field(
        0, description="a plate at an exit this soon after its entry was seen by the wrong camera; 0: no such rule"
    )
    cloned_within_minutes: Annotated[Whole, Between(0, 1440)] = Field(
        10, description="a plate seen inside this lately that stands at an entry waits for a person; 0: no such rule"
    )
    unread_after_s: Annotated[Whole, Between(0, 120)] = Field(
        8, description="a loop occupied this long without a plate: a car that was not read; 0: no such rule"
    )
    soft_close_days: Annotated[Whole, Between(0, 3650)] = Field(
        30, description="by night, stays this old are ended as never seen to leave; 0: never"
    )
    soft_close_permit_days: Annotated[Whole, Between(0, 3650)] = Field(0, description="the same for cars with a permit")
    revive_days: Annotated[Whole, Between(0, 3650)] = Field(
        7,
        description="so soon after a soft end a car at an exit goes on with its stay; later a person decides",
    )
    reset_hours: Annotated[Whole, Between(1, 720)] = Field(
        24, description="a passback reset is believed for so long: what is seen of a car later counts as ever"
    )
    never_held: list[NeverHeld] = Field(
        default=list(NeverHeld),
        max_length=4,
        description="plates that every lane opens for, whatever speaks against it",
    )
    anti_passback: PassbackPart = PassbackPart()
    entered_again_asks: Truth = Field(
        True, description="at an exit a person says whether a car that came in while it was inside had left before"
    )
    occupancy_band: Annotated[Whole, Between(0, 10_000)] = Field(
        3, description="cars by which counters, open stays and sensors of an area may differ"
    )
    occupancy_band_s: Annotated[Whole, Between(60, 86_400)] = Field(
        900, description="after differing by more for so long, an alarm tells of it"
    )


class VehiclesPart(Part):
    """Which vehicles are meant: every key that is given must hold; what is unknown of a vehicle does not match."""

    colours: list[PlateColour] = Field(default=[], max_length=6, description="of the plate")
    new_energy: Truth | None = None
    sizes: list[Code] = Field(default=[], max_length=16, description="small or large, as the plate tells")
    seats_from: _Seats | None = None
    seats_upto: _Seats | None = None
    disabled: Truth | None = None
    tags: list[Code] = Field(default=[], max_length=32)


class TariffRulePart(Part):
    """Some cars are priced by a tariff of their own; the first rule that means a car decides."""

    tariff: Code
    vehicles: VehiclesPart | None = None
    permits: list[PermitWord] = Field(
        default=[], max_length=8, description="cars with these permits pay by the tariff; without it, cars with none"
    )


TariffRules: TypeAlias = Annotated[list[TariffRulePart], Field(max_length=50)]


class ReliefsPart(Part):
    """What is allowed of coupons and other reliefs."""

    at_most: Annotated[Whole, Between(0, 20)] = Field(3, description="reliefs in one stay")
    together: list[Annotated[list[ReliefWord], Field(min_length=2, max_length=2)]] | None = Field(
        None, max_length=49, description="pairs of kinds that may be used in one stay; without it all"
    )
    order: list[ReliefWord] = Field(default=[], max_length=7, description="in which the kinds are applied")
    minimum_pay: Amount | None = Field(None, description="what is paid whatever the reliefs are worth")


class PricingPart(Part):
    """What the lot decides about prices beside its tariffs."""

    nested_caps: CapOrder = Field(CapOrder.SEPARATE, description="caps of an area that lies inside of another")
    reliefs: ReliefsPart = ReliefsPart()


class AreaPart(Part):
    """A part of the lot; it may lie inside another one and have tariffs of its own."""

    code: Code
    name: Names
    capacity: Capacity
    inside: Code | None = None
    tariff: Code | None = Field(None, description="without it, that of the area around it or the lot's")
    tariffs: TariffRules = Field(default=[], description="looked at before its tariff")
    spaces: list[SpaceRange] = Field(default=[], max_length=1_000)


class BoothPart(Part):
    """A booth that watches lanes."""

    code: Code
    name: Names


class LanePart(Part):
    """A lane. The key ``from`` is the area it leaves, ``to`` the one it leads into."""

    code: Code
    name: Names
    kind: LaneKind
    from_area: Code | None = Field(None, alias="from")
    to_area: Code | None = Field(None, alias="to")
    booth: Code | None = None


class InputPart(Part):
    """What is wired to an input of a camera; ``area`` is whose cars a counting loop counts."""

    input: Annotated[Whole, Between(1, 16)] = Field(description="as printed on the camera")
    use: InputUse = Field(alias="is")
    area: Code | None = None


class DevicePart(Part):
    """A camera or barrier at a lane; ``addresses`` are the networks it may speak from."""

    code: Code
    kind: DeviceKind
    lane: Code
    addresses: list[Network] = Field(min_length=1, max_length=16)
    heartbeat: Heartbeat | None = Field(None, description="cameras only; comet unless it says plain")
    serial: Serial | None = None
    endpoint: Endpoint | None = Field(
        None, description="where the server calls it to move its gate, e.g. http://192.168.1.64; inside of addresses"
    )
    gate: Code | None = Field(None, description="in which way its gate is moved; without it the server finds out")
    inputs: list[InputPart] | None = Field(
        None,
        max_length=16,
        description="cameras only; without it, 1 is the loop behind the barrier, 2 before",
    )


class CollectorPart(Part):
    """A machine that speaks for sensors of spaces; ``addresses`` are the networks it may speak from."""

    code: Code
    kind: DeviceKind
    addresses: list[Network] = Field(min_length=1, max_length=16)
    serial: Serial | None = Field(None, description="what it calls itself; the CID of a geomagnetic collector")
    silent_after_minutes: Annotated[Whole, Between(1, 20_160)] | None = Field(
        None, description="a sensor that is silent for so long tells nothing of its space any more"
    )


class SensorPart(Part):
    """A sensor of one space; ``id`` is what its collector calls it: its number, its devEui, its spot."""

    code: Code
    collector: Code
    name: Serial = Field(alias="id")
    space: SpaceRange = Field(description="one space")
    model: SensorModel | None = Field(None, description="of LoRaWAN sensors: which bytes it sends")


class StayPart(Part):
    """One kind of visitor: log-normal stays around a median."""

    share: Share
    median_minutes: _Mean
    sigma: Annotated[Number, Between(0, 5)]


class PaymentPart(Part):
    """How visitors pay; the rest pays at the lane by itself or not at all."""

    prepay: Share = Decimal(0)
    code: Share = Decimal(0)
    cash: Share = Decimal(0)


class SimulationPart(Part):
    """What the simulator does with the lot."""

    arrivals_per_hour: list[_Mean] = Field(description="means for the local hours 0-23")
    stays: list[StayPart] = Field(min_length=1, max_length=20)
    payment: PaymentPart = PaymentPart()
    permit_share: Share = Decimal(0)
    unlicensed_share: Share = Decimal(0)
    inner_share: Share = Decimal(0)
