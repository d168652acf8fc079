"""What one tariff asks for its own minutes: plans compared, minimum, roundings, tax, and when it asks for more."""

from collections.abc import Sequence
from typing import NamedTuple

from openberth.contexts.tariffs.engine.clockwork import local
from openberth.contexts.tariffs.engine.ready import ReadyPlan, ReadyTariff
from openberth.contexts.tariffs.engine.walk import NO_GIFTS, Gate, Gifts, Run, Walk
from openberth.contexts.tariffs.model import DAY_MINUTES, Condition, NotComputable, RoundTotal, Tariff
from openberth.kernel.money import Rounding
from openberth.kernel.time import DAY_US, MINUTE_US

MAX_AHEAD_MINUTES = 400 * DAY_MINUTES  # nothing is said about changes beyond
_MAX_GATES = 500


class Steps(NamedTuple):
    """How an exact sum becomes what is asked: each figure in minor units."""

    rounded: int
    minimum: int  # added to reach the minimum
    rounding: int  # added (or taken off) to reach a multiple
    tax: int  # added

    @property
    def total(self) -> int:
        """Return what is asked."""
        return self.rounded + self.minimum + self.rounding + self.tax


class Frame(NamedTuple):
    """Where a tariff's minutes lie: ``base`` is where the first minute of the stay begins, then entry and exit."""

    base: int
    entry: int
    exit: int


class Priced(NamedTuple):
    """A plan that was walked, and what it asks."""

    plan: ReadyPlan
    walk: Walk
    steps: Steps


class PartPricing:
    """Prices one tariff of a stay. Raises ``NotComputable``."""

    __slots__ = ("_base", "_gifts", "_no_free", "ready", "tariff")

    def __init__(self, ready: ReadyTariff, base: int, gifts: Gifts = NO_GIFTS, *, no_free: bool = False) -> None:
        self.ready, self.tariff = ready, ready.tariff
        self._base, self._gifts, self._no_free = base, gifts, no_free

    def priced(self, runs: Sequence[Run], entry: int, until: int) -> Priced:
        """Price the own minutes by the plan that counts."""
        best: Priced | None = None
        for plan in self.ready.plans:
            if plan.condition_free or holds(plan, self.tariff, runs, entry, until):
                found = self._by(plan, runs)
                if best is None or found.steps.total < best.steps.total:
                    best = found
                if not self.ready.cheapest:
                    break
        if best is None:
            raise NotComputable("no_plan", tariff=self.tariff.code)
        return best

    def fresh(self, plan: ReadyPlan, runs: Sequence[Run], anchor: int) -> Walk:
        """Return a walk of a plan that has not begun, its spans counted from ``anchor``."""
        return Walk(plan, self._base, runs, gifts=self._scaled_gifts(plan), no_free=self._no_free, anchor=anchor)

    def depends_on_leaving(self) -> bool:
        """Tell whether which plans may be used changes while the car stays."""
        return any(plan.depends_on_leaving for plan in self.ready.plans)

    def first_above(self, known: Priced, runs: Sequence[Run], entry: int, until: int, minor: int, limit: int) -> int:
        """Return the first own position at which more than ``minor`` is asked if the last run goes on; -1: none.

        ``known`` is the price at the present, used up by this. Only for plans that do not depend on leaving.
        """
        latest = 0
        for plan in self.ready.plans:
            if not plan.condition_free and not holds(plan, self.tariff, runs, entry, until):
                continue
            walked = known if plan is known.plan else self._by(plan, runs)
            found = self._plan_above(walked, runs, minor, limit)
            if found < 0:
                if self.ready.cheapest:
                    return -1  # this plan never asks for more, so the cheapest does not
                return found
            latest = max(latest, found)
            if not self.ready.cheapest:
                break
        return latest

    def _plan_above(self, walked: Priced, runs: Sequence[Run], minor: int, limit: int) -> int:
        start, now = runs[-1]
        for _ in range(_MAX_GATES):
            if walked.steps.total > minor:
                return now
            target = needed(walked.plan, self.tariff, minor)
            try:
                found = walked.walk.seek(target, limit)
            except NotComputable:  # the calendar ends: what comes after it is not known to cost the same
                return walked.walk.position + 1
            if not isinstance(found, Gate):
                return -1 if found is None else found
            now = found.minute
            walked = self._by(walked.plan, [*runs[:-1], (start, now)])
        return now

    def _by(self, plan: ReadyPlan, runs: Sequence[Run]) -> Priced:
        walk = Walk(plan, self._base, runs, gifts=self._scaled_gifts(plan), no_free=self._no_free).go()
        return Priced(plan, walk, steps_of(plan, self.tariff, walk.scaled))

    def _scaled_gifts(self, plan: ReadyPlan) -> Gifts:
        gifts = self._gifts
        return gifts if not gifts.credit else gifts._replace(credit=gifts.credit * plan.denominator)


def steps_of(plan: ReadyPlan, tariff: Tariff, scaled: int) -> Steps:
    """Return how an exact sum becomes what is asked."""
    denominator = plan.denominator
    rounded = (2 * scaled + denominator) // (2 * denominator) if denominator != 1 else scaled
    minimum = max(0, plan.minimum - rounded) if scaled > 0 else 0
    if tariff.round_total is None and tariff.tax is None:
        return Steps(rounded, minimum, 0, 0)
    base = rounded + minimum
    multiple = base if tariff.round_total is None else _multiple(base, tariff.round_total)
    return Steps(rounded, minimum, multiple - base, _added_tax(tariff, multiple))


def needed(plan: ReadyPlan, tariff: Tariff, minor: int) -> int:
    """Return the smallest exact sum for which more than ``minor`` is asked."""
    amount = minor + 1
    if tariff.round_total is not None or _added_tax(tariff, 100_00):
        low, high = -1, 2 * minor + 2 * (tariff.round_total.to.minor if tariff.round_total else 0) + 2
        while high - low > 1:  # what is asked grows with the sum
            middle = (low + high) // 2
            if _asked(tariff, middle) > minor:
                high = middle
            else:
                low = middle
        amount = high
    if amount <= plan.minimum:
        return 1
    return -(-plan.denominator * (2 * amount - 1) // 2)


def _asked(tariff: Tariff, amount: int) -> int:
    if tariff.round_total is not None:
        amount = _multiple(amount, tariff.round_total)
    return amount + _added_tax(tariff, amount)


def _multiple(amount: int, rule: RoundTotal) -> int:
    to = rule.to.minor
    whole, rest = divmod(amount, to)
    if rule.rule is Rounding.UP:
        more = rest > 0
    elif rule.rule is Rounding.DOWN:
        more = False
    elif rule.rule is Rounding.HALF_UP:
        more = 2 * rest >= to
    else:
        more = 2 * rest > to or (2 * rest == to and whole % 2 == 1)
    return (whole + more) * to


def _added_tax(tariff: Tariff, amount: int) -> int:
    if tariff.tax is None or tariff.tax.included:
        return 0
    return (2 * amount * tariff.tax.basis_points + 10_000) // 20_000


def holds(plan: ReadyPlan, tariff: Tariff, runs: Sequence[Run], entry: int, until: int) -> bool:
    """Tell whether a plan may be used for these minutes between entry and exit."""
    when, clock = plan.plan.condition, plan.clock
    minutes = sum(end - start for start, end in runs)
    if minutes < when.min_stay_minutes or (when.max_stay_minutes is not None and minutes > when.max_stay_minutes):
        return False
    if when.enter is not None and not _within(when.enter, plan, entry):
        return False
    if when.leave is not None and not _within(when.leave, plan, until):
        return False
    if when.days and not clock.is_day(clock.day_at(entry), when.days):
        return False
    return not when.same_day or clock.day_at(entry) == clock.day_at(until)


def _within(hours: tuple[int, int], plan: ReadyPlan, instant: int) -> bool:
    wall = local(plan.clock.zone, instant)
    minute = wall.hour * 60 + wall.minute
    start, end = hours
    return start <= minute < end if start < end else minute >= start or minute < end


def condition_edges(plan: ReadyPlan, instant: int, minutes: int, at_minutes: "Sequence[int] | None" = None) -> list[int]:
    """Return instants after ``instant``, at which ``minutes`` had passed, where the condition may change."""
    del at_minutes
    when, clock = plan.plan.condition, plan.clock
    edges = []
    for bound in (when.min_stay_minutes, None if when.max_stay_minutes is None else when.max_stay_minutes + 1):
        if bound is not None and bound > minutes:
            edges.append(instant + (bound - minutes) * MINUTE_US)
    if when.leave is not None or when.same_day:
        today = local(clock.zone, instant).toordinal()
        for ordinal in (today, today + 1):
            edges.append(clock.starts(ordinal))
            edges += [clock.at(ordinal, minute) for minute in (when.leave or ())]
    return [edge for edge in edges if instant < edge <= instant + 2 * DAY_US]


def is_free_of(condition: Condition) -> bool:
    """Tell whether a condition always holds."""
    return condition == Condition()
