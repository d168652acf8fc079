"""Prices as people read them."""

from fractions import Fraction
from functools import lru_cache

from openberth.kernel.money import MINOR_DIGITS, Rate

_MOST_PLACES = 12  # more than that is not a price somebody pays but a part of a sum: shown as a fraction


def percent_text(millionths: int) -> str:
    """Return millionths as a percentage with the digits it needs, e.g. ``9`` or ``18.375``."""
    whole, rest = divmod(millionths, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")


@lru_cache(maxsize=1024)
def price_text(rate: Rate) -> str:
    """Return a price in major units with all the digits it needs, e.g. ``2.50`` or ``0.035``; else as a fraction."""
    digits = MINOR_DIGITS[rate.currency]
    for places in range(digits, digits + _MOST_PLACES + 1):
        scaled = rate.minor * 10 ** (places - digits)
        if scaled.denominator == 1:
            whole, rest = divmod(abs(scaled.numerator), 10**places)
            sign = "-" if scaled < 0 else ""
            return f"{sign}{whole}.{rest:0{places}d}" if places else f"{sign}{whole}"
    exact = Fraction(rate.minor, 10**digits)
    return f"{exact.numerator}/{exact.denominator}"
