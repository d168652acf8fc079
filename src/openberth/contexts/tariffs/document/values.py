"""Kinds of value that only tariffs have, and what the texts of a document mean."""

import re
from fractions import Fraction
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from openberth.contexts.tariffs.model import DAY_MINUTES
from openberth.infra.documents import wrong
from openberth.kernel.money import MINOR_DIGITS, Rate

PLACES = 4  # digits after the point of a price that is written as a decimal

_DECIMAL = r"(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{1,4})?"
# What a factor or a percentage leaves of a price is written out exactly; the sizes bound what arithmetic has to carry.
_QUOTIENT = r"[0-9]{1,30}/[1-9][0-9]{0,19}"
_PRICE = re.compile(f"{_DECIMAL}|{_QUOTIENT}")
_MOST = 10**10
_SHOWN = 60


def _price(value: Any) -> Any:
    text = str(value) if isinstance(value, str) else "…"
    if _PRICE.fullmatch(text) and Fraction(text) < _MOST:
        return text
    if text.startswith("-") and _PRICE.fullmatch(text[1:]):
        raise wrong("document.negative", value=text[:_SHOWN])
    raise wrong("document.price", value=text[:_SHOWN])


Price: TypeAlias = Annotated[
    str,
    BeforeValidator(_price),
    WithJsonSchema({"type": ["string", "number"], "pattern": f"^(?:{_PRICE.pattern})$", "minimum": 0}),
]


def rate_of(text: str, currency: str) -> Rate:
    """Return the price that a document states in major units, as a decimal or as a fraction."""
    return Rate(Fraction(text) * Fraction(10) ** MINOR_DIGITS[currency], currency)


def rate_text(rate: Rate) -> str:
    """Write a price so that ``rate_of`` reads the same: a decimal of at most four digits, else a fraction."""
    exact = Fraction(rate.minor, 10 ** MINOR_DIGITS[rate.currency])
    for places in range(MINOR_DIGITS[rate.currency], PLACES + 1):
        scaled = exact * 10**places
        if scaled.denominator == 1:
            whole, rest = divmod(scaled.numerator, 10**places)
            return f"{whole}.{rest:0{places}d}" if places else f"{whole}"
    return f"{exact.numerator}/{exact.denominator}"


def is_price(rate: Rate) -> bool:
    """Tell whether a price that was calculated can be written and read again."""
    text = rate_text(rate)
    return _PRICE.fullmatch(text) is not None and Fraction(text) < _MOST


def clock_of(text: str) -> int:
    """Return the minute of the day that ``07:30`` means; ``24:00`` is the midnight that ends it, 0."""
    hours, _, minutes = text.partition(":")
    return (int(hours) * 60 + int(minutes)) % DAY_MINUTES


def clock_text(minute: int) -> str:
    """Write a minute of the day as ``07:30``."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def hours_of(text: str) -> tuple[int, int]:
    """Return the minutes of ``19:00-07:00``; a whole day is (0, 0) whatever hour it begins at."""
    first, _, last = text.partition("-")
    start, end = clock_of(first), clock_of(last)
    return (0, 0) if start == end else (start, end)


def hours_text(start: int, end: int) -> str:
    """Write hours as ``hours_of`` reads them."""
    return f"{clock_text(start)}-{clock_text(end) if end else '24:00'}"


def month_day_of(text: str) -> tuple[int, int]:
    """Return the month and the day of ``04-01``."""
    month, _, day = text.partition("-")
    return int(month), int(day)
