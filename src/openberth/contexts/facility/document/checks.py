"""What a lot file says together: references, sums and duplicates, each flaw at the value that is wrong."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from openberth.contexts.facility.document.shape import (
    AreaPart,
    BoothPart,
    DevicePart,
    LanePart,
    ReliefsPart,
    SimulationPart,
    TariffRulePart,
)
from openberth.contexts.facility.model.layout import MAIN_AREA, SPACES_MAX
from openberth.contexts.facility.model.operation import DeviceKind, LaneKind
from openberth.infra.documents import Flaw, Path, flaw, listed
from openberth.kernel.money import MINOR_DIGITS

_ENDS = {LaneKind.ENTRY: ("to",), LaneKind.EXIT: ("from",), LaneKind.INNER: ("from", "to")}
_HOURS = 24


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


def duplicates(kind: str, things: Sequence[AreaPart | BoothPart | LanePart | DevicePart]) -> Iterator[Flaw]:
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
        if device.kind is not DeviceKind.BARRIER_TCP:
            continue
        if device.serial is None:
            yield flaw(("devices", index), "lot.barrier_serial")
        if device.heartbeat is not None:
            yield flaw(("devices", index, "heartbeat"), "lot.barrier_heartbeat")
        if device.lane in barriers:
            yield flaw(("devices", index, "lane"), "lot.second_barrier", lane=device.lane, other=barriers[device.lane])
        barriers.setdefault(device.lane, device.code)
    seen_by_camera = {device.lane for device in devices if device.kind is DeviceKind.VZENITH_HTTP}
    for index, lane in enumerate(lanes):
        if lane.code not in seen_by_camera:
            yield flaw(("lanes", index), "lot.lane_without_camera", lane=lane.code)


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
