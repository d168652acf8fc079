"""Checks of amounts: what a currency can hold, and what a factor makes of them."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from openberth.contexts.tariffs.document.keys import TariffKeys
from openberth.contexts.tariffs.document.layers import CHARGED, PlanLayers, Stated
from openberth.contexts.tariffs.document.parts import BandPart, CapPart, ChargePart, ClassPart
from openberth.contexts.tariffs.document.reading import amount_of, tiers_of
from openberth.contexts.tariffs.document.values import is_price
from openberth.infra.documents import Flaw, Path, flaw
from openberth.kernel.money import MINOR_DIGITS

MOST_FACTOR = 1000
MOST_PERCENT = 100


def money_flaws(text: str, path: Path, currency: str) -> Iterator[Flaw]:
    """Find an amount that the currency cannot hold."""
    digits = MINOR_DIGITS[currency]
    if len(text.partition(".")[2]) > digits:
        yield flaw(path, "tariff.digits", currency=currency, digits=digits)


def amount_flaws(document: TariffKeys) -> Iterator[Flaw]:
    """Check the amounts of the tariff's head."""
    tax, rounding = document.tax, document.round_total
    if tax is not None and Fraction(tax.percent) > MOST_PERCENT:
        yield flaw(("tax", "percent"), "tariff.tax_percent", value=tax.percent)
    if rounding is not None:
        path: Path = ("round_total", "to")
        yield from money_flaws(rounding.to, path, document.currency)
        if not Fraction(rounding.to):
            yield flaw(path, "tariff.amount_zero", key="to")


def factored(part: ClassPart, index: int, base: Sequence[PlanLayers], currency: str) -> Iterator[Flaw]:
    """Check the factor of a class: above 0, and every amount it changes is one the currency can hold."""
    if part.factor is None:
        return
    path: Path = ("classes", index, "factor")
    factor = Fraction(part.factor)
    if not 0 < factor <= MOST_FACTOR:
        yield flaw(path, "tariff.factor", value=part.factor, most=MOST_FACTOR)
        return
    for plan in base:
        for name, replaced in (("caps", ("caps",)), ("minimum", ("minimum",)), ("bands", CHARGED)):
            stated = plan.find(*replaced)
            if stated is None or any(getattr(part, key) is not None for key in replaced):
                continue
            for text in _amounts(stated):
                if not _holds(text, factor, currency):
                    yield flaw(path, "tariff.factor_digits", amount=text, part=name, currency=currency)
        charged = plan.find(*CHARGED)
        if charged is not None and not all(_priced(charge, factor, currency) for charge in charges_of(charged)):
            yield flaw(path, "tariff.factor_price")


def charges_of(stated: Stated) -> list[ChargePart]:
    """Return the charges of a body that says ``charge`` or ``bands``."""
    return [stated.value] if isinstance(stated.value, ChargePart) else [band.charge for band in stated.value]


def _amounts(stated: Stated) -> Iterator[str]:
    if isinstance(stated.value, str):
        yield stated.value
    elif isinstance(stated.value, list):
        for part in stated.value:
            if isinstance(part, BandPart) and part.cap is not None:
                yield part.cap
            elif isinstance(part, CapPart):
                yield from part.amounts or [part.amount or "0"]


def _holds(text: str, factor: Fraction, currency: str) -> bool:
    try:
        amount_of(text, Fraction(1), currency)
    except ValueError:
        return True  # wrong by itself, which is reported at its own place
    try:
        amount_of(text, factor, currency)
    except ValueError:
        return False
    return True


def _priced(charge: ChargePart, factor: Fraction, currency: str) -> bool:
    return all(is_price(tier.price) for tier in tiers_of(charge, factor, currency))
