"""Caps that hold across the visits of a vehicle: what earlier ones used up, and what the next one is told.

(ADR 0006, "Across visits".)
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from openberth.contexts.tariffs.engine.amounts import half_up
from openberth.contexts.tariffs.engine.buckets import Bucket
from openberth.contexts.tariffs.engine.ready import ReadyCap, ReadyPlan
from openberth.contexts.tariffs.engine.timeline import Timeline
from openberth.contexts.tariffs.model import CapKind, CapUse
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US, Instant

WEEK_DAYS = 7
YEAR_MONTHS = 12

_GOING_ON = -2  # the rolling span that an earlier visit began


class Spent(NamedTuple):
    """What one stay used up in a span; ``scaled`` is a whole number over the plan's denominator."""

    begins: Instant
    ends: Instant
    scaled: int


class VisitsBucket(Bucket):
    """A cap across visits in one stay: in each span it has left what the visits before have not used up."""

    __slots__ = ("_base", "_begins", "_ends", "_given", "_going_on", "_plan", "_spent", "_start", "_uses")

    def __init__(self, cap: ReadyCap, plan: ReadyPlan, uses: Sequence[CapUse], base: int, anchor: int) -> None:
        super().__init__(cap)
        self._plan, self._base = plan, base
        self._uses = [use for use in uses if use.tariff == plan.tariff.code and use.cap == cap.visits]
        self._spent: list[Spent] = []
        self._begins = self._ends = Instant(0)
        self._given = 0
        self._start = anchor  # of the first rolling span that this stay begins
        entered = base + anchor * MINUTE_US
        going_on = [use for use in self._uses if use.begins <= entered < use.ends] if cap.minutes else []
        self._going_on = max(going_on, key=lambda use: use.begins, default=None)
        if self._going_on is not None:
            self._start = -((base - self._going_on.ends) // MINUTE_US)

    @property
    def grid(self) -> tuple[int, int] | None:
        """Return where the rolling spans of this stay begin and how long they are; None: spans are days."""
        return (self._start, self.cap.minutes) if self.cap.minutes else None

    def turn(self, position: int, time: Timeline) -> None:
        """Begin a new span if the position lies in one, with what is left of it."""
        span = self._span_at(position, time)
        if span == self._span:
            return
        self._settle()
        self._span = span
        self._begins, self._ends = self._bounds(span)
        used = sum([use.used.minor for use in self._uses if (use.begins, use.ends) == (self._begins, self._ends)])
        self._given = self.left = max(0, self.cap.amounts[0] - used * self._plan.denominator)

    def spent(self) -> list[Spent]:
        """Return what this stay used up, span by span."""
        going_on = [] if self._span == -1 else [self._spent_now()]
        return [*self._spent, *going_on]

    def _settle(self) -> None:
        if self._span != -1:
            self._spent.append(self._spent_now())

    def _spent_now(self) -> Spent:
        return Spent(self._begins, self._ends, self._given - self.left)

    def _span_at(self, position: int, time: Timeline) -> int:
        if minutes := self.cap.minutes:
            if position < self._start:
                self.until = self._start
                return _GOING_ON
            span = (position - self._start) // minutes
            self.until = self._start + (span + 1) * minutes
            return span
        return super()._span_at(position, time)

    def _bounds(self, span: int) -> tuple[Instant, Instant]:
        kind, clock = self.cap.kind, self._plan.clock
        if span == _GOING_ON and self._going_on is not None:
            return self._going_on.begins, self._going_on.ends
        if minutes := self.cap.minutes:
            begins = self._base + (self._start + span * minutes) * MINUTE_US
            return Instant(begins), Instant(begins + minutes * MINUTE_US)
        first, following = span, span + 1
        if kind is CapKind.WEEK:
            first, following = span * WEEK_DAYS + 1, (span + 1) * WEEK_DAYS + 1
        elif kind is CapKind.MONTH:
            first, following = _first_of(span), _first_of(span + 1)
        return Instant(clock.starts(first)), Instant(clock.starts(following))


def _first_of(month: int) -> int:
    """Return the ordinal of the first day of a month, numbered as ``Bucket`` does."""
    year, number = divmod(month - 1, YEAR_MONTHS)
    return date(year, number + 1, 1).toordinal()


def buckets_of(plan: ReadyPlan, uses: Sequence[CapUse], base: int, anchor: int) -> list[Bucket]:
    """Return the caps of a plan, empty as they are when a stay begins."""
    if not plan.across_visits:
        return [Bucket(cap) for cap in plan.caps]
    return [
        Bucket(cap) if cap.visits is None else VisitsBucket(cap, plan, uses, base, anchor) for cap in plan.caps
    ]  # fmt: skip


def grids_of(plan: ReadyPlan, buckets: Iterable[Bucket]) -> tuple[tuple[int, int], ...]:
    """Return where and how often spans across visits begin that no day begins."""
    if not plan.across_visits:
        return ()
    return tuple({bucket.grid for bucket in buckets if isinstance(bucket, VisitsBucket) and bucket.grid is not None})


def uses_after(
    walked: Iterable[tuple[ReadyPlan, Sequence[Bucket]]], before: Sequence[CapUse], until: Instant, currency: str
) -> tuple[CapUse, ...]:
    """Return what the next visit is told: of each cap the span that goes on at ``until``, with all that was used of it.

    What one tariff of the stay used is rounded half up to minor units.
    """
    found = {(use.tariff, use.cap, use.begins, use.ends): use.used.minor for use in before if use.ends > until}
    for plan, buckets in walked:
        for bucket in buckets:
            if not isinstance(bucket, VisitsBucket) or bucket.cap.visits is None:
                continue
            for one in bucket.spent():
                if one.ends > until:
                    key = (plan.tariff.code, bucket.cap.visits, one.begins, one.ends)
                    found[key] = found.get(key, 0) + half_up(one.scaled, plan.denominator)
    last: dict[tuple[str, str], CapUse] = {}
    for (tariff, cap, begins, ends), minor in sorted(found.items()):
        last[tariff, cap] = CapUse(tariff, cap, begins, ends, Money(minor, currency))
    return tuple(last.values())
