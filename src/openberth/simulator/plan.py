"""What the simulator takes from lot, tariff and permit files: who comes when, through which lanes, under which tariff.

A reader of its own: OpenBerth checks the files properly, this one only needs them to be usable and says so when not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from openberth.simulator.clock import HOUR_US, SECOND_US
from openberth.simulator.tariff import Tariff

VZENITH_MQTT = "vzenith_mqtt"
GENERIC_MQTT = "generic_mqtt"
CAMERAS = frozenset({"vzenith_http", "huaxia_http", "hikvision", "dahua", "generic_http", VZENITH_MQTT, GENERIC_MQTT})
COLLECTORS = frozenset({"geomagnetic_tcp", "chirpstack_http", "space_camera_http"})
BARRIERS = frozenset({"barrier_tcp"})
TERMINALS = frozenset({"saifeimu_mqtt"})
_FREE_KINDS = frozenset({"resident", "internal", "free"})
_SHARE_SLACK = 1e-6


class PlanError(ValueError):
    """A file cannot be simulated; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that stands at a lane."""

    code: str
    kind: str
    lane: str
    serial: str
    heartbeat: str


@dataclass(frozen=True, slots=True)
class Collector:
    """A machine that speaks for sensors: its kind, what it calls itself, and its sensors as (space, name)."""

    code: str
    kind: str
    serial: str
    sensors: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """A passage: from outside (``origin`` empty) or an area, to an area or outside."""

    code: str
    kind: str
    origin: str
    target: str
    camera: Device | None
    barrier: Device | None
    terminal: Device | None = None


@dataclass(frozen=True, slots=True)
class StayShape:
    """One kind of visit: a log-normal length around its median."""

    share: float
    median_minutes: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Habits:
    """The simulation part of a lot file."""

    arrivals_per_hour: tuple[float, ...]
    stays: tuple[StayShape, ...]
    payment: Mapping[str, float]
    permit_share: float
    unlicensed_share: float
    inner_share: float


@dataclass(frozen=True, slots=True)
class Permit:
    """A plate with a right to park, and the business time in which it holds."""

    plate: str
    kind: str
    from_us: int | None
    until_us: int | None

    @property
    def is_free(self) -> bool:
        """Whether its car parks without paying (a blocked one does not park at all)."""
        return self.kind in _FREE_KINDS

    def holds(self, from_us: int, until_us: int) -> bool:
        """Tell whether it covers the whole period."""
        begun = self.from_us is None or self.from_us <= from_us
        return begun and (self.until_us is None or until_us <= self.until_us)


@dataclass(slots=True)
class LotPlan:
    """A lot as the simulator sees it. ``inner`` pairs each way into an inner area with the ways back out of it."""

    code: str
    zone: ZoneInfo
    currency: str
    skew_us: int
    lanes: tuple[Lane, ...]
    area_tariffs: Mapping[str, str]
    habits: Habits
    spaces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of each area
    collectors: tuple[Collector, ...] = ()
    permits: list[Permit] = field(default_factory=list)
    tariffs: dict[str, Tariff] = field(default_factory=dict)

    def lanes_of(self, kind: str) -> list[Lane]:
        """Return the lanes of a kind that have a camera; the others need people, not simulators."""
        return [lane for lane in self.lanes if lane.kind == kind and lane.camera is not None]

    def ways_in(self, area: str) -> list[tuple[Lane, Lane]]:
        """Return pairs of lanes that lead from an area into an inner one and back again."""
        inner = self.lanes_of("inner")
        return [
            (way, back)
            for way in inner
            if way.origin == area
            for back in inner
            if back.origin == way.target and back.target == area
        ]

    def tariff_of(self, area: str) -> Tariff:
        """Return the tariff that holds in an area."""
        return self.tariffs[self.area_tariffs[area]]

    def local_hour(self, instant_us: int) -> int:
        """Return the hour of day on the lot's wall clock."""
        return datetime.fromtimestamp(instant_us // SECOND_US, self.zone).hour

    def rate_per_hour(self, instant_us: int) -> tuple[float, int]:
        """Return the mean arrivals per hour at an instant and the instant up to which that mean holds."""
        hour = self.habits.arrivals_per_hour[self.local_hour(instant_us)]
        return hour, (instant_us // HOUR_US + 1) * HOUR_US


def read_plans(lots: Iterable[Path], tariffs: Iterable[Path], permits: Iterable[Path] = ()) -> list[LotPlan]:
    """Read all files together; raise ``PlanError`` or ``TariffUnknown`` for what cannot be simulated.

    Of the tariffs only those are read that a lot needs: others may say what the simulator does not know.
    """
    priced = {str(document.get("code")): document for document in map(_document, tariffs)}
    plans = {plan.code: plan for plan in map(read_lot, map(_document, lots))}
    if not plans:
        raise PlanError("no lot file was given")
    for plan in plans.values():
        for code in set(plan.area_tariffs.values()):
            if code not in priced:
                raise PlanError(f"lot {plan.code} needs the tariff {code}, whose file was not given")
            plan.tariffs[code] = Tariff.read(priced[code])
    for document in map(_document, permits):
        lot = plans.get(str(document.get("lot")))
        if lot is not None:
            lot.permits += [_permit(entry, lot.zone) for entry in document.get("list") or []]
    return list(plans.values())


def read_lot(document: Mapping[str, Any]) -> LotPlan:
    """Read one lot document."""
    code = str(document.get("code", "?"))
    if document.get("lot") != "openberth/1":
        raise PlanError(f"lot {code}: the version is not openberth/1")
    if "simulation" not in document:
        raise PlanError(f"lot {code}: there is no simulation part")
    areas = document.get("areas") or [{"code": "main"}]
    outer = next(area["code"] for area in areas if not area.get("inside"))
    devices = [_device(entry) for entry in document.get("devices") or []]
    rules = document.get("rules") or {}
    return LotPlan(
        code=code,
        zone=ZoneInfo(str(document["zone"])),
        currency=str(document.get("currency", "CNY")),
        skew_us=int(rules.get("device_skew_s", 120)) * SECOND_US,
        lanes=tuple(_lane(entry, outer, devices) for entry in document.get("lanes") or []),
        area_tariffs={area["code"]: str(area.get("tariff") or document["tariff"]) for area in areas},
        habits=_habits(code, document["simulation"]),
        spaces={area["code"]: tuple(_spaces(area.get("spaces") or [])) for area in areas},
        collectors=tuple(
            _collector(entry, document.get("sensors") or []) for entry in document.get("collectors") or []
        ),
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PlanError(f"{path}: {error}") from error
    if not isinstance(read, dict):
        raise PlanError(f"{path} is not a document")
    return read


def _device(entry: Mapping[str, Any]) -> Device:
    return Device(
        str(entry["code"]),
        str(entry["kind"]),
        str(entry["lane"]),
        str(entry.get("serial") or entry["code"]),
        str(entry.get("heartbeat", "comet")),
    )


def _collector(entry: Mapping[str, Any], sensors: Iterable[Mapping[str, Any]]) -> Collector:
    ours = tuple((str(each["space"]), str(each["id"])) for each in sensors if each["collector"] == entry["code"])
    return Collector(str(entry["code"]), str(entry["kind"]), str(entry.get("serial") or ""), ours)


def _spaces(ranges: Iterable[str]) -> Iterator[str]:
    """Yield the codes of ``A001-A300`` and of single spaces."""
    for each in ranges:
        first, _, last = str(each).partition("-")
        letters = first.rstrip("0123456789")
        digits = len(first) - len(letters)
        end = last or first
        for number in range(int(first[len(letters) :]), int(end[len(letters) :]) + 1):
            yield f"{letters}{number:0{digits}d}"


def _lane(entry: Mapping[str, Any], outer: str, devices: list[Device]) -> Lane:
    code, kind = str(entry["code"]), str(entry["kind"])
    here = [device for device in devices if device.lane == code]
    return Lane(
        code=code,
        kind=kind,
        origin=str(entry.get("from") or ("" if kind == "entry" else outer)),
        target=str(entry.get("to") or ("" if kind == "exit" else outer)),
        camera=next((device for device in here if device.kind in CAMERAS), None),
        barrier=next((device for device in here if device.kind in BARRIERS), None),
        terminal=next((device for device in here if device.kind in TERMINALS), None),
    )


def _habits(code: str, entry: Mapping[str, Any]) -> Habits:
    arrivals = tuple(float(mean) for mean in entry["arrivals_per_hour"])
    if len(arrivals) != 24 or min(arrivals) < 0:
        raise PlanError(f"lot {code}: arrivals_per_hour needs 24 means")
    stays = tuple(
        StayShape(float(stay["share"]), float(stay["median_minutes"]), float(stay["sigma"])) for stay in entry["stays"]
    )
    if abs(sum(stay.share for stay in stays) - 1) > _SHARE_SLACK:
        raise PlanError(f"lot {code}: the shares of stays do not add up to 1")
    payment = {name: float(share) for name, share in (entry.get("payment") or {"code": 1.0}).items()}
    if set(payment) - {"prepay", "code", "cash"} or not sum(payment.values()) > 0:
        raise PlanError(f"lot {code}: payment knows prepay, code and cash")
    shares = [float(entry.get(f"{name}_share", 0)) for name in ("permit", "unlicensed", "inner")]
    return Habits(arrivals, stays, payment, *shares)


def _permit(entry: Mapping[str, Any], zone: ZoneInfo) -> Permit:
    bounds = [_day_us(entry[name], zone) if entry.get(name) else None for name in ("from", "until")]
    return Permit(str(entry["plate"]), str(entry["kind"]), *bounds)


def _day_us(value: object, zone: ZoneInfo) -> int:
    """Return the beginning of a day on the lot's wall clock (YAML reads dates as dates, JSON as texts)."""
    day = datetime.fromisoformat(str(value))
    moment = day if day.tzinfo else day.replace(tzinfo=zone)
    return int(moment.timestamp()) * SECOND_US
