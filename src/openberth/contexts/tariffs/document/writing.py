"""A tariff as the document that reads back to an equal one, with everything written out.

Classes are written with complete plans: what they took over from the tariff, or had multiplied, stands in them.
"""

from openberth.contexts.tariffs.document.file import TariffDocument
from openberth.contexts.tariffs.document.keys import FORMAT
from openberth.contexts.tariffs.document.parts import (
    BandPart,
    CapPart,
    ChargePart,
    ClassPart,
    CyclePart,
    FreePart,
    MatchPart,
    PlanPart,
    PlateColour,
    RoundPart,
    SeasonPart,
    TaxPart,
    TierPart,
    UnitRounding,
    WhenPart,
)
from openberth.contexts.tariffs.document.reading import ALWAYS
from openberth.contexts.tariffs.document.values import clock_text, hours_text, rate_text
from openberth.contexts.tariffs.model import (
    Band,
    Cap,
    CapKind,
    Condition,
    Cycle,
    CycleKind,
    Plan,
    Season,
    Tariff,
    Tier,
    VehicleClass,
    VehicleMatch,
)
from openberth.contexts.tariffs.words import percent_text
from openberth.infra.documents import Names


def document_of(tariff: Tariff) -> TariffDocument:
    """Return the document of a tariff."""
    only = tariff.plans[0] if len(tariff.plans) == 1 else None
    simple = only is not None and only == Plan(  # a plan that says nothing of itself is the body of the tariff
        only.bands, only.free, only.caps, only.minimum, only.cycle, only.bands_by, only.seasons
    )
    tax, rounding = tariff.tax, tariff.round_total
    return TariffDocument(
        tariff=FORMAT,
        code=tariff.code,
        company=tariff.company_code,
        name=Names(zh=tariff.name_zh, en=tariff.name_en),
        currency=tariff.currency,
        zone=tariff.zone,
        day_starts=clock_text(tariff.day_starts),
        calendar=tariff.calendar,
        beyond_calendar=tariff.beyond_calendar,
        seconds=tariff.seconds,
        price_change=tariff.price_change,
        reentry_minutes=tariff.reentry_minutes,
        grace_after_payment_minutes=tariff.grace_after_payment_minutes,
        tax=None if tax is None else TaxPart(percent=percent_text(tax.millionths), included=tax.included),
        round_total=None if rounding is None else RoundPart(to=rounding.to.amount_text, rule=rounding.rule),
        choose=tariff.choose,
        plans=None if simple else [_plan(plan) for plan in tariff.plans],
        classes=[_class(part) for part in tariff.classes],
        **(_body(tariff.plans[0]) if simple else {}),
    )


def _class(part: VehicleClass) -> ClassPart:
    return ClassPart(
        code=part.code,
        name=_names(part.name_zh, part.name_en),
        match=_match(part.match),
        choose=part.choose,
        plans=[_plan(plan) for plan in part.plans],
    )


def _match(match: VehicleMatch) -> MatchPart:
    return MatchPart(
        colours=[PlateColour(colour) for colour in match.colours],
        new_energy=match.new_energy,
        sizes=list(match.sizes),
        seats_from=match.seats_from,
        seats_upto=match.seats_upto,
        disabled=match.disabled,
        spaces_from=match.spaces_from,
        tags=list(match.tags),
    )


def _plan(plan: Plan) -> PlanPart:
    when = None if plan.condition == Condition() else _when(plan.condition)
    return PlanPart(code=plan.code, name=_names(plan.name_zh, plan.name_en), when=when, **_body(plan))


def _when(condition: Condition) -> WhenPart:
    return WhenPart(
        enter=None if condition.enter is None else hours_text(*condition.enter),
        leave=None if condition.leave is None else hours_text(*condition.leave),
        days=list(condition.days),
        same_day=condition.same_day,
        min_stay_minutes=condition.min_stay_minutes,
        max_stay_minutes=condition.max_stay_minutes,
    )


def _body(plan: Plan) -> dict[str, object]:
    free, cycle = plan.free, plan.cycle
    charge = _always(plan)
    return {
        "free": FreePart(
            minutes=free.minutes, mode=free.mode, per=free.per, counts=free.counts,
            once_within_hours=free.once_within_hours, once_a_day=free.once_a_day,
        ),
        "charge": charge,
        "bands": None if charge is not None else [_band(band) for band in plan.bands],
        "caps": [_cap(cap) for cap in plan.caps],
        "minimum": None if plan.minimum is None else plan.minimum.amount_text,
        "cycle": None if cycle is None else _cycle(cycle),
        "bands_by": plan.bands_by,
        "seasons": [_season(season) for season in plan.seasons],
    }  # fmt: skip


def _always(plan: Plan) -> ChargePart | None:
    """Return the charge of a plan whose only band always holds and says nothing else."""
    first = plan.bands[0]
    if plan.bands == (Band(ALWAYS, first.tiers, repeat_minutes=first.repeat_minutes),):
        return _charge(first)
    return None


def _cap(cap: Cap) -> CapPart:
    amounts = [amount.amount_text for amount in (cap.amount, *cap.later)]
    return CapPart(
        kind=cap.kind,
        amount=amounts[0] if not cap.later else None,
        amounts=amounts if cap.later else None,
        hours=cap.hours if cap.kind is CapKind.ROLLING else None,
        bands=list(cap.bands),
        times=cap.times,
        across_visits=cap.across_visits,
        ends_with_day=cap.ends_with_day,
    )


def _cycle(cycle: Cycle) -> CyclePart:
    hours = cycle.hours if cycle.kind is CycleKind.ROLLING else None
    return CyclePart(kind=cycle.kind, hours=hours, free_again=cycle.free_again)


def _season(season: Season) -> SeasonPart:
    return SeasonPart(code=season.code, first=_month_day(season.first), last=_month_day(season.last))


def _month_day(day: tuple[int, int]) -> str:
    return f"{day[0]:02d}-{day[1]:02d}"


def _band(band: Band) -> BandPart:
    return BandPart(
        code=band.code,
        name=_names(band.name_zh, band.name_en),
        days=list(band.days),
        hours=hours_text(band.start, band.end),
        seasons=list(band.seasons),
        counting=band.counting,
        charge=_charge(band),
    )


def _charge(band: Band) -> ChargePart:
    if not band.tiers:
        return ChargePart(free=True)
    parts = [_tier(tier) for tier in band.tiers]
    if len(parts) == 1 and parts[0].up_to_minutes is None:
        only = parts[0]
        return ChargePart(
            flat=only.flat, unit_minutes=only.unit_minutes, price=only.price, rounding=only.rounding,
            forgive_minutes=only.forgive_minutes,
        )  # fmt: skip
    return ChargePart(tiers=parts, repeat_minutes=band.repeat_minutes)


def _tier(tier: Tier) -> TierPart:
    price = rate_text(tier.price)
    rounding = (
        UnitRounding.UP
        if tier.due_after == 0
        else UnitRounding.DOWN
        if tier.due_after == tier.unit_minutes - 1
        else UnitRounding.FORGIVE
    )
    return TierPart(
        up_to_minutes=tier.up_to,
        unit_minutes=None if tier.flat else tier.unit_minutes,
        price=None if tier.flat else price,
        flat=price if tier.flat else None,
        rounding=rounding,
        forgive_minutes=tier.due_after if rounding is UnitRounding.FORGIVE else None,
    )


def _names(zh: str, en: str) -> Names | None:
    return Names(zh=zh, en=en) if zh and en else None
