"""What a lot file says together: references, sums and duplicates, each flaw at the value that is wrong."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from ipaddress import ip_address
from typing import TypeAlias

from openberth.contexts.facility.document.shape import (
    AreaPart,
    BoothPart,
    CollectorPart,
    DevicePart,
    LanePart,
    ReliefsPart,
    SensorPart,
    SimulationPart,
    TariffRulePart,
)
from openberth.contexts.facility.model.endpoints import endpoint_host
from openberth.contexts.facility.model.layout import MAIN_AREA, SPACES_MAX, InputUse
from openberth.contexts.facility.model.operation import LaneKind
from openberth.contexts.facility.model.sensing import SensorModel
from openberth.contexts.facility.model.wires import COLLECTORS, DeviceKind
from openberth.infra.documents import Flaw, Path, flaw, listed
from openberth.kernel.money import MINOR_DIGITS

_ENDS = {LaneKind.ENTRY: ("to",), LaneKind.EXIT: ("from",), LaneKind.INNER: ("from", "to")}
_HOURS = 24

Coded: TypeAlias = AreaPart | BoothPart | LanePart | DevicePart | CollectorPart | SensorPart


class SpaceRangeError(ValueError):
    """A range of spaces is written the wrong way round or is larger than a lot may be."""


def expand(spaces: str) -> list[str]:
    """Return the codes of ``A001-A300`` or of the single ``A001``; raises ``SpaceRangeError``.

    Both ends have the same letters and the same number of digits.
    """
    first, _, last = spaces.partition("-")
    if not last:
        return [first]
    prefix = first.rstrip("0123456789")
    digits = len(first) - len(prefix)
    if last.rstrip("0123456789") != prefix or len(last) != len(first):
        raise SpaceRangeError(spaces)
    low, high = int(first[len(prefix) :]), int(last[len(prefix) :])
    if not 0 <= high - low < SPACES_MAX:
        raise SpaceRangeError(spaces)
    return [f"{prefix}{number:0{digits}d}" for number in range(low, high + 1)]


def duplicates(kind: str, things: Sequence[Coded]) -> Iterator[Flaw]:
    """Find codes that stand twice in one list."""
    first: dict[str, int] = {}
    for index, thing in enumerate(things):
        if thing.code in first:
            yield flaw((kind, index, "code"), "lot.code_twice", value=thing.code, first=f"{kind}[{first[thing.code]}]")
        first.setdefault(thing.code, index)


def check_areas(areas: Sequence[AreaPart], capacity: int) -> Iterator[Flaw]:
    """Check nesting, sums of capacities and spaces."""
    by_code = {area.code: area for area in areas}
    inside: Counter[str | None] = Counter()
    told: set[str | None] = set()
    for index, area in enumerate(areas):
        if area.inside is not None and area.inside not in by_code:
            yield flaw(("areas", index, "inside"), "lot.no_area", value=area.inside, known=listed(by_code))
            continue
        if area.inside is not None and area.code in _around(area, by_code):
            yield flaw(("areas", index, "inside"), "lot.area_cycle", area=area.code)
            continue
        inside[area.inside] += area.capacity
        room = capacity if area.inside is None else by_code[area.inside].capacity
        if inside[area.inside] > room and area.inside not in told:
            told.add(area.inside)
            code = "lot.areas_exceed_lot" if area.inside is None else "lot.areas_exceed_area"
            path = ("areas", index, "capacity")
            yield flaw(path, code, sum=inside[area.inside], capacity=room, around=area.inside)
    yield from _check_spaces(areas)


def check_tariffs(rules: Sequence[TariffRulePart], areas: Sequence[AreaPart]) -> Iterator[Flaw]:
    """Check that each rule about tariffs says whom it means."""
    yield from _check_rules(("tariffs",), rules)
    for index, area in enumerate(areas):
        yield from _check_rules(("areas", index, "tariffs"), area.tariffs)


def _check_rules(path: Path, rules: Sequence[TariffRulePart]) -> Iterator[Flaw]:
    for number, rule in enumerate(rules):
        vehicles = rule.vehicles
        if not rule.permits and (vehicles is None or not vehicles.model_fields_set):
            yield flaw((*path, number), "lot.rule_for_all")
        if vehicles is None or vehicles.seats_from is None or vehicles.seats_upto is None:
            continue
        if vehicles.seats_from > vehicles.seats_upto:
            yield flaw((*path, number, "vehicles", "seats_upto"), "lot.seats", least=vehicles.seats_from)


def check_reliefs(reliefs: ReliefsPart, currency: str) -> Iterator[Flaw]:
    """Check that an order names each kind once and that the currency can hold what is paid in any case."""
    if len(set(reliefs.order)) != len(reliefs.order):
        yield flaw(("pricing", "reliefs", "order"), "lot.relief_twice")
    digits = MINOR_DIGITS[currency]
    if reliefs.minimum_pay is not None and len(reliefs.minimum_pay.partition(".")[2]) > digits:
        path = ("pricing", "reliefs", "minimum_pay")
        yield flaw(path, "tariff.digits", currency=currency, digits=digits)


def _around(area: AreaPart, by_code: dict[str, AreaPart]) -> set[str]:
    seen: set[str] = set()
    current = area.inside
    while current is not None and current in by_code and current not in seen:
        seen.add(current)
        current = by_code[current].inside
    return seen


def _check_spaces(areas: Sequence[AreaPart]) -> Iterator[Flaw]:
    taken: dict[str, str] = {}
    for index, area in enumerate(areas):
        count = 0
        for number, spaces in enumerate(area.spaces):
            path = ("areas", index, "spaces", number)
            try:
                codes = expand(spaces)
            except SpaceRangeError:
                yield flaw(path, "lot.space_range", value=spaces, most=SPACES_MAX)
                continue
            count += len(codes)
            if len(taken) + len(codes) > SPACES_MAX:
                yield flaw(path, "lot.too_many_spaces", most=SPACES_MAX)
                return
            twice = next((code for code in codes if code in taken), None)
            if twice is not None:
                yield flaw(path, "lot.space_twice", value=twice, area=taken[twice])
            taken.update(dict.fromkeys(codes, area.code))
        if count > area.capacity:
            yield flaw(("areas", index, "spaces"), "lot.spaces_exceed_area", count=count, capacity=area.capacity)


def spaces_of(areas: Sequence[AreaPart]) -> Iterator[str]:
    """Yield the codes of all spaces; ranges that are wrong are told of elsewhere."""
    for spaces in (each for area in areas for each in area.spaces):
        with suppress(SpaceRangeError):
            yield from expand(spaces)


def check_lanes(lanes: Sequence[LanePart], areas: Sequence[AreaPart], booths: Sequence[BoothPart]) -> Iterator[Flaw]:
    """Check that each lane leads between areas that exist, as its kind demands."""
    known = [area.code for area in areas] or [MAIN_AREA]
    huts = [booth.code for booth in booths]
    for index, lane in enumerate(lanes):
        ends = {"from": lane.from_area, "to": lane.to_area}
        for key, area in ends.items():
            needed = key in _ENDS[lane.kind]
            if area is None and needed and len(known) > 1:
                yield flaw(("lanes", index), "lot.lane_needs", kind=lane.kind.value, key=key, known=listed(known))
            elif area is not None and not needed:
                yield flaw(("lanes", index, key), f"lot.lane_{lane.kind.value}_{key}")
            elif area is not None and area not in known:
                yield flaw(("lanes", index, key), "lot.no_area", value=area, known=listed(known))
        if lane.kind is LaneKind.INNER and (len(known) == 1 or (lane.to_area and lane.from_area == lane.to_area)):
            yield flaw(("lanes", index), "lot.lane_same_area")
        if lane.booth is not None and lane.booth not in huts:
            yield flaw(("lanes", index, "booth"), "lot.no_booth", value=lane.booth, known=listed(huts) or "-")


def check_devices(devices: Sequence[DevicePart], lanes: Sequence[LanePart]) -> Iterator[Flaw]:
    """Check that each lane has a camera and at most one barrier, and what each kind of device needs."""
    known = [lane.code for lane in lanes]
    barriers: dict[str, str] = {}
    serials: dict[tuple[DeviceKind, str], str] = {}
    for index, device in enumerate(devices):
        if device.lane not in known:
            yield flaw(("devices", index, "lane"), "lot.no_lane", value=device.lane, known=listed(known))
        if device.serial is not None:
            key = (device.kind, device.serial)
            if key in serials:
                yield flaw(("devices", index, "serial"), "lot.serial_twice", value=device.serial, other=serials[key])
            serials.setdefault(key, device.code)
        if device.kind.wire.collector:
            yield flaw(("devices", index, "kind"), "lot.device_is_collector", kind=device.kind.value)
        if device.kind.wire.named and device.serial is None:
            yield flaw(("devices", index), "lot.device_serial", kind=device.kind.value)
        if device.heartbeat is not None and not device.kind.wire.held:
            yield flaw(("devices", index, "heartbeat"), "lot.device_heartbeat", kind=device.kind.value)
        yield from _call_flaws(index, device)
        if device.kind is not DeviceKind.BARRIER_TCP:
            continue
        if device.lane in barriers:
            yield flaw(("devices", index, "lane"), "lot.second_barrier", lane=device.lane, other=barriers[device.lane])
        barriers.setdefault(device.lane, device.code)
    seen_by_camera = {device.lane for device in devices if device.kind.wire.camera}
    for index, lane in enumerate(lanes):
        if lane.code not in seen_by_camera:
            yield flaw(("lanes", index), "lot.lane_without_camera", lane=lane.code)


def _call_flaws(index: int, device: DevicePart) -> Iterator[Flaw]:
    """Check where and how a device is called: only inside of its own networks, and only one that can be."""
    ways = device.kind.wire.gates
    for key, said in (("endpoint", device.endpoint), ("gate", device.gate)):
        if said is not None and not ways:
            yield flaw(("devices", index, key), "lot.device_not_called", kind=device.kind.value, key=key)
    if device.endpoint is not None and ways:
        address = ip_address(endpoint_host(device.endpoint) or "::")
        if not any(address in network for network in device.addresses if network.version == address.version):
            yield flaw(("devices", index, "endpoint"), "lot.device_endpoint_outside", value=str(address))
    if device.gate is not None and ways and device.gate not in ways:
        yield flaw(("devices", index, "gate"), "lot.device_gate", value=device.gate, known=listed(ways))


def check_inputs(devices: Sequence[DevicePart], areas: Sequence[AreaPart]) -> Iterator[Flaw]:
    """Check that inputs are of cameras, named once, and that exactly the counting ones say whose cars they count."""
    known = [area.code for area in areas] or [MAIN_AREA]
    for index, device in enumerate(devices):
        if device.inputs and not device.kind.wire.camera:
            yield flaw(("devices", index, "inputs"), "lot.inputs_of_camera", kind=device.kind.value)
        seen: set[int] = set()
        for number, each in enumerate(device.inputs or ()):
            path: Path = ("devices", index, "inputs", number)
            if each.input in seen:
                yield flaw((*path, "input"), "lot.input_twice", value=each.input)
            seen.add(each.input)
            counts = each.use in (InputUse.COUNTS_IN, InputUse.COUNTS_OUT)
            if counts and each.area is None:
                yield flaw(path, "lot.input_area", known=listed(known))
            elif each.area is not None and not counts:
                yield flaw((*path, "area"), "lot.input_no_area")
            elif each.area is not None and each.area not in known:
                yield flaw((*path, "area"), "lot.no_area", value=each.area, known=listed(known))


def check_collectors(collectors: Sequence[CollectorPart]) -> Iterator[Flaw]:
    """Check that collectors are such, and have the name by which they are known."""
    serials: dict[tuple[DeviceKind, str], str] = {}
    for index, each in enumerate(collectors):
        if not each.kind.wire.collector:
            known = ", ".join(kind.value for kind in COLLECTORS)
            yield flaw(("collectors", index, "kind"), "lot.not_a_collector", kind=each.kind.value, known=known)
        if each.kind.wire.named and each.serial is None:
            yield flaw(("collectors", index), "lot.device_serial", kind=each.kind.value)
        if each.serial is not None:
            key = (each.kind, each.serial)
            if key in serials:
                yield flaw(("collectors", index, "serial"), "lot.serial_twice", value=each.serial, other=serials[key])
            serials.setdefault(key, each.code)


def check_sensors(
    sensors: Sequence[SensorPart], collectors: Sequence[CollectorPart], spaces: Iterable[str]
) -> Iterator[Flaw]:
    """Check that each sensor belongs to a collector and looks at a space that no other one looks at."""
    kinds = {each.code: each.kind for each in collectors}
    known, looked_at, names = set(spaces), dict[str, str](), dict[tuple[str, str], str]()
    for index, each in enumerate(sensors):
        path: Path = ("sensors", index)
        kind = kinds.get(each.collector)
        if kind is None:
            yield flaw((*path, "collector"), "lot.no_collector", value=each.collector, known=listed(kinds) or "-")
        if (kind is DeviceKind.CHIRPSTACK_HTTP) != (each.model is not None) and kind is not None:
            models = ", ".join(model.value for model in SensorModel)
            code = "lot.sensor_model" if each.model is None else "lot.sensor_no_model"
            yield flaw(path, code, known=models)
        if each.space not in known:
            yield flaw((*path, "space"), "lot.plan_no_space", value=each.space)
        elif each.space in looked_at:
            yield flaw((*path, "space"), "lot.space_has_sensor", value=each.space, other=looked_at[each.space])
        looked_at.setdefault(each.space, each.code)
        key = (each.collector, each.name)
        if key in names:
            yield flaw((*path, "id"), "lot.serial_twice", value=each.name, other=names[key])
        names.setdefault(key, each.code)


def check_simulation(simulation: SimulationPart) -> Iterable[Flaw]:
    """Check the sums the simulator relies on."""
    if len(simulation.arrivals_per_hour) != _HOURS:
        count = len(simulation.arrivals_per_hour)
        yield flaw(("simulation", "arrivals_per_hour"), "lot.hours", count=count)
    shares = sum((stay.share for stay in simulation.stays), Decimal(0))
    if shares != 1:
        yield flaw(("simulation", "stays"), "lot.shares_one", sum=str(shares))
    payment = simulation.payment
    paying = payment.prepay + payment.code + payment.cash
    if paying > 1:
        yield flaw(("simulation", "payment"), "lot.shares_most_one", sum=str(paying))
