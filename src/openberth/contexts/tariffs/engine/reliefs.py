"""Which reliefs are used and what each is worth (ADR 0006, "Reliefs, precisely")."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

from openberth.contexts.tariffs.engine.pricing import Priced, Pricing
from openberth.contexts.tariffs.engine.relieving import acts_on_units
from openberth.contexts.tariffs.engine.stay import Part
from openberth.contexts.tariffs.model import (
    Line,
    NotComputable,
    Relief,
    ReliefKind,
    ReliefRules,
    ReliefUse,
    Tariff,
)
from openberth.kernel.errors import Param
from openberth.kernel.money import Money, Rounding, rounded
from openberth.kernel.time import Instant

MAX_SELECTIONS = 1_000


class Relieved(NamedTuple):
    """A price with the reliefs that make it lowest: what each took off, one line each."""

    total: int
    uses: tuple[ReliefUse, ...]
    lines: list[Line]


class _Selection(NamedTuple):
    total: int
    values: list[tuple[Relief, int]]


def relieved(pricing: Pricing, parts: Sequence[Part], priced: Sequence[Priced | None], now: Instant) -> Relieved:
    """Choose among the given reliefs within the lot's rules what is best for the driver."""
    terms = pricing.terms
    _check(terms.reliefs, terms.currency)
    solver = _Solver(pricing, parts, priced, now)
    best = _Selection(solver.before, [])
    for chosen in selections(terms.reliefs, terms.policy.reliefs, solver.before):
        found = solver.tried(chosen)
        if found.total < best.total:
            best = found
    used = [(relief, value) for relief, value in best.values if value]
    return Relieved(
        best.total,
        tuple([ReliefUse(relief.id, relief.kind, Money(value, terms.currency)) for relief, value in used]),
        [_line(relief, value, terms.currency) for relief, value in used],
    )


def selections(reliefs: Sequence[Relief], rules: ReliefRules, before: int) -> Iterator[tuple[Relief, ...]]:
    """Yield what may be used together, the fewest reliefs first, each in the order in which it is applied."""
    offered = [
        relief
        for relief in reliefs
        if relief.kind in rules.order and (relief.from_total is None or before >= relief.from_total.minor)
    ]
    made = 0
    for count in range(1, min(rules.at_most, len(offered)) + 1):
        for chosen in combinations(offered, count):
            made += 1
            if made > MAX_SELECTIONS:
                raise NotComputable("reliefs", most=MAX_SELECTIONS)
            if _may_stand_together(chosen, rules):
                yield tuple(sorted(chosen, key=lambda relief: rules.order.index(relief.kind)))


def _may_stand_together(chosen: tuple[Relief, ...], rules: ReliefRules) -> bool:
    groups = [relief.group for relief in chosen if relief.group]
    if rules.one_per_group and len(groups) != len(set(groups)):
        return False
    allowed = rules.together
    return allowed is None or all(
        (one.kind, other.kind) in allowed or (other.kind, one.kind) in allowed for one, other in combinations(chosen, 2)
    )


class _Solver:
    """Prices one stay under one selection after the other."""

    def __init__(self, pricing: Pricing, parts: Sequence[Part], priced: Sequence[Priced | None], now: Instant) -> None:
        self._pricing, self._parts, self._now = pricing, parts, now
        self._choices = [None if one is None else one.choice for one in priced]
        self.before = sum(one.steps.total for one in priced if one is not None)
        self._least = min(
            self.before, 0 if (least := pricing.terms.policy.reliefs.minimum_pay) is None else least.minor
        )
        self._others: dict[int, int | None] = {}
        self._prices: dict[tuple[int, ...], int] = {}  # by the identities of the reliefs on units that are applied

    def tried(self, chosen: tuple[Relief, ...]) -> _Selection:
        """Return the price under a selection and what each relief of it took off."""
        on_units = [relief for relief in chosen if acts_on_units(relief)]
        left, values = self.before, []
        price = self.before
        for number, relief in enumerate(on_units, start=1):
            lower = self._price(on_units[:number])
            value = self._limited(relief, price - lower, left)
            price = lower
            left -= value
            values.append((relief, value))
        for relief in chosen:
            if not acts_on_units(relief):
                value = self._limited(relief, self._taken(relief, left), left)
                left -= value
                values.append((relief, value))
        return _Selection(left, values)

    def _limited(self, relief: Relief, value: int, left: int) -> int:
        most = value if relief.most is None else min(value, relief.most.minor)
        return max(0, min(most, left - self._least))

    def _price(self, reliefs: Sequence[Relief]) -> int:
        key = tuple([id(relief) for relief in reliefs])
        if key not in self._prices:
            found = self._pricing.together(self._parts, self._choices, reliefs)
            self._prices[key] = sum([one.steps.total for one in found if one is not None])
        return self._prices[key]

    def _taken(self, relief: Relief, left: int) -> int:
        if relief.kind is ReliefKind.AMOUNT and relief.amount is not None:
            return relief.amount.minor
        if relief.kind is ReliefKind.PERCENT:
            return rounded(Fraction(left * relief.percent, 100), Rounding.HALF_UP)
        if relief.kind is ReliefKind.TARIFF and relief.tariff is not None:
            if id(relief) not in self._others:
                self._others[id(relief)] = self._under(relief.tariff)
            other = self._others[id(relief)]
            return 0 if other is None else left - other
        return left

    def _under(self, tariff: Tariff) -> int | None:
        """Return what the stay would cost with a tariff in place of every tariff; None: that has no price."""
        try:
            other = self._pricing.instead(tariff)
            found = other.priced(other.stay.parts(self._now)[0])
        except NotComputable:
            return None
        return sum(one.steps.total for one in found if one is not None)


def _check(reliefs: Sequence[Relief], currency: str) -> None:
    for relief in reliefs:
        monies = [money for money in (relief.amount, relief.from_total, relief.most) if money is not None]
        if any(money.currency != currency or money.minor < 0 for money in monies):
            raise NotComputable("relief_money", relief=relief.id)
        if relief.minutes < 0 or not 0 <= relief.percent <= 100:
            raise NotComputable("relief", relief=relief.id)


def _line(relief: Relief, value: int, currency: str) -> Line:
    params: dict[str, Param] = {"relief": relief.id, "source": relief.source, "relief_minutes": relief.minutes}
    if relief.kind is ReliefKind.PERCENT:
        params["percent"] = str(relief.percent)
    return Line(f"tariff.line.relief_{relief.kind.value}", {**params, "minutes": 0}, 0, Money(-value, currency))
