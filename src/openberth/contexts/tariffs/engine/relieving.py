"""Reliefs that act on minutes and units while a stay is walked through (ADR 0006, "Reliefs, precisely")."""

from collections.abc import Sequence
from fractions import Fraction
from math import prod

from openberth.contexts.tariffs.engine.ready import ENDLESS
from openberth.contexts.tariffs.model import AgainstCaps, Relief, ReliefKind
from openberth.kernel.time import MINUTE_US

ON_MINUTES = frozenset({ReliefKind.MINUTES, ReliefKind.UNTIL, ReliefKind.PERIOD})


def acts_on_units(relief: Relief) -> bool:
    """Tell whether a relief acts before the total is known."""
    return relief.kind in ON_MINUTES or (
        relief.kind in (ReliefKind.AMOUNT, ReliefKind.PERCENT) and relief.caps is AgainstCaps.BEFORE
    )


def widening(reliefs: Sequence[Relief]) -> int:
    """Return what denominators must be widened by, so that percentages of prices stay whole."""
    return prod(relief.percent.denominator * 100 for relief in reliefs if relief.kind is ReliefKind.PERCENT)


class _Taking:
    """One relief on minutes: positions ``[start, end)``, or the first ``left`` ones that have a price."""

    __slots__ = ("after_caps", "end", "left", "start")

    def __init__(self, relief: Relief, base: int) -> None:
        self.after_caps = relief.caps is AgainstCaps.AFTER
        self.left = relief.minutes if relief.kind is ReliefKind.MINUTES else -1
        self.start, self.end = 0, ENDLESS
        if relief.kind is ReliefKind.UNTIL:
            self.end = _position(relief.until, base)
        elif relief.kind is ReliefKind.PERIOD and relief.period is not None:
            self.start = _position(relief.period.start, base)
            self.end = _position(relief.period.end, base)


class Relieving:
    """The chosen reliefs on units of one stay, in order; shared by the walks of all its tariffs and used up by them.

    ``cuts`` are the positions at which what is relieved may change.
    """

    __slots__ = ("_lowering", "_takings", "cuts")

    def __init__(self, reliefs: Sequence[Relief], base: int, denominator: int) -> None:
        self._takings = [_Taking(relief, base) for relief in reliefs if relief.kind in ON_MINUTES]
        self.cuts = tuple({edge for taking in self._takings for edge in (taking.start, taking.end)})
        self._lowering: list[tuple[Fraction, list[int]]] = []  # the part that stays, or a purse with what is in it
        for relief in reliefs:
            if relief.kind is ReliefKind.PERCENT:
                self._lowering.append((1 - Fraction(relief.percent, 100), []))
            elif relief.kind is ReliefKind.AMOUNT and relief.amount is not None:
                self._lowering.append((Fraction(1), [relief.amount.minor * denominator]))

    def taken(self, position: int, minutes: int, has_price: bool) -> tuple[int, bool]:
        """Return how many of the minutes after a position are relieved, and whether caps count them all the same.

        What is taken is taken: ask once for each stretch of minutes.
        """
        for taking in self._takings:
            if taking.left < 0:
                if taking.start <= position < taking.end:
                    return min(minutes, taking.end - position), taking.after_caps
            elif taking.left and has_price:
                given = min(taking.left, minutes)
                taking.left -= given
                return given, taking.after_caps
        return 0, False

    def lowered(self, amount: int) -> int:
        """Return what is left of a charge."""
        for keeps, purse in self._lowering:
            if purse:
                taken = min(purse[0], amount)
                purse[0] -= taken
                amount -= taken
            else:
                amount = amount * keeps.numerator // keeps.denominator
        return amount


def _position(at: int | None, base: int) -> int:
    """Return the first position whose minute begins at an instant or later."""
    return ENDLESS if at is None else max(0, -((base - at) // MINUTE_US))
