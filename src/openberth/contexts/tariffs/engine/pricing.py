"""What each tariff of a stay asks for its own minutes: plans compared, walked, summed up (ADR 0006, 9 and 10)."""

from collections.abc import Sequence
from math import lcm
from typing import NamedTuple

from openberth.contexts.tariffs.engine import conditions
from openberth.contexts.tariffs.engine.amounts import Steps, needed, steps_of
from openberth.contexts.tariffs.engine.effort import Effort
from openberth.contexts.tariffs.engine.ready import ReadyPlan, ReadyTariff, ready
from openberth.contexts.tariffs.engine.relieving import Relieving, widening
from openberth.contexts.tariffs.engine.stay import Part, Stay
from openberth.contexts.tariffs.engine.walk import Gate, Walk
from openberth.contexts.tariffs.model import DAY_MINUTES, NestedCaps, NotComputable, Relief, Segment, Tariff, Terms
from openberth.kernel.time import HOUR_US, Instant

MAX_AHEAD_MINUTES = 400 * DAY_MINUTES  # nothing is said about changes of the price beyond
_MAX_GATES = 64  # each is a walk from the beginning; after so many the price is said to hold until there


class Priced(NamedTuple):
    """A plan that was walked, and what it asks; ``choice`` is its number among the tariff's plans."""

    choice: int
    plan: ReadyPlan
    walk: Walk
    steps: Steps


class Pricing:
    """Prices the parts of a stay by the terms. Raises ``NotComputable``."""

    __slots__ = ("_instead", "_ready", "_together", "depends_on_leaving", "effort", "stay", "terms")

    def __init__(self, stay: Stay, terms: Terms, effort: Effort | None = None) -> None:
        self.stay, self.terms, self.effort = stay, terms, effort or Effort()
        self._instead: dict[int, Pricing] = {}  # by the identity of the tariff
        self._ready: dict[int, ReadyTariff] = {}  # by the identity of the segments' tariffs
        self.depends_on_leaving = False  # which plans may be used changes while the car stays
        for segment in stay.segments:
            tariff = segment.tariff
            if tariff is not None and id(tariff) not in self._ready:
                calendar = terms.calendars.get(tariff.calendar)
                found = self._ready[id(tariff)] = ready(tariff, terms.vehicle, terms.zone, calendar)
                self.depends_on_leaving = self.depends_on_leaving or found.depends_on_leaving
        self._together = terms.policy.nested_caps is not NestedCaps.SEPARATE

    def priced(self, parts: Sequence[Part]) -> list[Priced | None]:
        """Price every part, without reliefs; None for one without a tariff or without minutes."""
        found = [self._best(part) for part in parts]
        if self._together and len({part.depth for part in parts if part.tariff}) > 1:
            return self.together(parts, [None if one is None else one.choice for one in found], ())
        return found

    def instead(self, tariff: Tariff) -> "Pricing":
        """Return the pricing of the same stay, minute by minute, with a tariff in place of every tariff."""
        found = self._instead.get(id(tariff))
        if found is None:
            segments = [
                segment if segment.tariff is None else Segment(segment.period, tariff, segment.right, segment.depth)
                for segment in self.stay.segments
            ]
            stay = Stay(segments, self.terms.currency, self.stay.seconds)
            found = self._instead[id(tariff)] = Pricing(stay, self.terms, self.effort)
        return found

    def together(
        self, parts: Sequence[Part], choices: Sequence[int | None], reliefs: Sequence[Relief]
    ) -> list[Priced | None]:
        """Price all parts in the order of time by plans that are known: they share reliefs, and caps if nested."""
        chosen = [
            None if choice is None else self._of(part).plans[choice]
            for part, choice in zip(parts, choices, strict=True)
        ]
        denominator = lcm(*(plan.denominator for plan in chosen if plan is not None), 1) * widening(reliefs)
        relieving = Relieving(reliefs, self.stay.base, denominator) if reliefs else None
        walks: list[Walk | None] = []
        for part, choice, plan in zip(parts, choices, chosen, strict=True):
            if plan is None or choice is None:
                walks.append(None)
                continue
            wide = self._wider(part, denominator // plan.denominator).plans[choice]
            no_free = self._no_free(wide)
            walks.append(
                Walk(
                    wide, self.stay.base, part.runs, self.effort,
                    relieving=relieving, no_free=no_free, uses=self.terms.cap_uses,
                )
            )  # fmt: skip
        self._lend(parts, walks)
        runs = [(run, walk) for part, walk in zip(parts, walks, strict=True) if walk for run in part.runs]
        for (start, end), walk in sorted(runs, key=lambda one: one[0]):
            walk.stretch(start, end)
        return [
            None if walk is None or choice is None else self._summed(choice, walk)
            for walk, choice in zip(walks, choices, strict=True)
        ]

    def first_above(self, part: Part, known: Priced | None, minor: int, limit: int) -> int | None:
        """Return the first minute of the stay at which a part costs more than ``minor`` if its last run goes on.

        ``known`` is its price at the present, used up by this. Not for plans that depend on leaving nor lent caps.
        """
        latest = 0
        offered = self._of(part)
        for choice, plan in enumerate(offered.plans):
            if plan.is_conditional and not conditions.holds(plan, part.entry, part.exit, part.minutes):
                continue
            walked = known if known is not None and choice == known.choice else self._by(choice, plan, part)
            found = self._plan_above(walked, part, minor, limit)
            if not offered.cheapest:
                return found
            if found is None:
                return None  # this plan never asks for more, so the cheapest does not
            latest = max(latest, found)
        return latest

    def condition_edges(self, part: Part, now: Instant) -> set[Instant]:
        """Return instants of the following day at which plans may begin or cease to be usable, at least the next."""
        found: set[int] = set()
        for plan in self._of(part).plans:
            found.update(conditions.edges(plan, now))
            when = plan.plan.condition
            longer_than_most = None if when.max_stay_minutes is None else when.max_stay_minutes + 1
            for bound in (when.min_stay_minutes, longer_than_most):
                if bound is not None and bound > part.minutes and part.runs:
                    found.add(self.stay.instant(part.runs[-1][1] + bound - part.minutes))
        return {Instant(edge) for edge in found if edge > now}

    def _plan_above(self, walked: Priced, part: Part, minor: int, limit: int) -> int | None:
        tariff = walked.plan.tariff
        start, now = part.runs[-1]
        for _ in range(_MAX_GATES):
            if walked.steps.total > minor:
                return now
            try:
                found = walked.walk.seek(needed(walked.plan, tariff, minor), limit)
            except NotComputable:  # the calendar ends: nobody knows that what comes after it costs the same
                return walked.walk.position + 1
            if not isinstance(found, Gate):
                return found
            now = found.minute
            longer = Part(part.tariff, part.right, part.depth, part.entry, part.exit, [*part.runs[:-1], (start, now)])
            walked = self._by(walked.choice, walked.plan, longer)
        return now

    def _best(self, part: Part) -> Priced | None:
        if part.tariff is None or not part.minutes:
            return None
        offered = self._of(part)
        best: Priced | None = None
        for choice, plan in enumerate(offered.plans):
            if plan.is_conditional and not conditions.holds(plan, part.entry, part.exit, part.minutes):
                continue
            found = self._by(choice, plan, part)
            if best is None or found.steps.total < best.steps.total:
                best = found
            if not offered.cheapest:
                break
        if best is None:
            raise NotComputable("no_plan", tariff=part.tariff.code)
        return best

    def _by(self, choice: int, plan: ReadyPlan, part: Part) -> Priced:
        no_free, uses = self._no_free(plan), self.terms.cap_uses
        walk = Walk(plan, self.stay.base, part.runs, self.effort, no_free=no_free, uses=uses)
        return self._summed(choice, walk.go())

    def _summed(self, choice: int, walk: Walk) -> Priced:
        return Priced(choice, walk.plan, walk, steps_of(walk.plan, walk.plan.tariff, walk.scaled))

    def _of(self, part: Part) -> ReadyTariff:
        return self._ready[id(part.tariff)]

    def _wider(self, part: Part, times: int) -> ReadyTariff:
        terms, found = self.terms, self._of(part)
        return ready(found.tariff, terms.vehicle, terms.zone, found.calendar, times)

    def _no_free(self, plan: ReadyPlan) -> bool:
        """Tell whether the vehicle has had its free minutes already."""
        used = self.terms.free_used_at
        if used is None:
            return False
        free, entered = plan.plan.free, self.stay.entered
        if free.once_a_day and plan.clock.day_at(used) == plan.clock.day_at(entered):
            return True
        return free.once_within_hours is not None and entered - used < free.once_within_hours * HOUR_US

    def _lend(self, parts: Sequence[Part], walks: Sequence[Walk | None]) -> None:
        nested = self.terms.policy.nested_caps
        if nested is NestedCaps.SEPARATE:
            return
        inner_first = nested is NestedCaps.INNER_FIRST
        pairs = [(part.depth, walk) for part, walk in zip(parts, walks, strict=True) if walk is not None]
        for depth, walk in pairs:
            lenders = [other for far, other in pairs if (far < depth if inner_first else far > depth)]
            if lenders:
                walk.limited_also_by(lenders)
