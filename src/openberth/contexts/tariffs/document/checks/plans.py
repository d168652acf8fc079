"""Checks of plans: one body or several plans, each of which some stay can use, and every stay finds one."""

from collections.abc import Iterator, Sequence

from openberth.contexts.tariffs.document.checks.bands import day_flaws
from openberth.contexts.tariffs.document.checks.bodies import twice
from openberth.contexts.tariffs.document.keys import TariffKeys
from openberth.contexts.tariffs.document.layers import says
from openberth.contexts.tariffs.document.parts import Body, PlanPart, WhenPart
from openberth.contexts.tariffs.document.values import hours_of
from openberth.contexts.tariffs.model import Choose
from openberth.infra.documents import Flaw, Path, flaw


def shape(document: TariffKeys) -> Iterator[Flaw]:
    """Check that it is clear what is priced: charge or bands, a body or plans."""
    if document.plans is None:
        yield from _priced(document, ())
    else:
        for name in says(document):
            yield flaw((name,), "tariff.body_and_plans", key=name)
        yield from _plans_priced(document.plans, ())
    for index, part in enumerate(document.classes):
        path: Path = ("classes", index)
        if part.plans is not None:
            for name in (*says(part), *(["factor"] if part.factor is not None else [])):
                yield flaw((*path, name), "tariff.body_and_plans", key=name)
            yield from _plans_priced(part.plans, path)
        elif part.charge is not None and part.bands is not None:
            yield flaw((*path, "bands"), "tariff.two_ways", first="charge", second="bands")


def _plans_priced(plans: Sequence[PlanPart], path: Path) -> Iterator[Flaw]:
    for index, plan in enumerate(plans):
        yield from _priced(plan, (*path, "plans", index))


def _priced(body: Body, path: Path) -> Iterator[Flaw]:
    if body.charge is None and body.bands is None:
        yield flaw(path, "tariff.nothing_priced")
    elif body.charge is not None and body.bands is not None:
        yield flaw((*path, "bands"), "tariff.two_ways", first="charge", second="bands")


def plan_flaws(plans: Sequence[PlanPart] | None, choose: Choose, path: Path) -> Iterator[Flaw]:
    """Check the conditions of plans."""
    if plans is None:
        return
    yield from twice(((*path, index, "code"), plan.code) for index, plan in enumerate(plans))
    for index, plan in enumerate(plans):
        if plan.when is not None:
            yield from _when_flaws(plan.when, (*path, index, "when"))
    last = len(plans) - 1
    if plans[last].when is not None:
        yield flaw((*path, last, "when"), "tariff.plan_last")
    if choose is Choose.FIRST:
        for index, plan in enumerate(plans):
            earlier = next((other for other in plans[:index] if _includes(other.when, plan.when)), None)
            if earlier is not None:
                yield flaw((*path, index), "tariff.plan_never", value=plan.code, earlier=earlier.code)


def _when_flaws(when: WhenPart, path: Path) -> Iterator[Flaw]:
    if when == WhenPart():
        yield flaw(path, "tariff.when_empty")
    for key in ("enter", "leave"):
        hours = getattr(when, key)
        if hours is not None and hours_of(hours) == (0, 0):
            yield flaw((*path, key), "tariff.when_all_day", key=key)
    yield from day_flaws(when.days, (*path, "days"))
    if when.max_stay_minutes is not None and when.max_stay_minutes < when.min_stay_minutes:
        yield flaw(
            (*path, "max_stay_minutes"), "tariff.when_never",
            most=when.max_stay_minutes, least=when.min_stay_minutes,
        )  # fmt: skip


def _includes(wide: WhenPart | None, narrow: WhenPart | None) -> bool:
    """Tell whether every stay for which ``narrow`` holds also fulfils ``wide``, as far as the keys say so."""
    if wide is None:
        return True
    if narrow is None:
        return wide == WhenPart()
    return (
        wide.enter in (None, narrow.enter)
        and wide.leave in (None, narrow.leave)
        and (not wide.days or (bool(narrow.days) and set(narrow.days) <= set(wide.days)))
        and (not wide.same_day or narrow.same_day)
        and wide.min_stay_minutes <= narrow.min_stay_minutes
        and (
            wide.max_stay_minutes is None
            or (narrow.max_stay_minutes is not None and narrow.max_stay_minutes <= wide.max_stay_minutes)
        )
    )
