"""A lot as the file that, applied again, changes nothing. Comments are not kept: what stands is what is written."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

from openberth.contexts.facility.document.displays import displays_part
from openberth.contexts.facility.document.drawing import plan_part, position_part
from openberth.contexts.facility.document.file import LotDocument
from openberth.contexts.facility.document.shape import (
    AreaPart,
    BoothPart,
    CollectorPart,
    DevicePart,
    InputPart,
    LanePart,
    PassbackPart,
    PricingPart,
    ReliefsPart,
    RulesPart,
    SensorPart,
    SimulationPart,
    TariffRulePart,
    VehiclesPart,
)
from openberth.contexts.facility.model.layout import (
    MAIN_AREA,
    USUAL_INPUTS,
    Area,
    Collector,
    Device,
    Heartbeat,
    Lane,
    Lot,
    Sensor,
)
from openberth.contexts.facility.model.pricing import Pricing, TariffRule, VehicleRule
from openberth.contexts.facility.model.rules import Rules
from openberth.infra.documents import Names
from openberth.infra.documents.writing import usual_left_out, written_out, yaml_text
from openberth.kernel.money import Money

FORMAT = "openberth/1"
VERSION_LENGTH = 16
_THINGS = ("areas", "booths", "lanes", "devices", "collectors", "sensors")


def lot_text(lot: Lot) -> str:
    """Return the lot file of a lot."""
    document = document_of(lot)
    data = usual_left_out(document)
    if document.simulation is not None:  # its numbers are kept as they were written, 0.0 beside 0
        data["simulation"] = written_out(document.simulation)
    return yaml_text(data)


def version_of(lot: Lot) -> str:
    """Return a word that is another one when the lot is another one, in whatever order its file names things."""
    ordered: dict[str, Any] = {name: sorted(getattr(lot, name), key=lambda each: each.code) for name in _THINGS}
    return sha256(lot_text(replace(lot, **ordered)).encode()).hexdigest()[:VERSION_LENGTH]


def document_of(lot: Lot) -> LotDocument:
    """Return the document of a lot."""
    only = lot.areas[0] if len(lot.areas) == 1 else None
    spaces: dict[str, list[str]] = {}
    for space in lot.spaces:
        spaces.setdefault(space.area, []).append(space.code)
    areas = [] if only == _unnamed(lot) and not lot.spaces else lot.areas
    return LotDocument(
        lot=FORMAT, code=lot.code, company=lot.company_code, name=_names(lot.name_zh, lot.name_en), zone=lot.zone,
        currency=lot.currency, capacity=lot.capacity, tariff=lot.tariff_code, tariffs=_rules(lot.pricing.tariffs),
        pricing=_pricing(lot.pricing, lot.currency), position=position_part(lot.position),
        address=None if lot.address is None else _names(lot.address.zh, lot.address.en), plan=plan_part(lot.plan),
        rules=_lane_rules(lot.rules),
        areas=[_area(each, spaces.get(each.code, [])) for each in areas],
        booths=[BoothPart(code=each.code, name=_names(each.name_zh, each.name_en)) for each in lot.booths],
        lanes=[_lane(each, alone=only is not None) for each in lot.lanes],
        devices=[_device(each) for each in lot.devices], displays=displays_part(lot.displays),
        collectors=[_collector(each) for each in lot.collectors],
        sensors=[_sensor(each) for each in lot.sensors],
        simulation=None if lot.simulation is None else SimulationPart.model_validate(lot.simulation),
    )  # fmt: skip


def ranges(codes: Iterable[str]) -> list[str]:
    """Return codes of spaces as ranges: ``expand`` makes the same codes of them."""
    found: list[tuple[str, str]] = []
    for code in sorted(codes, key=_parts):
        if found and _follows(found[-1][1], code):
            found[-1] = found[-1][0], code
        else:
            found.append((code, code))
    return [first if first == last else f"{first}-{last}" for first, last in found]


def _parts(code: str) -> tuple[str, int, int]:
    prefix = code.rstrip("0123456789")
    digits = code[len(prefix) :]
    return prefix, len(digits), int(digits or 0)


def _follows(before: str, code: str) -> bool:
    prefix, digits, number = _parts(before)
    return _parts(code) == (prefix, digits, number + 1)


def _unnamed(lot: Lot) -> Area:
    """Return the area that a lot has whose file names none."""
    return Area(MAIN_AREA, lot.name_zh, lot.name_en, lot.capacity)


def _names(zh: str, en: str) -> Names:
    return Names(zh=zh, en=en)


def _area(area: Area, spaces: Sequence[str]) -> AreaPart:
    return AreaPart(
        code=area.code, name=_names(area.name_zh, area.name_en), capacity=area.capacity, inside=area.inside,
        tariff=area.tariff_code, tariffs=_rules(area.tariffs), spaces=ranges(spaces),
    )  # fmt: skip


def _lane(lane: Lane, *, alone: bool) -> LanePart:
    ends = {} if alone else {"from_area": lane.from_area, "to_area": lane.to_area}
    return LanePart(
        code=lane.code, name=_names(lane.name_zh, lane.name_en), kind=lane.kind, booth=lane.booth, **ends
    )  # fmt: skip


def _device(device: Device) -> DevicePart:
    heartbeat = None if device.heartbeat is Heartbeat.COMET else device.heartbeat
    return DevicePart(
        code=device.code, kind=device.kind, lane=device.lane, addresses=list(device.networks), heartbeat=heartbeat,
        serial=device.serial, endpoint=device.endpoint, gate=device.gate,
        inputs=None if device.inputs == USUAL_INPUTS else [
            InputPart(input=each.number, use=each.use, area=each.area) for each in device.inputs
        ],
    )  # fmt: skip


def _collector(collector: Collector) -> CollectorPart:
    silent = None if collector.silent_after_s is None else collector.silent_after_s // 60
    return CollectorPart(
        code=collector.code, kind=collector.kind, addresses=list(collector.networks), serial=collector.serial,
        silent_after_minutes=silent,
    )  # fmt: skip


def _sensor(sensor: Sensor) -> SensorPart:
    return SensorPart(
        code=sensor.code, collector=sensor.collector, name=sensor.name, space=sensor.space, model=sensor.model
    )


def _rules(rules: Sequence[TariffRule]) -> list[TariffRulePart]:
    return [
        TariffRulePart(tariff=each.tariff, vehicles=_vehicles(each.vehicles), permits=list(each.permits))
        for each in rules
    ]


def _lane_rules(rules: Rules) -> RulesPart:
    said: dict[str, Any] = asdict(rules)
    return RulesPart(
        **said | {"never_held": list(rules.never_held), "anti_passback": PassbackPart(**said["anti_passback"])}
    )


def _vehicles(rule: VehicleRule) -> VehiclesPart | None:
    if rule == VehicleRule():
        return None
    return VehiclesPart(
        colours=list(rule.colours), new_energy=rule.new_energy, sizes=list(rule.sizes), seats_from=rule.seats_from,
        seats_upto=rule.seats_upto, disabled=rule.disabled, tags=list(rule.tags),
    )  # fmt: skip


def _pricing(pricing: Pricing, currency: str) -> PricingPart:
    said = pricing.reliefs
    together: Any = None if said.together is None else [list(pair) for pair in said.together]
    minimum = None if said.minimum_pay is None else Money(said.minimum_pay, currency).amount_text
    reliefs = ReliefsPart(at_most=said.at_most, together=together, order=list(said.order), minimum_pay=minimum)
    return PricingPart(nested_caps=pricing.nested_caps, reliefs=reliefs)
