"""The lot file as a whole: its keys, and the lot that it describes."""

from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import Field

from openberth.contexts.facility.document import checks
from openberth.contexts.facility.document.displays import DisplaysPart, check_displays, displays_of
from openberth.contexts.facility.document.drawing import PlanPart, PositionPart, check_plan, plan_of, position_of
from openberth.contexts.facility.document.shape import (
    AreaPart,
    BoothPart,
    Capacity,
    CollectorPart,
    DevicePart,
    LanePart,
    PassbackPart,
    PricingPart,
    RulesPart,
    SensorPart,
    SimulationPart,
    TariffRulePart,
    TariffRules,
    VehiclesPart,
)
from openberth.contexts.facility.model.layout import (
    MAIN_AREA,
    SPACES_MAX,
    USUAL_INPUTS,
    Area,
    Booth,
    Collector,
    Device,
    Heartbeat,
    Input,
    Lane,
    Lot,
    Sensor,
    Space,
)
from openberth.contexts.facility.model.operation import LaneKind
from openberth.contexts.facility.model.plan import Address
from openberth.contexts.facility.model.pricing import Pricing, ReliefPolicy, TariffRule, VehicleRule
from openberth.contexts.facility.model.rules import Passback, Rules
from openberth.infra.documents import (
    Code,
    Currency,
    Document,
    Flaw,
    Names,
    Path,
    Zone,
    plain,
    read_document,
    schema_text,
)
from openberth.kernel.money import Money


class LotDocument(Document):
    """A lot file."""

    lot: Literal["openberth/1"] = Field(description="version of this format")
    code: Code
    company: Code = Field(description="code of the company that runs the lot")
    name: Names
    zone: Zone = Field(description="IANA time zone, e.g. Asia/Shanghai")
    currency: Currency
    capacity: Capacity = Field(description="cars in the whole lot")
    tariff: Code = Field(description="code of a tariff of this company")
    tariffs: TariffRules = Field(default=[], description="looked at before the tariff, where no area decides")
    position: PositionPart | None = None
    address: Names | None = None
    pricing: PricingPart = PricingPart()
    rules: RulesPart = RulesPart()
    areas: list[AreaPart] = Field(default=[], max_length=200)
    booths: list[BoothPart] = Field(default=[], max_length=100)
    lanes: list[LanePart] = Field(min_length=1, max_length=500)
    devices: list[DevicePart] = Field(min_length=1, max_length=2_000)
    displays: DisplaysPart = DisplaysPart()
    collectors: list[CollectorPart] = Field(default=[], max_length=500)
    sensors: list[SensorPart] = Field(default=[], max_length=SPACES_MAX)
    plan: PlanPart | None = None
    simulation: SimulationPart | None = None

    def flaws(self) -> Iterable[Flaw]:
        """Find what does not fit together."""
        for kind, things in (
            ("areas", self.areas),
            ("booths", self.booths),
            ("lanes", self.lanes),
            ("devices", self.devices),
            ("collectors", self.collectors),
            ("sensors", self.sensors),
        ):
            yield from checks.duplicates(kind, things)
        yield from checks.check_tariffs(self.tariffs, self.areas)
        yield from checks.check_reliefs(self.pricing.reliefs, self.currency)
        yield from checks.check_areas(self.areas, self.capacity)
        yield from checks.check_lanes(self.lanes, self.areas, self.booths)
        yield from checks.check_devices(self.devices, self.lanes)
        yield from check_displays(self.displays, self.lanes, self.devices, self.areas)
        yield from checks.check_inputs(self.devices, self.areas)
        yield from checks.check_collectors(self.collectors)
        yield from checks.check_sensors(self.sensors, self.collectors, checks.spaces_of(self.areas))
        if self.plan is not None:
            areas = [each.code for each in self.areas] or [MAIN_AREA]
            yield from check_plan(self.plan, areas, [each.code for each in self.lanes], checks.spaces_of(self.areas))
        if self.simulation is not None:
            yield from checks.check_simulation(self.simulation)


def read_lot(text: str, *, name: str) -> Lot:
    """Read a lot file; ``name`` stands in the messages. Raises ``DocumentError``."""
    return lot_of(read_document(text, LotDocument, name=name))


def lot_schema() -> str:
    """Return the JSON Schema of the lot file."""
    return schema_text(LotDocument, title="OpenBerth lot file")


def lot_of(document: LotDocument) -> Lot:
    """Return the lot a document describes: spaces expanded, defaults filled in."""
    areas = tuple(
        Area(
            each.code, each.name.zh, each.name.en, each.capacity, each.inside, each.tariff, _tariff_rules(each.tariffs)
        )
        for each in document.areas
    )
    if not areas:
        areas = (Area(MAIN_AREA, document.name.zh, document.name.en, document.capacity),)
    only = areas[0].code if len(areas) == 1 else None
    return Lot(
        code=document.code,
        company_code=document.company,
        name_zh=document.name.zh,
        name_en=document.name.en,
        zone=document.zone,
        currency=document.currency,
        capacity=document.capacity,
        tariff_code=document.tariff,
        areas=areas,
        lanes=tuple(_lane(each, only) for each in document.lanes),
        devices=tuple(_device(each) for each in document.devices),
        booths=tuple(Booth(each.code, each.name.zh, each.name.en) for each in document.booths),
        spaces=tuple(
            Space(code, area.code) for area in document.areas for each in area.spaces for code in checks.expand(each)
        ),
        rules=rules_of(document.rules),
        simulation=None if document.simulation is None else plain(document.simulation),
        pricing=_pricing(document),
        position=position_of(document.position),
        address=None if document.address is None else Address(document.address.zh, document.address.en),
        plan=plan_of(document.plan),
        displays=displays_of(document.displays),
        collectors=tuple(_collector(each) for each in document.collectors),
        sensors=tuple(
            Sensor(each.code, each.collector, each.name, each.space, each.model) for each in document.sensors
        ),
    )


def tariff_places(lot: Lot) -> Iterator[tuple[Path, str]]:
    """Yield every place of a lot file that names a tariff, with the code."""
    yield ("tariff",), lot.tariff_code
    for number, rule in enumerate(lot.pricing.tariffs):
        yield ("tariffs", number, "tariff"), rule.tariff
    for index, area in enumerate(lot.areas):
        if area.tariff_code is not None:
            yield ("areas", index, "tariff"), area.tariff_code
        for number, rule in enumerate(area.tariffs):
            yield ("areas", index, "tariffs", number, "tariff"), rule.tariff


def _pricing(document: LotDocument) -> Pricing:
    said = document.pricing.reliefs
    together = None if said.together is None else tuple((first, second) for first, second in said.together)
    minimum = None if said.minimum_pay is None else Money.of(said.minimum_pay, document.currency).minor
    reliefs = ReliefPolicy(said.at_most, together, tuple(said.order), minimum)
    return Pricing(_tariff_rules(document.tariffs), document.pricing.nested_caps, reliefs)


def _tariff_rules(parts: list[TariffRulePart]) -> tuple[TariffRule, ...]:
    return tuple(TariffRule(each.tariff, _vehicles(each.vehicles), tuple(each.permits)) for each in parts)


def _vehicles(part: VehiclesPart | None) -> VehicleRule:
    if part is None:
        return VehicleRule()
    return VehicleRule(
        tuple(part.colours), part.new_energy, tuple(part.sizes), part.seats_from, part.seats_upto, part.disabled,
        tuple(part.tags),
    )  # fmt: skip


def rules_of(part: RulesPart) -> Rules:
    """Return the rules that a document says."""
    said = {name: getattr(part, name) for name in RulesPart.model_fields}
    passback = Passback(**{name: getattr(part.anti_passback, name) for name in PassbackPart.model_fields})
    return Rules(**said | {"never_held": tuple(part.never_held), "anti_passback": passback})


def _lane(part: LanePart, only_area: str | None) -> Lane:
    from_area = None if part.kind is LaneKind.ENTRY else part.from_area or only_area
    to_area = None if part.kind is LaneKind.EXIT else part.to_area or only_area
    return Lane(part.code, part.name.zh, part.name.en, part.kind, from_area, to_area, part.booth)


def _device(part: DevicePart) -> Device:
    heartbeat = part.heartbeat or Heartbeat.COMET if part.kind.wire.held else None
    inputs: tuple[Input, ...] = USUAL_INPUTS
    if part.inputs is not None:
        inputs = tuple(Input(each.input, each.use, each.area) for each in part.inputs)
    return Device(
        part.code, part.kind, part.lane, tuple(part.addresses), part.serial, heartbeat, part.endpoint, part.gate, inputs
    )


def _collector(part: CollectorPart) -> Collector:
    silent = None if part.silent_after_minutes is None else part.silent_after_minutes * 60
    return Collector(part.code, part.kind, tuple(part.addresses), part.serial, silent)
