"""One tariff's arithmetic on whole minutes: units, caps and the minute at which the price grows.

Minutes are counted from the entry of the stay. A *run* is a stretch ``(start, end)`` under the tariff; the tariff's
*own* minutes are those of its runs joined together. Amounts inside are integers over one common denominator, so nothing
is rounded before the sum is complete. Loops go over caps' spans (days), never over minutes.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from openberth.contexts.tariffs.model import CapKind, FreeMode, Line, NotComputable, Tariff, UnitRounding
from openberth.kernel.errors import Param
from openberth.kernel.money import MINOR_DIGITS, Money, Rate

Run: TypeAlias = tuple[int, int]

CAP_SPAN_MINUTES = {CapKind.ROLLING_24H: 24 * 60}
MAX_STEPS = 10_000


class Bill(NamedTuple):
    """What a tariff asks for its runs. ``amount`` is in minor units; minutes = charged + free."""

    lines: tuple[Line, ...]
    amount: int
    charged: int
    free: int


class _Sum(NamedTuple):
    """An exact sum: ``scaled`` over the denominator of the price; ``units`` and capped spans that led to it."""

    units: int
    scaled: int
    capped_spans: int
    open_span_is_full: bool  # nothing more can be charged before the last span ends


class Meter:
    """The formulas of one tariff. Raises ``NotComputable`` for a tariff they do not cover."""

    __slots__ = (
        "_cap", "_cap_scaled", "_deducted", "_denominator", "_down", "_price", "_span", "_tariff", "_threshold",
        "_unit",
    )  # fmt: skip

    def __init__(self, tariff: Tariff) -> None:
        charge, free = tariff.charge, tariff.free
        if charge.unit_minutes < 1 or charge.price.minor < 0 or free.minutes < 0:
            raise NotComputable("tariff", tariff=tariff.code)
        if charge.price.currency != tariff.currency or any(
            cap.amount.currency != tariff.currency for cap in tariff.caps
        ):
            raise NotComputable("currency", tariff=tariff.code)
        self._tariff = tariff
        self._unit = charge.unit_minutes
        self._down = charge.rounding is UnitRounding.DOWN
        self._price, self._denominator = charge.price.minor.as_integer_ratio()
        threshold = free.mode is FreeMode.THRESHOLD
        self._threshold = free.minutes if threshold else 0
        self._deducted = 0 if threshold else free.minutes
        self._cap = self._span = self._cap_scaled = 0
        if tariff.caps:
            self._set_cap(tariff)

    def _set_cap(self, tariff: Tariff) -> None:
        cap = tariff.caps[0]
        span = CAP_SPAN_MINUTES.get(cap.kind)
        if span is None or len(tariff.caps) > 1 or cap.amount.minor < 0 or cap.amount.currency != tariff.currency:
            raise NotComputable("caps", tariff=tariff.code)
        self._span, self._cap, self._cap_scaled = span, cap.amount.minor, cap.amount.minor * self._denominator

    def bill(self, runs: Sequence[Run]) -> Bill:
        """Price the runs and explain the price."""
        tariff, currency = self._tariff, self._tariff.currency
        own = sum(end - start for start, end in runs)
        zero = Money(0, currency)
        if own <= self._threshold:
            within = _line("tariff.line.free", own, zero, free=self._threshold)
            return Bill((within,) if own else (), 0, 0, own)
        due = self._sum(runs)
        lines: list[Line] = []
        deducted = min(own, self._deducted)
        if deducted:
            lines.append(_line("tariff.line.free_deducted", deducted, zero, free=self._deducted))
        dropped = (own - deducted) % self._unit if self._down else 0
        charged = own - deducted - dropped
        gross = self._rounded(self._price * due.units)
        if charged:
            price = price_text(tariff.charge.price)
            money = Money(gross, currency)
            lines.append(
                _line("tariff.line.units", charged, money, units=due.units, unit_minutes=self._unit, price=price)
            )
        if dropped:
            lines.append(_line("tariff.line.unfinished_unit", dropped, zero, unit_minutes=self._unit))
        amount = self._rounded(due.scaled)
        if amount != gross:
            cap, relief = Money(self._cap, currency).amount_text, Money(amount - gross, currency)
            lines.append(_line(f"tariff.line.cap_{tariff.caps[0].kind}", 0, relief, cap=cap, spans=due.capped_spans))
        return Bill(tuple(lines), amount, charged, own - charged)

    def amount(self, runs: Sequence[Run]) -> int:
        """Return the price of the runs in minor units, without the explanation."""
        return self._rounded(self._sum(runs).scaled)

    def first_minute_above(self, runs: Sequence[Run], minor: int) -> int | None:
        """Return the minute from which on the price is above ``minor`` if the last run goes on; None if never."""
        *before, (start, minute) = runs
        base = sum(end - begin for begin, end in before)
        for _ in range(MAX_STEPS):
            due = self._sum([*before, (start, minute)])
            if self._rounded(due.scaled) > minor:
                return minute
            if self._price == 0 or (self._span and self._cap == 0):
                return None
            # Each unit adds at most its price, so no earlier unit than this one can lift the sum above ``minor``.
            twice_missing = (2 * minor + 1) * self._denominator - 2 * due.scaled
            own = base + minute - start
            done = self._units(own) if own > self._threshold else 0
            bound = self._own_minute_of(done + max(1, -(-twice_missing // (2 * self._price))))
            if self._span and own > self._threshold:
                minute = self._span_needed(minute - runs[0][0], twice_missing, due.open_span_is_full) + runs[0][0]
                bound = max(bound, self._own_minute_of(self._units(base + minute - start) + 1))
            minute = start - base + max(bound, self._threshold + 1)
        raise NotComputable("steps", tariff=self._tariff.code)

    def _span_needed(self, minute: int, twice_missing: int, open_span_is_full: bool) -> int:
        """Return from which minute on the missing amount can be complete, for each span adds at most the cap."""
        index = max(0, -(-minute // self._span) - 1)
        spans = max(1, -(-twice_missing // (2 * self._cap_scaled)))
        return max(minute, (index + spans - (not open_span_is_full)) * self._span)

    def _units(self, own: int) -> int:
        """Return how many units are due after so many own minutes."""
        minutes = own - self._deducted
        if minutes <= 0:
            return 0
        return minutes // self._unit if self._down else -(-minutes // self._unit)

    def _own_minute_of(self, unit: int) -> int:
        """Return the own minute at which the unit falls due."""
        return self._deducted + (unit * self._unit if self._down else (unit - 1) * self._unit + 1)

    def _sum(self, runs: Sequence[Run]) -> _Sum:
        own = 0
        for start, end in runs:
            own += end - start
        if own <= self._threshold:
            return _Sum(0, 0, 0, False)
        total = self._units(own)
        if not self._span:
            return _Sum(total, total * self._price, 0, False)
        anchor, last = runs[0][0], runs[-1][1]
        scaled = capped = before = own = index = 0
        full = False
        for edge in range(anchor + self._span, last + self._span, self._span):
            while index < len(runs) and runs[index][1] <= edge:
                own += runs[index][1] - runs[index][0]
                index += 1
            inside = max(0, edge - runs[index][0]) if index < len(runs) else 0
            units = self._units(own + inside)
            amount = (units - before) * self._price
            full = amount >= self._cap_scaled
            if full:
                capped += amount > self._cap_scaled
                amount = self._cap_scaled
            scaled += amount
            before = units
        return _Sum(total, scaled, capped, full)

    def _rounded(self, scaled: int) -> int:
        """Round half up; sums are never negative."""
        return (2 * scaled + self._denominator) // (2 * self._denominator)


def _line(code: str, minutes: int, amount: Money, **params: Param) -> Line:
    return Line(code, {**params, "minutes": minutes}, minutes, amount)


@lru_cache(maxsize=1024)
def price_text(rate: Rate) -> str:
    """Return a price in major units with all the digits it needs, e.g. ``2.50`` or ``0.035``; else as a fraction."""
    digits = MINOR_DIGITS[rate.currency]
    for places in range(digits, digits + 13):
        scaled = rate.minor * 10 ** (places - digits)
        if scaled.denominator == 1:
            whole, rest = divmod(abs(scaled.numerator), 10**places)
            sign = "-" if scaled < 0 else ""
            return f"{sign}{whole}.{rest:0{places}d}" if places else f"{sign}{whole}"
    exact = rate.minor / 10**digits
    return f"{exact.numerator}/{exact.denominator}"
