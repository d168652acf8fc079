"""A sound tariff document as the value that the engine prices by."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from openberth.contexts.tariffs.document.keys import TariffKeys
from openberth.contexts.tariffs.document.layers import CHARGED, PlanLayers, Stated, class_plans, plans_of
from openberth.contexts.tariffs.document.parts import (
    BandPart,
    CapPart,
    ChargePart,
    ClassPart,
    CyclePart,
    FreePart,
    MatchPart,
    PlanHead,
    RungPart,
    SeasonPart,
    TierPart,
    UnitRounding,
    WhenPart,
)
from openberth.contexts.tariffs.document.values import clock_of, hours_of, month_day_of, rate_of
from openberth.contexts.tariffs.model import (
    ENDLESS_MINUTES,
    Band,
    BandsBy,
    Cap,
    CapKind,
    Choose,
    Condition,
    Cycle,
    Free,
    Plan,
    RoundTotal,
    Season,
    Tariff,
    Tax,
    Tier,
    VehicleClass,
    VehicleMatch,
)
from openberth.infra.documents import Names
from openberth.kernel.money import Money, Rate

STANDARD = "standard"  # the code of the plan of a tariff that has only one
ALWAYS = "all"  # the code of the band of a tariff that says ``charge`` instead of bands


def tariff_of(document: TariffKeys) -> Tariff:
    """Return the tariff a document describes; the document has no flaws."""
    currency = document.currency
    base = plans_of(document, document.plans)
    tax, rounding = document.tax, document.round_total
    zh, en = _names(document.name)
    return Tariff(
        code=document.code,
        company_code=document.company,
        name_zh=zh,
        name_en=en,
        currency=currency,
        plans=tuple(plan_of(plan, currency) for plan in base),
        choose=document.choose,
        classes=tuple(_class(part, index, base, document) for index, part in enumerate(document.classes)),
        zone=document.zone,
        day_starts=clock_of(document.day_starts),
        calendar=document.calendar,
        beyond_calendar=document.beyond_calendar,
        seconds=document.seconds,
        grace_after_payment_minutes=document.grace_after_payment_minutes,
        price_change=document.price_change,
        reentry_minutes=document.reentry_minutes,
        tax=None if tax is None else Tax(int(Fraction(tax.percent) * 10_000), tax.included),
        round_total=None if rounding is None else RoundTotal(Money.of(rounding.to, currency), rounding.rule),
    )


def _class(part: ClassPart, index: int, base: Sequence[PlanLayers], document: TariffKeys) -> VehicleClass:
    plans = class_plans(part, index, base)
    zh, en = _names(part.name)
    # A class that changes the tariff's plans also chooses among them as the tariff does.
    inherited = document.choose if part.plans is None else Choose.CHEAPEST
    return VehicleClass(
        code=part.code,
        match=_match(part.match),
        plans=tuple(plan_of(plan, document.currency) for plan in plans),
        choose=part.choose or inherited,
        name_zh=zh,
        name_en=en,
    )


def plan_of(plan: PlanLayers, currency: str) -> Plan:
    """Return the plan that layers describe."""
    head = plan.head or PlanHead(code=STANDARD)
    zh, en = _names(head.name)
    free, minimum, cycle = plan.find("free"), plan.find("minimum"), plan.find("cycle")
    bands_by, seasons = plan.find("bands_by"), plan.find("seasons")
    charged = _charged(plan.find(*CHARGED))
    return Plan(
        bands=tuple(_band(part, charged.factor, currency) for part in charged.bands),
        free=Free() if free is None else _free(free.value),
        caps=(*_caps(plan.find("caps"), currency), *_band_caps(charged, currency)),
        minimum=None if minimum is None else amount_of(minimum.value, minimum.factor, currency),
        cycle=None if cycle is None else _cycle(cycle.value),
        bands_by=BandsBy.MINUTE if bands_by is None else bands_by.value,
        seasons=() if seasons is None else tuple(_season(part) for part in seasons.value),
        condition=_condition(head.when),
        code=head.code,
        name_zh=zh,
        name_en=en,
    )


@dataclass(frozen=True, slots=True)
class _Charged:
    bands: Sequence[BandPart]
    factor: Fraction


def _charged(stated: Stated | None) -> _Charged:
    if stated is None:
        raise ValueError("a plan without charge and bands has a flaw")
    if isinstance(stated.value, ChargePart):
        return _Charged([BandPart(code=ALWAYS, charge=stated.value)], stated.factor)
    return _Charged(stated.value, stated.factor)


def amount_of(text: str, factor: Fraction, currency: str) -> Money:
    """Return an amount of a document times a factor; what is no whole minor unit then is a ``ValueError``."""
    minor = Fraction(Money.of(text, currency).minor) * factor
    if minor.denominator != 1:
        raise ValueError(f"{text} times {factor} has more digits than {currency} has")
    return Money(minor.numerator, currency)


def _free(part: FreePart) -> Free:
    return Free(part.minutes, part.mode, part.per, part.counts, part.once_within_hours, part.once_a_day)


def _cycle(part: CyclePart) -> Cycle:
    return Cycle(part.kind, part.hours or Cycle(part.kind).hours, part.free_again)


def _season(part: SeasonPart) -> Season:
    return Season(part.code, month_day_of(part.first), month_day_of(part.last))


def _caps(stated: Stated | None, currency: str) -> list[Cap]:
    if stated is None:
        return []
    return [_cap(part, stated.factor, currency) for part in stated.value]


def _cap(part: CapPart, factor: Fraction, currency: str) -> Cap:
    texts = part.amounts or [part.amount or "0"]
    first, *later = (amount_of(text, factor, currency) for text in texts)
    hours = part.hours or 24
    return Cap(
        part.kind, first, tuple(later), hours, tuple(part.bands), part.times, part.across_visits, part.ends_with_day
    )


def _band_caps(charged: _Charged, currency: str) -> list[Cap]:
    return [
        Cap(CapKind.WINDOW, amount_of(part.cap, charged.factor, currency), bands=(part.code,))
        for part in charged.bands
        if part.cap is not None
    ]


def _band(part: BandPart, factor: Fraction, currency: str) -> Band:
    start, end = (0, 0) if part.hours is None else hours_of(part.hours)
    zh, en = _names(part.name)
    return Band(
        code=part.code,
        tiers=tiers_of(part.charge, factor, currency),
        start=start,
        end=end,
        days=tuple(part.days),
        seasons=tuple(part.seasons),
        counting=part.counting,
        repeat_minutes=None if part.charge.free else part.charge.repeat_minutes,
        name_zh=zh,
        name_en=en,
    )


def tiers_of(charge: ChargePart, factor: Fraction, currency: str) -> tuple[Tier, ...]:
    """Return the tiers of a charge, its prices times a factor; none when it is free."""
    if charge.free:
        return ()
    if charge.ladder is not None:
        parts = _rungs(charge.ladder)
    elif charge.tiers is not None:
        parts = charge.tiers
    else:
        parts = [TierPart(flat=charge.flat, price=charge.price)]
    tiers: list[Tier] = []
    for part in parts:
        begin = tiers[-1].up_to or 0 if tiers else 0
        tiers.append(_tier(part, charge, begin, factor, currency))
    return tuple(tiers)


def _rungs(ladder: Sequence[RungPart]) -> list[TierPart]:
    """Return the tiers that a ladder of totals means: each rung adds what it is above the one before."""
    parts, before = [], Fraction(0)
    for rung in ladder:
        if rung.total is None:
            parts.append(TierPart(unit_minutes=rung.unit_minutes, price=rung.price))
            continue
        step = Fraction(rung.total) - before
        parts.append(TierPart(up_to_minutes=rung.up_to_minutes, flat=f"{step.numerator}/{step.denominator}"))
        before = Fraction(rung.total)
    return parts


def _tier(part: TierPart, charge: ChargePart, begin: int, factor: Fraction, currency: str) -> Tier:
    up_to = part.up_to_minutes or charge.repeat_minutes
    if part.flat is not None:
        unit = ENDLESS_MINUTES if up_to is None else up_to - begin
        price = rate_of(part.flat, currency)
    else:
        unit = part.unit_minutes or charge.unit_minutes or 1
        price = rate_of(part.price or charge.price or "0", currency)
        if part.percent is not None:
            price = price.percent(Fraction(part.percent))
    return Tier(up_to, unit, Rate(price.minor * factor, currency), due_after(part, charge, unit), part.flat is not None)


def due_after(part: TierPart, charge: ChargePart, unit: int) -> int:
    """Return after how many of its minutes a unit of the tier is due."""
    rounding, forgiven = part.rounding, part.forgive_minutes
    if rounding is None:
        rounding, forgiven = charge.rounding, charge.forgive_minutes
    if rounding is UnitRounding.DOWN:
        return unit - 1
    return forgiven or 0 if rounding is UnitRounding.FORGIVE else 0


def _condition(part: WhenPart | None) -> Condition:
    if part is None:
        return Condition()
    return Condition(
        enter=None if part.enter is None else hours_of(part.enter),
        leave=None if part.leave is None else hours_of(part.leave),
        days=tuple(part.days),
        same_day=part.same_day,
        min_stay_minutes=part.min_stay_minutes,
        max_stay_minutes=part.max_stay_minutes,
    )


def _match(part: MatchPart) -> VehicleMatch:
    return VehicleMatch(
        colours=tuple(colour.value for colour in part.colours),
        new_energy=part.new_energy,
        sizes=tuple(part.sizes),
        seats_from=part.seats_from,
        seats_upto=part.seats_upto,
        disabled=part.disabled,
        spaces_from=part.spaces_from,
        tags=tuple(part.tags),
    )


def _names(names: Names | None) -> tuple[str, str]:
    return ("", "") if names is None else (names.zh, names.en)
