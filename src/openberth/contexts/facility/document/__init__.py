"""The lot file: what an operator writes, read into a ``Lot``. Guide: ``docs/guides/lot-file.md``."""

from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import Field

from openberth.contexts.facility.document import checks
from openberth.contexts.facility.document.shape import (
    AreaPart,
    BoothPart,
    Capacity,
    DevicePart,
    LanePart,
    PricingPart,
    RulesPart,
    SimulationPart,
    TariffRulePart,
    TariffRules,
    VehiclesPart,
)
from openberth.contexts.facility.model.layout import (
    MAIN_AREA,
    Area,
    Booth,
    Device,
    Heartbeat,
    Lane,
    Lot,
    Rules,
    Space,
)
from openberth.contexts.facility.model.operation import DeviceKind, LaneKind
from openberth.contexts.facility.model.pricing import Pricing, ReliefPolicy, TariffRule, VehicleRule
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

__all__ = ["LotDocument", "lot_of", "lot_schema", "read_lot", "tariff_places"]


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
    pricing: PricingPart = PricingPart()
    rules: RulesPart = RulesPart()
    areas: list[AreaPart] = Field(default=[], max_length=200)
    booths: list[BoothPart] = Field(default=[], max_length=100)
    lanes: list[LanePart] = Field(min_length=1, max_length=500)
    devices: list[DevicePart] = Field(min_length=1, max_length=2_000)
    simulation: SimulationPart | None = None

    def flaws(self) -> Iterable[Flaw]:
        """Find what does not fit together."""
        for kind, things in (
            ("areas", self.areas),
            ("booths", self.booths),
            ("lanes", self.lanes),
            ("devices", self.devices),
        ):
            yield from checks.duplicates(kind, things)
        yield from checks.check_tariffs(self.tariffs, self.areas)
        yield from checks.check_reliefs(self.pricing.reliefs, self.currency)
        yield from checks.check_areas(self.areas, self.capacity)
        yield from checks.check_lanes(self.lanes, self.areas, self.booths)
        yield from checks.check_devices(self.devices, self.lanes)
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
    rules = document.rules
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
        rules=Rules(rules.duplicate_window_s, rules.device_skew_s, rules.full_admits_permits),
        simulation=None if document.simulation is None else plain(document.simulation),
        pricing=_pricing(document),
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


def _lane(part: LanePart, only_area: str | None) -> Lane:
    from_area = None if part.kind is LaneKind.ENTRY else part.from_area or only_area
    to_area = None if part.kind is LaneKind.EXIT else part.to_area or only_area
    return Lane(part.code, part.name.zh, part.name.en, part.kind, from_area, to_area, part.booth)


def _device(part: DevicePart) -> Device:
    heartbeat = part.heartbeat or Heartbeat.COMET if part.kind is DeviceKind.VZENITH_HTTP else None
    return Device(part.code, part.kind, part.lane, tuple(part.addresses), part.serial, heartbeat)
