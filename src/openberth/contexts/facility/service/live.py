"""Many lots at once, for the live page: a statement for each kind of thing, however many lots there are."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from openberth.contexts.facility.model.live import AreaNow, DevicesNow, LaneOnLot, Opening
from openberth.contexts.facility.store import live as store
from openberth.infra.database import Reader
from openberth.infra.database.batches import in_batches
from openberth.kernel.ids import Id


def areas_of(reader: Reader, *, lots: Iterable[Id]) -> Mapping[Id, Sequence[AreaNow]]:
    """Return the areas of lots with their counts, each lot's by code."""
    found: defaultdict[Id, list[AreaNow]] = defaultdict(list)
    for each in sorted(in_batches(reader, store.AREAS_OF_LOTS, lots), key=lambda each: each.count.code):
        found[each.lot].append(each)
    return found


def lanes_of(reader: Reader, *, lots: Sequence[Id], most: int) -> Sequence[LaneOnLot] | None:
    """Return the lanes of lots by code, None when there are more than ``most``."""
    if sum(in_batches(reader, store.LANES_COUNT, lots)) > most:
        return None
    return _ordered(in_batches(reader, store.LANES_OF_LOTS, lots))


def lanes_by_id(reader: Reader, *, lanes: Iterable[Id]) -> Sequence[LaneOnLot]:
    """Return those of the lanes that are there for the caller, by code."""
    return _ordered(in_batches(reader, store.LANES_BY_ID, lanes))


def devices_of(reader: Reader, *, lots: Sequence[Id]) -> Mapping[Id, DevicesNow]:
    """Return how many devices of each lot are heard."""
    heard = {(lot, online): count for lot, online, count in in_batches(reader, store.HEARD_OF_LOTS, lots)}
    found: dict[Id, DevicesNow] = {}
    for lot, count in in_batches(reader, store.DEVICES_OF_LOTS, lots):
        online, offline = heard.get((lot, True), 0), heard.get((lot, False), 0)
        found[lot] = DevicesNow(online, offline, count - online - offline)
    return found


def openings(reader: Reader, *, commands: Iterable[Id]) -> Mapping[Id, Opening]:
    """Return what became of commands."""
    return {each.id: each for each in in_batches(reader, store.OPENINGS, commands)}


def _ordered(lanes: list[LaneOnLot]) -> list[LaneOnLot]:
    return sorted(lanes, key=lambda lane: (lane.code, lane.id))
