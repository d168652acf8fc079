"""Make a stay on which two reckonings disagree as small as it can be, so that a person can look at it."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from openberth.contexts.tariffs.model import (
    Band,
    BandsBy,
    Choose,
    Condition,
    Free,
    NestedCaps,
    Plan,
    ReliefRules,
    SecondsPolicy,
    Segment,
    Tariff,
    Terms,
    Tier,
    Vehicle,
)
from openberth.kernel.money import Money, Rate
from openberth.kernel.time import MINUTE_US, later
from tests.property.tariffs.journeys import Journey

PLAIN_PRICE = Rate.of("1", "CNY")


def smallest(journey: Journey, fails: Callable[[Journey], bool], steps: int = 400) -> Journey:
    """Return a journey that still fails and of which no single simplification does, unless the steps run out."""
    going = True
    while going:
        going = False
        for one in simpler(journey):
            steps -= 1
            if steps < 0:
                return journey
            if fails(one):
                journey, going = one, True
                break
    return journey


def simpler(one: Journey) -> Iterator[Journey]:
    """Yield journeys that are simpler in one respect, the boldest first."""
    lasted = one.now - one.entered
    for part in (lasted // 2, lasted - 60 * MINUTE_US, lasted - MINUTE_US, lasted // MINUTE_US * MINUTE_US):
        if 0 <= part < lasted:
            yield replace(one, now=later(one.entered, part))
    for at in range(len(one.segments) - 1):
        yield replace(one, segments=_merged(one.segments, at))
    for tariff in one.tariffs:
        for other in simpler_tariffs(tariff):
            yield replace(
                one, segments=tuple(replace(s, tariff=other) if s.tariff == tariff else s for s in one.segments)
            )
    for terms in simpler_terms(one.terms):
        yield replace(one, terms=terms)


def simpler_terms(terms: Terms) -> Iterator[Terms]:
    yield from _with_defaults(terms, vehicle=Vehicle(), free_used_at=None, cap_uses=())
    for policy in _with_defaults(terms.policy, nested_caps=NestedCaps.SEPARATE, reliefs=ReliefRules()):
        yield replace(terms, policy=policy)
    for at, relief in enumerate(terms.reliefs):
        rest = terms.reliefs[:at], terms.reliefs[at + 1 :]
        yield replace(terms, reliefs=(*rest[0], *rest[1]))
        for plainer in _with_defaults(relief, group="", from_total=None, most=None):
            yield replace(terms, reliefs=(*rest[0], plainer, *rest[1]))
        for tariff in () if relief.tariff is None else simpler_tariffs(relief.tariff):
            yield replace(terms, reliefs=(*rest[0], replace(relief, tariff=tariff), *rest[1]))


def _merged(segments: tuple[Segment, ...], at: int) -> tuple[Segment, ...]:
    """Two neighbours as one, like the first of them."""
    left, right = segments[at : at + 2]
    return (*segments[:at], replace(left, period=replace(left.period, end=right.period.end)), *segments[at + 2 :])


def simpler_tariffs(tariff: Tariff) -> Iterator[Tariff]:
    yield from _with_defaults(
        tariff, classes=(), zone=None, day_starts=0, tax=None, round_total=None, choose=Choose.CHEAPEST,
        seconds=SecondsPolicy.TRUNCATE,
    )  # fmt: skip
    if tariff.classes:
        yield replace(tariff, classes=(), plans=tariff.classes[0].plans)
    if len(tariff.plans) > 1:
        for at in range(len(tariff.plans)):
            yield replace(tariff, plans=(*tariff.plans[:at], *tariff.plans[at + 1 :]))
    for at, plan in enumerate(tariff.plans):
        for other in simpler_plans(plan):
            yield replace(tariff, plans=(*tariff.plans[:at], other, *tariff.plans[at + 1 :]))


def simpler_plans(plan: Plan) -> Iterator[Plan]:
    yield from _with_defaults(
        plan, free=Free(), caps=(), minimum=None, cycle=None, bands_by=BandsBy.MINUTE, condition=Condition(),
    )  # fmt: skip
    for name in ("free", "condition"):
        yield from (replace(plan, **{name: other}) for other in _fieldwise(getattr(plan, name)))
    for at, cap in enumerate(plan.caps):
        rest = plan.caps[:at], plan.caps[at + 1 :]
        yield replace(plan, caps=(*rest[0], *rest[1]))
        for other in _with_defaults(cap, later=(), bands=(), hours=24, amount=Money(1000, "CNY"), times=None):
            yield replace(plan, caps=(*rest[0], other, *rest[1]))
    for band in plan.bands:
        whole = replace(band, start=0, end=0, days=("all",), seasons=())
        if plan.bands != (whole,) and all(not cap.bands for cap in plan.caps):
            yield replace(plan, bands=(whole,), seasons=())
    for at, band in enumerate(plan.bands):
        for simple in simpler_bands(band):
            yield replace(plan, bands=(*plan.bands[:at], simple, *plan.bands[at + 1 :]))


def simpler_bands(band: Band) -> Iterator[Band]:
    if band.tiers:
        yield replace(band, tiers=(), repeat_minutes=None)
    for count in range(len(band.tiers) - 1):
        *most, last = band.tiers[: count + 1]
        yield replace(band, tiers=(*most, replace(last, up_to=None, flat=False)), repeat_minutes=None)
    if len(band.tiers) > 1 or band.repeat_minutes is not None:
        yield replace(band, tiers=(Tier(None, 60, PLAIN_PRICE),), repeat_minutes=None)
    for at, tier in enumerate(band.tiers):
        for other in _with_defaults(tier, due_after=0, price=PLAIN_PRICE):
            yield replace(band, tiers=(*band.tiers[:at], other, *band.tiers[at + 1 :]))


def _with_defaults(value: Any, **plain: Any) -> Iterator[Any]:
    for name, default in plain.items():
        if getattr(value, name) != default:
            yield replace(value, **{name: default})


def _fieldwise(value: Any) -> Iterator[Any]:
    """A value with one of its fields as it is by default."""
    yield from _with_defaults(value, **{field.name: field.default for field in fields(value)})
