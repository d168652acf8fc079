"""From an exact sum to what is asked: minimum, rounding, multiples, added tax, and back (ADR 0006, 10)."""

from typing import NamedTuple

from openberth.contexts.tariffs.engine.ready import ReadyPlan
from openberth.contexts.tariffs.model import RoundTotal, Tariff
from openberth.kernel.money import Rounding

_WHOLE = 1_000_000


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


def steps_of(plan: ReadyPlan, tariff: Tariff, scaled: int) -> Steps:
    """Return how an exact sum becomes what is asked."""
    denominator = plan.denominator
    rounded = scaled if denominator == 1 else half_up(scaled, denominator)
    minimum = max(0, plan.minimum - rounded) if scaled > 0 else 0
    if tariff.round_total is None and tariff.tax is None:
        return Steps(rounded, minimum, 0, 0)
    base = rounded + minimum
    multiple = base if tariff.round_total is None else _multiple(base, tariff.round_total)
    return Steps(rounded, minimum, multiple - base, _added_tax(tariff, multiple))


def needed(plan: ReadyPlan, tariff: Tariff, minor: int) -> int:
    """Return the smallest exact sum for which more than ``minor`` is asked."""
    amount = minor + 1
    if tariff.round_total is not None or (tariff.tax is not None and not tariff.tax.included):
        low, high = 0, 2 * minor + 2 + (2 * tariff.round_total.to.minor if tariff.round_total else 0)
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


def half_up(scaled: int, denominator: int) -> int:
    """Round a sum over a denominator half up; sums are never negative."""
    return (2 * scaled + denominator) // (2 * denominator)


def contained_tax(tariff: Tariff, total: int) -> int:
    """Return the tax inside a total, 0 where none is stated."""
    if tariff.tax is None or not tariff.tax.included:
        return 0
    rate = tariff.tax.millionths
    return half_up(total * rate, _WHOLE + rate)


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
    return half_up(amount * tariff.tax.millionths, _WHOLE)
