"""Money in whole minor units, and exact prices that become money once, by a named rule."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

# Digits after the point (ISO 4217). A currency that is not here is refused rather than guessed.
MINOR_DIGITS = {"CNY": 2, "HKD": 2, "MOP": 2, "SGD": 2, "USD": 2, "EUR": 2, "GBP": 2, "AUD": 2, "NZD": 2, "TWD": 2,
                "THB": 2, "MYR": 2, "JPY": 0, "KRW": 0, "VND": 0}  # fmt: skip


class Rounding(StrEnum):
    """How an exact amount becomes whole minor units."""

    HALF_UP = "half_up"  # ties away from zero, as invoices do
    HALF_EVEN = "half_even"
    UP = "up"  # away from zero
    DOWN = "down"  # towards zero


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (fen, cents) of one currency. Mixing currencies raises ``ValueError``."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:  # a float that slips in here would spread through every sum
            raise TypeError("minor units are whole numbers")
        if self.currency not in MINOR_DIGITS:
            raise ValueError(f"unknown currency {self.currency!r}")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.minor * times, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.amount_text} {self.currency}"

    @property
    def amount_text(self) -> str:
        """Return the amount in major units with all its digits, e.g. ``-0.05``."""
        digits = MINOR_DIGITS[self.currency]
        whole, rest = divmod(abs(self.minor), 10**digits)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{whole}.{rest:0{digits}d}" if digits else f"{sign}{whole}"

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")
        return other.minor

    @classmethod
    def of(cls, text: str, currency: str) -> "Money":
        """Read an amount in major units, e.g. ``Money.of("2.50", "CNY")``; more digits than the currency has raise."""
        minor = _exact_minor(text, currency)
        if minor.denominator != 1:
            raise ValueError(f"{text} has more digits than {currency} has")
        return cls(minor.numerator, currency)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Add amounts up; an empty sum is zero of the given currency."""
    result = Money(0, currency)
    for amount in amounts:
        result += amount
    return result


@dataclass(frozen=True, slots=True)
class Rate:
    """An exact price per unit, in minor units: 0.035 CNY per minute is a real one. Rounded only when money is made."""

    minor: Fraction
    currency: str

    @classmethod
    def of(cls, text: str, currency: str) -> "Rate":
        """Read a price in major units with any number of digits, e.g. ``Rate.of("0.035", "SGD")``."""
        return cls(_exact_minor(text, currency), currency)

    def percent(self, percent: Fraction) -> "Rate":
        """Return so many hundredths of the price, exactly."""
        return Rate(self.minor * Fraction(percent, 100), self.currency)

    def times(self, quantity: int | Fraction, rounding: Rounding = Rounding.HALF_UP) -> Money:
        """Return the money for a quantity, rounded once."""
        return Money(rounded(self.minor * quantity, rounding), self.currency)


def rounded(exact: Fraction, rounding: Rounding) -> int:
    """Round an exact number of minor units to a whole one by the rule."""
    sign = -1 if exact < 0 else 1
    whole, rest = divmod(abs(exact.numerator), exact.denominator)
    twice = 2 * rest - exact.denominator
    if rounding is Rounding.UP:
        more = rest > 0
    elif rounding is Rounding.DOWN:
        more = False
    elif rounding is Rounding.HALF_UP:
        more = twice >= 0
    else:
        more = twice > 0 or (twice == 0 and whole % 2 == 1)
    return sign * (whole + more)


def _exact_minor(text: str, currency: str) -> Fraction:
    if currency not in MINOR_DIGITS:
        raise ValueError(f"unknown currency {currency!r}")
    unsigned = text[1:] if text[:1] == "-" else text
    whole, point, part = unsigned.partition(".")
    if not (whole.isascii() and whole.isdigit()) or (point and not (part.isascii() and part.isdigit())):
        raise ValueError(f"{text!r} is not an amount")
    value = Fraction(int(whole + part) * int(10 ** MINOR_DIGITS[currency]), int(10 ** len(part)))
    return -value if text[:1] == "-" else value
