"""The lines of a price: every minute once, every fen once (ADR 0006, 12)."""

from collections.abc import Mapping
from types import MappingProxyType

from openberth.contexts.tariffs.engine.amounts import contained_tax, half_up
from openberth.contexts.tariffs.engine.pricing import Priced
from openberth.contexts.tariffs.model import FreeMode, FreePer, Line, Tariff
from openberth.contexts.tariffs.words import percent_text
from openberth.kernel.errors import Param
from openberth.kernel.money import Money

NOTHING: Mapping[str, Param] = MappingProxyType({})


class Explanation:
    """Collects the lines of one tariff, rounding as it goes so that they add up to what is asked."""

    __slots__ = ("_currency", "_denominator", "_given", "_scaled", "lines")

    def __init__(self, currency: str, denominator: int) -> None:
        self._currency, self._denominator = currency, denominator
        self._scaled = self._given = 0
        self.lines: list[Line] = []

    def exact(self, code: str, minutes: int, scaled: int, params: Mapping[str, Param] = NOTHING) -> None:
        """Add a line with an exact amount: cumulative rounding keeps the sum right."""
        self._scaled += scaled
        denominator = self._denominator
        whole = self._scaled if denominator == 1 else half_up(self._scaled, denominator)
        amount = whole - self._given
        self._given = whole
        self.whole(code, minutes, amount, params)

    def whole(self, code: str, minutes: int, amount: int, params: Mapping[str, Param] = NOTHING) -> None:
        """Add a line with an amount in minor units."""
        self.lines.append(Line(code, {**params, "minutes": minutes}, minutes, Money(amount, self._currency)))


def explained(priced: Priced) -> list[Line]:
    """Return the lines of one tariff; their minutes are its own minutes."""
    tariff = priced.plan.tariff
    explanation = Explanation(tariff.currency, priced.plan.denominator)
    _free_lines(explanation, priced)
    _unit_lines(explanation, priced)
    _cap_lines(explanation, priced)
    _last_lines(explanation, tariff, priced)
    return explanation.lines


def _free_lines(explanation: Explanation, priced: Priced) -> None:
    walk, free = priced.walk, priced.plan.plan.free
    if walk.free:
        code = "tariff.line.free" if free.mode is FreeMode.THRESHOLD else "tariff.line.free_deducted"
        if free.per is not FreePer.STAY:
            code += f"_{free.per.value}"
        explanation.whole(code, walk.free, 0, {"free": free.minutes})
    if walk.band_free:
        explanation.whole("tariff.line.free_band", walk.band_free, 0)


def _unit_lines(explanation: Explanation, priced: Priced) -> None:
    walk, bands = priced.walk, priced.plan.bands
    for number, index in sorted(walk.lines) if len(walk.lines) > 1 else walk.lines:
        units, minutes, scaled = walk.lines[number, index]
        tier = bands[number].tiers[index]
        explanation.exact(tier.code, minutes, scaled, {"units": units, **tier.params})
    dropped = walk.dropped + walk.pending
    if dropped:
        explanation.whole("tariff.line.unfinished_unit", dropped, 0)


def _cap_lines(explanation: Explanation, priced: Priced) -> None:
    for bucket in priced.walk.buckets:
        if bucket.withheld:
            cap = bucket.cap
            explanation.exact(cap.code, 0, -bucket.withheld, {"spans": bucket.spans_hit, **cap.params})
    if priced.walk.lent_withheld:
        explanation.exact("tariff.line.cap_lent", 0, -priced.walk.lent_withheld)


def _last_lines(explanation: Explanation, tariff: Tariff, priced: Priced) -> None:
    steps = priced.steps
    if steps.minimum:
        minimum = priced.plan.plan.minimum
        least = {"least": minimum.amount_text if minimum else "0"}
        explanation.whole("tariff.line.minimum", 0, steps.minimum, least)
    if steps.rounding and tariff.round_total is not None:
        to = {"to": tariff.round_total.to.amount_text}
        explanation.whole("tariff.line.rounding", 0, steps.rounding, to)
    if tariff.tax is not None:
        percent = percent_text(tariff.tax.millionths)
        if steps.tax:
            explanation.whole("tariff.line.tax", 0, steps.tax, {"percent": percent})
        elif inside := contained_tax(tariff, steps.total):
            shown = Money(inside, tariff.currency).amount_text
            explanation.whole("tariff.line.tax_included", 0, 0, {"percent": percent, "tax": shown})
