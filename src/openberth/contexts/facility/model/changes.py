"""What applying a lot file changes: compared by code, so that applying it twice changes nothing. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

from openberth.contexts.facility.model.layout import Area, Booth, Collector, Device, Lane, Lot, Sensor, Space
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id

Thing: TypeAlias = Area | Space | Booth | Lane | Device | Collector | Sensor


class ThingKind(StrEnum):
    """What has a code inside a lot, in the order in which things may refer to one another."""

    AREA = "area"
    SPACE = "space"
    BOOTH = "booth"
    LANE = "lane"
    DEVICE = "device"
    COLLECTOR = "collector"
    SENSOR = "sensor"


class Action(StrEnum):
    """What happens to a thing."""

    ADDED = "added"  # or back again after it was retired
    CHANGED = "changed"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Change:
    """A thing with what happens to it; ``fields`` names what differs when it is changed.

    ``thing`` is the new value; for a retired one the last.
    """

    action: Action
    kind: ThingKind
    thing: Thing
    fields: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """Return the code of the thing."""
        return self.thing.code


@dataclass(frozen=True, slots=True)
class Changes:
    """All that applying does. ``things`` can be written in their order: what is referred to comes first."""

    created: bool
    lot_fields: tuple[str, ...]
    things: tuple[Change, ...]

    def __bool__(self) -> bool:
        return self.created or bool(self.lot_fields) or bool(self.things)

    def of(self, kind: ThingKind, action: Action | None = None) -> tuple[Change, ...]:
        """Return the changes of one kind of thing."""
        return tuple(each for each in self.things if each.kind is kind and action in (None, each.action))

    def counts(self) -> dict[str, int]:
        """Return how many things of each kind were added, changed and retired, e.g. ``{"space.added": 300}``."""
        result: dict[str, int] = {}
        for change in self.things:
            name = f"{change.kind}.{change.action}"
            result[name] = result.get(name, 0) + 1
        return result


def diff(existing: Lot | None, wanted: Lot) -> Changes:
    """Compare the active things of a lot with a file.

    Raises ``Refused("lot.fixed")`` when the file would turn the lot into another one: its code, its company and its
    currency stay for ever.
    """
    if existing is None:
        return Changes(True, (), tuple(_things({}, wanted)))
    for name in ("code", "company_code", "currency"):
        before, after = getattr(existing, name), getattr(wanted, name)
        if before != after:
            raise Refused("lot.fixed", field=name, before=before, after=after)
    parts = {"areas", "spaces", "booths", "lanes", "devices", "collectors", "sensors"}
    differing = tuple(name for name in _differing(existing, wanted) if name not in parts)
    return Changes(False, differing, tuple(_things(things_by_kind(existing), wanted)))


def _things(before: dict[ThingKind, dict[str, Thing]], wanted: Lot) -> Iterable[Change]:
    after = things_by_kind(wanted)
    for kind in ThingKind:
        old = before.get(kind, {})
        for code, thing in after[kind].items():
            if code not in old:
                yield Change(Action.ADDED, kind, thing)
            elif old[code] != thing:
                yield Change(Action.CHANGED, kind, thing, tuple(_differing(old[code], thing)))
    for kind in reversed(ThingKind):
        for code, thing in before.get(kind, {}).items():
            if code not in after[kind]:
                yield Change(Action.RETIRED, kind, thing)


def things_by_kind(lot: Lot) -> dict[ThingKind, dict[str, Thing]]:
    """Return the things of a lot by kind and code."""
    return {
        ThingKind.AREA: {each.code: each for each in lot.areas},
        ThingKind.SPACE: {each.code: each for each in lot.spaces},
        ThingKind.BOOTH: {each.code: each for each in lot.booths},
        ThingKind.LANE: {each.code: each for each in lot.lanes},
        ThingKind.DEVICE: {each.code: each for each in lot.devices},
        ThingKind.COLLECTOR: {each.code: each for each in lot.collectors},
        ThingKind.SENSOR: {each.code: each for each in lot.sensors},
    }


def _differing(before: Any, after: Any) -> Iterable[str]:
    return (each.name for each in fields(before) if getattr(before, each.name) != getattr(after, each.name))


@dataclass(frozen=True, slots=True)
class LotApplied:
    """A lot file was applied and changed something. ``changes`` counts by kind and action, e.g. ``space.added``."""

    KIND: ClassVar[str] = "facility.lot_applied"
    VERSION: ClassVar[int] = 1

    lot: Id
    code: str
    created: bool
    fields: tuple[str, ...]
    changes: dict[str, int]


@dataclass(frozen=True, slots=True)
class DeviceCredentialsIssued:
    """A device has a new secret; the one before is void. ``fingerprint`` tells secrets apart without revealing them."""

    KIND: ClassVar[str] = "facility.device_credentials_issued"
    VERSION: ClassVar[int] = 1

    device: Id
    code: str
    kind: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class DeviceLoginChanged:
    """The user name and password by which we call a device were changed, or erased (``known`` is False)."""

    KIND: ClassVar[str] = "facility.device_login_changed"
    VERSION: ClassVar[int] = 1

    device: Id
    code: str
    kind: str
    known: bool


@dataclass(frozen=True, slots=True)
class DeviceCame:
    """A device was heard after silence, or for the first time."""

    KIND: ClassVar[str] = "facility.device_came"
    VERSION: ClassVar[int] = 1

    device: Id
    code: str
    lane: Id


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """A device has been silent for longer than its heartbeat allows."""

    KIND: ClassVar[str] = "facility.device_lost"
    VERSION: ClassVar[int] = 1

    device: Id
    code: str
    lane: Id
    last_seen_at: int
