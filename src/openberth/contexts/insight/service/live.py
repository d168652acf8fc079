"""The live page: lots as they are at this moment, with the position of the log at which all of it is true.

The position is read before everything else, so what is told of later events may be in the answer already, and nothing
up to it is missing. Each part is there for whoever may read it. Money is of rollups: ``money_position`` is how far
they have been fed, since they follow the log a moment later.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from openberth.contexts import facility, stays
from openberth.contexts.facility import AreaNow, DevicesNow, LotSummary
from openberth.contexts.insight.model.finance import Figures
from openberth.contexts.insight.model.movements import Measure
from openberth.contexts.insight.service import feeding
from openberth.contexts.insight.store.asking import sums_by
from openberth.contexts.stays import LiveLane, OpenCases
from openberth.infra import alarms
from openberth.infra.database import Reader
from openberth.infra.database import log as event_log
from openberth.infra.outbox import standing
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import as_datetime

LANES_MAX = 2_000  # in one answer; beyond, lots come without their lanes
LOTS_ASKED_MAX = LANES_ASKED_MAX = 100
_ROWS_MAX = 50_000
_OF_DAY = sums_by(("lot_id", "method"), ())

# What the parts of a lot are read with; a part that the caller may not read is left out.
LANES, CASES, MONEY, DEVICES, ALARMS = "passage.read", "case.read", "bill.read", "device.read", "alarm.read"


@dataclass(frozen=True, slots=True)
class DayMoney:
    """The money of a lot's day: what was asked for, and what came by each method, currencies apart."""

    day: date
    billed: Money
    received: Mapping[str, Money]
    foreign: Sequence[Money]


@dataclass(frozen=True, slots=True)
class LiveLot:
    """A lot as it is. None stands for a part that the caller may not read, or for lanes that are too many."""

    lot: LotSummary
    areas: Sequence[AreaNow]
    lanes: Sequence[LiveLane] | None
    cases: OpenCases | None
    money: DayMoney | None
    devices: DevicesNow | None
    alarms: int | None


@dataclass(frozen=True, slots=True)
class Live:
    """Lots at a position of the log."""

    position: int
    money_position: int
    lots: Sequence[LiveLot]


@dataclass(frozen=True, slots=True)
class LiveLanes:
    """Lanes at a position of the log."""

    position: int
    lanes: Sequence[LiveLane]


@dataclass(frozen=True, slots=True)
class _Received:
    billed: Counter[str] = field(default_factory=Counter)  # minor units by currency
    methods: Counter[tuple[str, str]] = field(default_factory=Counter)  # by currency and method


def live(reader: Reader, *, lots: Collection[str] | None = None, with_lanes: bool = True) -> Live:
    """Return lots of the caller's scope, all or those that are named (code or id); what is not there is left out."""
    position = event_log.head(reader)
    money_position = standing.standing_of(reader, name=feeding.CONSUMER).position
    found = [lot for lot in facility.lots(reader) if lots is None or lot.code in lots or str(lot.id) in lots]
    ids = [lot.id for lot in found]
    may = reader.caller.may
    areas = facility.areas_of(reader, lots=ids)
    lanes = _lanes(reader, ids) if with_lanes and may(LANES) else None
    cases = stays.open_cases(reader, lots=ids) if may(CASES) else None
    money = _money(reader, found) if may(MONEY) else None
    devices = facility.devices_of(reader, lots=ids) if may(DEVICES) else None
    wrong = Counter(one.lot for one in alarms.standing(reader)) if may(ALARMS) else None
    return Live(
        position, money_position,
        [
            LiveLot(
                lot, areas.get(lot.id, ()), None if lanes is None else lanes.get(lot.id, ()),
                None if cases is None else cases.get(lot.id, OpenCases(0, None)),
                None if money is None else money[lot.id],
                None if devices is None else devices.get(lot.id, DevicesNow()),
                None if wrong is None else wrong[lot.id],
            )
            for lot in found
        ],
    )  # fmt: skip


def live_lanes(reader: Reader, *, lanes: Sequence[Id]) -> LiveLanes:
    """Return those of the lanes that are there for the caller."""
    position = event_log.head(reader)
    return LiveLanes(position, stays.live_lanes(reader, lanes=facility.lanes_by_id(reader, lanes=lanes)))


def _lanes(reader: Reader, lots: Sequence[Id]) -> Mapping[Id, list[LiveLane]] | None:
    lanes = facility.lanes_of(reader, lots=lots, most=LANES_MAX)
    if lanes is None:
        return None
    by_lot: dict[Id, list[LiveLane]] = {}
    for each in stays.live_lanes(reader, lanes=lanes):
        by_lot.setdefault(each.lane.lot, []).append(each)
    return by_lot


def _money(reader: Reader, lots: Sequence[LotSummary]) -> Mapping[Id, DayMoney]:
    """Return the money of each lot's own day: a statement for each day that it is somewhere."""
    days = {lot.id: as_datetime(reader.now, ZoneInfo(lot.zone)).date() for lot in lots}
    found: dict[date, Mapping[Id, _Received]] = {day: _of_day(reader, day) for day in set(days.values())}
    return {lot.id: _day_money(lot, days[lot.id], found[days[lot.id]].get(lot.id, _Received())) for lot in lots}


def _of_day(reader: Reader, day: date) -> Mapping[Id, _Received]:
    period = day.year * 10_000 + day.month * 100 + day.day
    rows = reader.all(_OF_DAY, generation=feeding.serving(reader), first=period, last=period, limit=_ROWS_MAX)
    found: dict[Id, _Received] = {}
    for (lot, method), currency, sums in rows:
        assert isinstance(lot, Id), "rows are of lots"
        figures, of = Figures(sums), found.setdefault(lot, _Received())
        of.billed[currency] += figures.receivable
        if figures.count(Measure.RECEIVED):
            of.methods[currency, str(method)] += figures.minor(Measure.RECEIVED)
    return found


def _day_money(lot: LotSummary, day: date, of: _Received) -> DayMoney:
    ours = {
        method: Money(minor, currency)
        for (currency, method), minor in sorted(of.methods.items())
        if currency == lot.currency
    }
    foreign: Counter[str] = Counter()
    for (currency, _), minor in of.methods.items():
        if currency != lot.currency:
            foreign[currency] += minor
    return DayMoney(
        day, Money(of.billed[lot.currency], lot.currency), ours,
        [Money(minor, currency) for currency, minor in sorted(foreign.items())],
    )  # fmt: skip
