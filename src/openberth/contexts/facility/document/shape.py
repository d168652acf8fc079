"""The shape of the lot file: its keys and kinds of value. What they say together is checked in ``checks``."""

import re
from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema

from openberth.contexts.facility.model.layout import Heartbeat
from openberth.contexts.facility.model.operation import DeviceKind, LaneKind
from openberth.contexts.facility.model.pricing import CapOrder, PermitWord, PlateColour, ReliefWord
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


Capacity: TypeAlias = Annotated[Whole, Between(1, CAPACITY_MAX)]
SpaceRange: TypeAlias = Annotated[
    Text,
    AfterValidator(_spaces),
    WithJsonSchema({"type": "string", "pattern": f"^{_SPACES.pattern}$", "examples": ["A001-A300", "B12"]}),
]
Serial: TypeAlias = Annotated[Text, AfterValidator(_serial)]
_Seats: TypeAlias = Annotated[Whole, Between(1, 200)]
_Mean: TypeAlias = Annotated[Number, Between(0, 100_000)]


class RulesPart(Part):
    """How the lot decides."""

    duplicate_window_s: Annotated[Whole, Between(0, 600)] = Field(
        10, description="same plate, same lane, device times this close: one passage"
    )
    device_skew_s: Annotated[Whole, Between(1, 3600)] = Field(
        120, description="a live device time further from ours than this is replaced by ours and reported"
    )
    full_admits_permits: Truth = Field(True, description="a full lot still admits cars with a permit")


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


class DevicePart(Part):
    """A camera or barrier at a lane; ``addresses`` are the networks it may speak from."""

    code: Code
    kind: DeviceKind
    lane: Code
    addresses: list[Network] = Field(min_length=1, max_length=16)
    heartbeat: Heartbeat | None = Field(None, description="cameras only; comet unless it says plain")
    serial: Serial | None = None


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
