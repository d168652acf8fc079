"""A tariff made ready for arithmetic: whole numbers over one denominator, tiers as tuples, caps by band.

Made once for a tariff, a vehicle class and a calendar, and kept: everything a price needs apart from the stay.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from openberth.contexts.tariffs.engine.clockwork import Clockwork
from openberth.contexts.tariffs.model import (
    ACROSS_VISITS,
    DAY_MINUTES,
    Band,
    BandsBy,
    Calendar,
    Cap,
    CapKind,
    Choose,
    Condition,
    Counting,
    CycleKind,
    FreeMode,
    FreePer,
    NotComputable,
    Plan,
    Tariff,
    Tier,
    Vehicle,
)
from openberth.contexts.tariffs.words import price_text
from openberth.kernel.errors import Param

ENDLESS = 1 << 60  # minutes
_KEPT = 512
_MOST_BITS = 1_024  # of the common denominator of all prices of a plan, relief included


class ReadyTier(NamedTuple):
    """A tier with its price as a whole number over the plan's denominator, and what a line says of it."""

    up_to: int
    unit: int
    price: int
    due_after: int
    code: str
    params: Mapping[str, Param]


class ReadyCap(NamedTuple):
    """A cap; ``minutes`` is the length of a rolling span, ``bands`` None concerns all; and what a line says of it.

    ``visits`` names the spans of a cap that holds across visits; those of a ``daily`` one end with the tariff day.
    """

    kind: CapKind
    amounts: tuple[int, ...]
    minutes: int
    bands: frozenset[int] | None
    times: int
    visits: str | None
    daily: bool
    code: str
    params: Mapping[str, Param]


class ReadyBand(NamedTuple):
    """A band; ``caps`` are the numbers of the caps that limit it.

    ``counter`` is the key of the counter its minutes use: below 0 one of its window, 0 that of all bands, above 0 its
    own.
    """

    tiers: tuple[ReadyTier, ...]
    counter: int
    repeat: int
    caps: tuple[int, ...]
    same: tuple[int, ReadyTier, int] | None  # what ``unit_at`` always returns where there is one tier for ever

    def unit_at(self, counted: int) -> tuple[int, ReadyTier, int]:
        """Return the tier of the unit that begins after so many counted minutes, by number, and the tier's rest."""
        if self.same is not None:
            return self.same
        place = counted % self.repeat if counted >= self.repeat else counted
        for index, tier in enumerate(self.tiers):
            if place < tier.up_to:
                return index, tier, min(tier.up_to, self.repeat) - place
        raise NotComputable("tiers")


class ReadyPlan:
    """One plan. Amounts are whole numbers: minor units times ``denominator``."""

    __slots__ = (
        "across_visits", "bands", "by_entry", "caps", "clock", "cycle_day", "cycle_minutes", "day_spans",
        "denominator", "depends_on_leaving", "free_minutes", "free_per_cycle", "is_conditional", "is_threshold",
        "minimum", "needs_days", "plan", "simple_free", "spans", "tariff",
    )  # fmt: skip

    def __init__(self, plan: Plan, tariff: Tariff, zone: str, calendar: Calendar | None, times: int) -> None:
        _check(plan, tariff)
        self.plan, self.tariff = plan, tariff
        self.clock = Clockwork(plan, tariff, zone, calendar)
        prices = [tier.price.minor for band in plan.bands for tier in band.tiers]
        self.denominator = lcm(*(price.denominator for price in prices), 1) * times
        if self.denominator.bit_length() > _MOST_BITS:
            raise NotComputable("fractions", tariff=tariff.code)
        self.caps = tuple(
            ReadyCap(
                cap.kind,
                tuple(money.minor * self.denominator for money in (cap.amount, *cap.later)),
                {CapKind.ROLLING_24H: DAY_MINUTES, CapKind.ROLLING: cap.hours * 60}.get(cap.kind, 0),
                _numbers(plan, cap.bands, tariff) if cap.bands else None,
                ENDLESS if cap.times is None else cap.times,
                cap.span_name if cap.across_visits else None,
                cap.ends_with_day,
                f"tariff.line.cap_{cap.kind.value}{'_visits' if cap.across_visits else ''}",
                _cap_words(cap),
            )
            for cap in plan.caps
        )
        own = [cap for cap in self.caps if cap.minutes and cap.visits is None]
        self.spans = tuple({cap.minutes for cap in own if not cap.daily})
        self.day_spans = tuple({cap.minutes for cap in own if cap.daily})
        self.across_visits = any(cap.visits is not None for cap in self.caps)
        self.bands = tuple(self._band(number, band) for number, band in enumerate(plan.bands))
        self.by_entry = plan.bands_by is BandsBy.ENTRY
        self.minimum = 0 if plan.minimum is None else plan.minimum.minor
        cycle = plan.cycle
        self.cycle_minutes = cycle.hours * 60 if cycle and cycle.kind is CycleKind.ROLLING else 0
        self.cycle_day = cycle is not None and cycle.kind is CycleKind.DAY
        self.free_per_cycle = cycle is not None and cycle.free_again
        self.free_minutes = plan.free.minutes
        self.is_threshold = plan.free.mode is FreeMode.THRESHOLD
        self.simple_free = plan.free.per is FreePer.STAY and not self.free_per_cycle
        self.needs_days = (
            self.cycle_day
            or plan.free.per is FreePer.DAY
            or bool(self.day_spans)
            or any(cap.kind in (CapKind.DAY, CapKind.WEEK, CapKind.MONTH) for cap in plan.caps)
        )
        when = plan.condition
        self.is_conditional = when != Condition()
        self.depends_on_leaving = bool(
            when.leave or when.same_day or when.min_stay_minutes or when.max_stay_minutes is not None
        )

    def _band(self, number: int, band: Band) -> ReadyBand:
        tiers = tuple(
            ReadyTier(
                ENDLESS if tier.up_to is None else tier.up_to,
                ENDLESS if tier.flat and tier.up_to is None else tier.unit_minutes,
                _whole(tier.price.minor * self.denominator),
                tier.due_after,
                *_tier_words(band, tier, has_name=len(self.plan.bands) > 1 or bool(band.name_zh)),
            )
            for tier in band.tiers
        )
        caps = tuple(index for index, cap in enumerate(self.caps) if cap.bands is None or number in cap.bands)
        counter = {Counting.WINDOW: -1 - number, Counting.BAND: 1 + number}.get(band.counting, 0)
        repeat = band.repeat_minutes or ENDLESS
        is_same = len(tiers) == 1 and repeat == tiers[0].up_to == ENDLESS
        return ReadyBand(tiers, counter, repeat, caps, (0, tiers[0], ENDLESS) if is_same else None)


class ReadyTariff(NamedTuple):
    """A tariff for one vehicle. ``tariff`` and ``calendar`` are held so that their identity stays theirs."""

    tariff: Tariff
    calendar: Calendar | None
    plans: tuple[ReadyPlan, ...]
    cheapest: bool
    depends_on_leaving: bool


_ready: dict[tuple[int, int, str, int, int], ReadyTariff] = {}


def ready(tariff: Tariff, vehicle: Vehicle, zone: str, calendar: Calendar | None, times: int = 1) -> ReadyTariff:
    """Return the tariff ready for a vehicle. ``times`` widens the denominators so that tariffs can share caps.

    Raises ``NotComputable`` for a tariff that the definition does not cover.
    """
    number = class_of(tariff, vehicle) if tariff.classes else -1
    key = (id(tariff), number, zone, id(calendar), times)
    found = _ready.get(key)
    if found is None:
        if len(_ready) >= _KEPT:
            _ready.clear()
        chosen = tariff if number < 0 else tariff.classes[number]
        name = tariff.zone or zone
        plans = tuple(ReadyPlan(plan, tariff, name, calendar, times) for plan in chosen.plans)
        if not plans:
            raise NotComputable("plans", tariff=tariff.code)
        found = _ready[key] = ReadyTariff(
            tariff, calendar, plans, chosen.choose is Choose.CHEAPEST, any(plan.depends_on_leaving for plan in plans)
        )
    return found


def class_of(tariff: Tariff, vehicle: Vehicle) -> int:
    """Return the number of the first class that means the vehicle, -1 for none."""
    for number, each in enumerate(tariff.classes):
        if each.match.means(vehicle):
            return number
    return -1


def _check(plan: Plan, tariff: Tariff) -> None:
    """Refuse what a document cannot say but a value can, before it becomes a price."""
    monies = [money for cap in plan.caps for money in (cap.amount, *cap.later)]
    monies += [plan.minimum] if plan.minimum is not None else []
    tiers = [tier for band in plan.bands for tier in band.tiers]
    if any(money.currency != tariff.currency for money in monies) or any(
        tier.price.currency != tariff.currency for tier in tiers
    ):
        raise NotComputable("currency", tariff=tariff.code)
    if not plan.bands or plan.free.minutes < 0 or any(money.minor < 0 for money in monies):
        raise NotComputable("tariff", tariff=tariff.code)
    if any(cap.kind is CapKind.ROLLING and cap.hours < 1 for cap in plan.caps) or (plan.cycle and plan.cycle.hours < 1):
        raise NotComputable("hours", tariff=tariff.code)
    for cap in plan.caps:
        one_amount = not cap.later and cap.times is None
        rolling = cap.kind in (CapKind.ROLLING, CapKind.ROLLING_24H)
        if (
            (cap.times is not None and cap.times < 1)
            or (cap.across_visits and (cap.kind not in ACROSS_VISITS or not one_amount))
            or (cap.ends_with_day and (not rolling or not one_amount or cap.across_visits))
        ):
            raise NotComputable("cap", tariff=tariff.code)
    for tier in tiers:
        if tier.unit_minutes < 1 or tier.price.minor < 0 or tier.due_after < 0:
            raise NotComputable("tier", tariff=tariff.code)
    for band in plan.bands:
        ends = [ENDLESS if tier.up_to is None else tier.up_to for tier in band.tiers]
        last = band.repeat_minutes or ENDLESS
        if ends and (ends != sorted(set(ends)) or ends[0] < 1 or ends[-1] < last or last < 1):
            raise NotComputable("tiers", tariff=tariff.code)


def _numbers(plan: Plan, codes: tuple[str, ...], tariff: Tariff) -> frozenset[int]:
    numbers = {band.code: number for number, band in enumerate(plan.bands)}
    if unknown := [code for code in codes if code not in numbers]:
        raise NotComputable("cap_band", tariff=tariff.code, band=unknown[0])
    return frozenset(number for number, band in enumerate(plan.bands) if band.code in codes)


def _tier_words(band: Band, tier: Tier, *, has_name: bool) -> tuple[str, Mapping[str, Param]]:
    params: dict[str, Param] = {"price": price_text(tier.price)}
    if not tier.flat:
        params["unit_minutes"] = tier.unit_minutes
    if has_name:
        params |= {"band_zh": band.name_zh or band.code, "band_en": band.name_en or band.code}
    return f"tariff.line.{'flat' if tier.flat else 'units'}{'_in_band' if has_name else ''}", params


def _cap_words(cap: Cap) -> Mapping[str, Param]:
    params: dict[str, Param] = {"cap": " / ".join(money.amount_text for money in (cap.amount, *cap.later))}
    return params | {"hours": cap.hours} if cap.kind is CapKind.ROLLING else params


def _whole(exact: Fraction) -> int:
    assert exact.denominator == 1
    return exact.numerator
