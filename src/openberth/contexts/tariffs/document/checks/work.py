"""Checks that a tariff can be priced in bounded time: how much work a day of a stay is, and which fractions it holds.

A price may be ``PRICE_STEPS`` of work; a tariff that needs more for a long stay would leave its car without a price at
the exit, so it is refused when it is written.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import lcm

from openberth.contexts.tariffs.document.layers import CHARGED, PlanLayers
from openberth.contexts.tariffs.document.parts import BandPart, CapPart, ChargePart
from openberth.contexts.tariffs.document.reading import tiers_of
from openberth.contexts.tariffs.document.values import hours_of
from openberth.contexts.tariffs.model import DAY_MINUTES, CapKind
from openberth.infra.documents import Flaw, flaw

STEPS_A_DAY = 500  # of all plans that a stay is priced by: two months and more are within what a price may be
DENOMINATOR_BITS = 512
_DAY_HOURS = 24


def fraction_flaws(plan: PlanLayers, currency: str) -> Iterator[Flaw]:
    """Find prices that have no small common denominator: sums of them would be numbers of thousands of digits."""
    charged = plan.find(*CHARGED)
    if charged is None:
        return
    tiers = [tier for band in _bands(charged.value) for tier in tiers_of(band.charge, charged.factor, currency)]
    common = 1
    for tier in tiers:
        common = lcm(common, tier.price.minor.denominator)
        if common.bit_length() > DENOMINATOR_BITS:
            yield flaw(charged.path, "tariff.fractions")
            return


def work_flaws(plans: Sequence[PlanLayers]) -> Iterator[Flaw]:
    """Find plans, all of which a stay is priced by, that together are too much work."""
    steps = sum(_steps(plan) for plan in plans)
    if steps > STEPS_A_DAY:
        yield flaw(plans[0].path, "tariff.work", steps=steps, most=STEPS_A_DAY)


def _bands(charged: ChargePart | list[BandPart]) -> list[BandPart]:
    return [BandPart(code="all", charge=charged)] if isinstance(charged, ChargePart) else charged


def _steps(plan: PlanLayers) -> int:
    """Return about how many stretches and tiers a day of a stay passes, each weighed by what it costs."""
    charged, caps, cycle = plan.find(*CHARGED), plan.find("caps"), plan.find("cycle")
    if charged is None:
        return 0
    bands = _bands(charged.value)
    limits: Sequence[CapPart] = () if caps is None else caps.value
    spans = {limit.hours or _DAY_HOURS for limit in limits if limit.kind in (CapKind.ROLLING, CapKind.ROLLING_24H)}
    if cycle is not None:
        spans.add(cycle.value.hours or _DAY_HOURS)
    edges = sum(-(-_DAY_HOURS // hours) for hours in spans)
    turned = len(limits) + sum(band.cap is not None for band in bands)
    seasons = plan.find("seasons")
    codes = ["", *(season.code for season in (() if seasons is None else seasons.value))]
    words = {word for band in bands for word in band.days}
    days = ([band for band in bands if word in band.days and _is_in(band, code)] for word in words for code in codes)
    return max(((len(day) + edges) * (3 + turned // 4) + sum(map(_tiers, day)) for day in days), default=0)


def _is_in(band: BandPart, season: str) -> bool:
    return not band.seasons or season in band.seasons


def _tiers(band: BandPart) -> int:
    """Return how many tiers a day in the band passes."""
    start, end = (0, 0) if band.hours is None else hours_of(band.hours)
    minutes = (end - start) % DAY_MINUTES or DAY_MINUTES
    charge = band.charge
    tiers = len(charge.tiers or charge.ladder or ()) or 1
    times = Fraction(minutes, charge.repeat_minutes) if charge.repeat_minutes else 1
    return int(min(Fraction(minutes), tiers * max(times, Fraction(1))))
