"""The simulator's own reading of a tariff file and its own arithmetic.

Written from the published description of the file alone, so that a mistake in the server's pricing shows as a
difference. What this reading does not know raises ``TariffUnknown``: a price is computed or it is not, never guessed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from openberth.simulator.clock import MINUTE_US

_DAY_MINUTES = 24 * 60
_MINOR_DIGITS = {"CNY": 2, "HKD": 2, "MOP": 2, "SGD": 2, "USD": 2, "EUR": 2, "JPY": 0, "KRW": 0}
_KNOWN = {"tariff", "code", "company", "name", "currency", "free", "charge", "caps", "seconds"}
_KNOWN |= {"grace_after_payment_minutes"}


class TariffUnknown(ValueError):
    """The file says something this reading cannot price."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """A casual tariff: free minutes, a price per unit, a cap for each 24 hours from entry. Amounts are minor units."""

    code: str
    currency: str
    free_minutes: int
    free_deducts: bool
    unit_minutes: int
    unit_minor: int
    begun_unit_counts: bool
    day_cap_minor: int | None
    begun_minute_counts: bool
    grace_minutes: int

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Tariff":
        """Read a tariff document; raise ``TariffUnknown`` with what is not understood."""
        code = str(document.get("code", "?"))
        if document.get("tariff") != "openberth/1":
            raise TariffUnknown(f"tariff {code}: the version is not openberth/1")
        if strange := set(document) - _KNOWN:
            raise TariffUnknown(f"tariff {code}: cannot price {', '.join(sorted(strange))}")
        currency = str(document.get("currency", "CNY"))
        free, charge = document.get("free") or {}, document["charge"]
        digits = _MINOR_DIGITS.get(currency)
        if digits is None:
            raise TariffUnknown(f"tariff {code}: currency {currency} has no known minor unit")
        return cls(
            code=code,
            currency=currency,
            free_minutes=int(free.get("minutes", 0)),
            free_deducts=_one_of(code, free.get("mode", "threshold"), threshold=False, deduct=True),
            unit_minutes=int(charge["unit_minutes"]),
            unit_minor=_minor(code, charge["price"], digits),
            begun_unit_counts=_one_of(code, charge.get("rounding", "up"), up=True, down=False),
            day_cap_minor=_day_cap(code, document.get("caps") or [], digits),
            begun_minute_counts=_one_of(code, document.get("seconds", "truncate"), truncate=False, exact=True),
            grace_minutes=int(document.get("grace_after_payment_minutes", 0)),
        )


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a stay under one tariff, up to the next piece."""

    tariff: Tariff
    from_us: int


def stay_fee(parts: Sequence[Part], until_us: int) -> int:
    """Return the price of a stay in minor units until an instant, by walking through it minute by minute.

    Boundaries become whole minutes from the entry on, by the first tariff's rule for seconds. Each tariff counts the
    minutes spent under it: free minutes once, units running on, a cap for each 24 hours from its first minute.
    """
    entered_us, rounds_up = parts[0].from_us, parts[0].tariff.begun_minute_counts
    begins = [_minute(part.from_us - entered_us, rounds_up) for part in parts]
    end = _minute(until_us - entered_us, rounds_up)
    spent: dict[str, list[int]] = {}
    tariffs = {part.tariff.code: part.tariff for part in parts}
    for part, begin, stop in zip(parts, begins, [*begins[1:], end], strict=True):
        spent.setdefault(part.tariff.code, []).extend(range(begin, min(stop, end)))
    return sum(_price(tariffs[code], minutes) for code, minutes in spent.items())


def _minute(span_us: int, rounds_up: bool) -> int:
    span_us = max(span_us, 0)
    return -(-span_us // MINUTE_US) if rounds_up else span_us // MINUTE_US


def _price(tariff: Tariff, minutes: Sequence[int]) -> int:
    """Price the minutes of a stay that were spent under a tariff, given as numbers counted from the entry."""
    if len(minutes) <= tariff.free_minutes:
        return 0
    charged = minutes[tariff.free_minutes :] if tariff.free_deducts else minutes
    due_at = 0 if tariff.begun_unit_counts else tariff.unit_minutes - 1
    days: dict[int, int] = {}
    for minute in charged[due_at :: tariff.unit_minutes]:
        day = (minute - minutes[0]) // _DAY_MINUTES
        days[day] = days.get(day, 0) + tariff.unit_minor
    cap = tariff.day_cap_minor
    return sum(amount if cap is None else min(amount, cap) for amount in days.values())


def _one_of(code: str, word: object, **meanings: bool) -> bool:
    if word not in meanings:
        raise TariffUnknown(f"tariff {code}: cannot price {word!r}")
    return meanings[str(word)]


def _day_cap(code: str, caps: Sequence[Mapping[str, Any]], digits: int) -> int | None:
    if not caps:
        return None
    if len(caps) > 1 or caps[0].get("kind") != "rolling_24h":
        raise TariffUnknown(f"tariff {code}: cannot price these caps")
    return _minor(code, caps[0]["amount"], digits)


def _minor(code: str, amount: object, digits: int) -> int:
    exact = Fraction(str(amount)) * 10**digits
    if exact.denominator != 1:
        raise TariffUnknown(f"tariff {code}: cannot price parts of a minor unit ({amount})")
    return int(exact)
